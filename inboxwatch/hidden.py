"""Secrets of the config and people's addresses, cut out of whatever is shown, logged or stored.

Servers quote what they are sent: a password in a refusal, a webhook's path in an error page, a login as base64. Whoever
makes an error of such words, logs or prints passes them through `hidden` first.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

PLACEHOLDER = "<secret>"
ADDRESS = "<address>"
_LEAST = 6
"""Shorter texts stand in ordinary words too."""
_WHOLE = 8
"""Texts from this length are cut out wherever they stand, shorter ones where they stand alone."""
_known: dict[str, None] = {}
"""Grows only: a secret that a reload has replaced may still be quoted by a slow server."""
_PART = re.compile(r"\"[^\"\\\n]{1,64}\"@[^\s<>\"'(),:;]++|[^\s<>\"'(),:;/?&|]++")
"""What may be an address: with a quoted local part, or a run of what stands between the marks of sentences and URLs."""


def hide(text: str) -> None:
    """From now on a text is a secret. Of a URL these are its login, its path and its query as well."""
    parts = {text.strip()}
    if "://" in text:
        if text.startswith("sqlite:"):
            return
        try:
            url = urlsplit(text)
            path = f"{url.path}?{url.query}" if url.query else url.path
            parts |= {url.password or "", unquote(url.password or ""), path if len(path) > 12 else ""}
            parts |= {one for one in re.split(r"[/?&=]", path) if len(one) > 11}
        except ValueError:
            pass
    for part in parts:
        # Ordinary words protect nothing, and would cut holes into every sentence.
        if len(part) >= _LEAST and not (part.isalpha() and part.islower() and len(part) < 10):
            _known.update(dict.fromkeys(_forms(part)))


def hidden(text: str) -> str:
    """A text without any secret, whole or begun at its end, where something was cut off."""
    if not _known or len(text) < _LEAST:
        return text
    text = _pattern(len(_known)).sub(PLACEHOLDER, text)
    end = text[-200:].casefold()
    for secret in _known:
        folded = secret.casefold()
        for length in range(min(len(folded) - 1, len(end)), _LEAST - 1, -1):
            if end.endswith(folded[:length]):
                return text[:-length] + PLACEHOLDER
    return text


def without_addresses(text: str) -> str:
    """A text without anybody's mail address, also where it is part of a URL."""
    if "@" not in text and "%40" not in text:
        return text
    return _PART.sub(lambda part: ADDRESS if _is_address(part[0]) else part[0], text)


def _is_address(part: str) -> bool:
    local, _, domain = part.replace("%40", "@").rpartition("@")
    return bool(local.strip("@") and domain.strip("@."))


def _forms(secret: str) -> set[str]:
    """As servers quote it: as it is, as part of a URL, and inside base64 at any of its three places."""
    data = secret.encode("utf-8", "surrogateescape")
    forms = {secret, quote(secret, safe="")}
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        # The first and the last letter hold bits of what stands beside.
        inner = coded[(0, 2, 3)[before] : -1 if (before + len(data)) % 3 else None]
        if len(inner) >= _WHOLE:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


@lru_cache(maxsize=1)
def _pattern(count: int) -> re.Pattern[str]:
    """All secrets, the longest first. `count` tells that there are more of them than before."""
    longest_first = sorted(_known, key=len, reverse=True)
    return re.compile(
        "|".join(re.escape(one) if len(one) >= _WHOLE else rf"(?<!\w){re.escape(one)}(?!\w)" for one in longest_first),
        re.IGNORECASE,
    )
