"""Text for readers: strangers' text made harmless."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from inboxwatch.core.mail_link import web_address
from inboxwatch.hidden import hidden, without_addresses
from inboxwatch.words import ENGLISH

LINE = 200
"""Characters of one line of strangers' text (a subject, a name): longer ones are cut."""

_KEPT_FORMATS = "\u200c\u200d"
"""Joiners: invisible, but Persian, Indic scripts and emoji are wrong without them."""
_SPACES = re.compile(r"\s+")
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co"})
_EXTENDING = frozenset({"Mn", "Me", "Mc"})


def clean(value: object, limit: int = LINE) -> str:
    """One line of at most `limit` characters that shows as what it is, whoever wrote it.

    Line breaks and runs of white space become one space; control characters, escape sequences' ESC, bidi marks and
    overrides, other invisible characters, lone surrogates and private characters are removed. The cut never
    splits a letter from its marks, and shows as an ellipsis.
    """
    # Eight times the limit is read: room for what is removed, and a bound on the work for a subject of 100 kB.
    text = _SPACES.sub(" ", str(value)[: limit * 8])
    text = "".join(char for char in text if char in _KEPT_FORMATS or unicodedata.category(char) not in _UNSHOWN)
    return cut(_SPACES.sub(" ", text).strip(" " + _KEPT_FORMATS), limit)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something is missing."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > max(1, limit - 32) and (_extends(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def _extends(char: str) -> bool:
    return char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff" or unicodedata.category(char) in _EXTENDING


def clean_tree(value: Any, limit: int = 1000) -> Any:
    """A JSON-ready value with every text in it cleaned: what leaves for machines is shown to people in the end."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, Mapping):
        return {clean(key): clean_tree(item, limit) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_tree(item, limit) for item in value]
    return value


def said(value: object, limit: int = 300) -> str:
    """What a server answered, fit for an error that is logged: one line, without anybody's address."""
    return without_addresses(clean(hidden(str(value)), limit))


span, hours, when = ENGLISH.span, ENGLISH.hours, ENGLISH.when
"""Lengths of time and instants in English, for commands and logs; people read them in their `Wording`."""


def web_link(link: str) -> str:
    """`link` where it is a plain http(s) address that can be shown and clicked, else an empty text."""
    return web_address(link)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 10.2.3: seconds or an HTTP date), at most a day; None without one."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return min(float(value), 86400.0)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), 86400.0)
