"""The channel `webhook`: one signed POST a notice, for other programs."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, ClassVar

from inboxwatch.core.timestamp import rfc3339
from inboxwatch.notify import ConfigPath, Notice, Paced, Receipt, Recipient, Seconds, Secret, Settings
from inboxwatch.notify.http import HttpAddress, Poster
from inboxwatch.notify.text import clean, clean_tree

_TEXTS = ("lead_name", "company", "subject")


class WebhookSettings(Paced):
    """One POST of JSON a notice; see `inboxwatch/web/README.md` for its body."""

    url: HttpAddress
    """http or https; a secret, since many receivers are protected by nothing but their address."""
    secret: Secret | None = None
    """Signs each body: `X-Inboxwatch-Signature: sha256=HEX`, HMAC-SHA256."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    timeout: Seconds = 10.0
    """How long a whole exchange may take."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    proxy: str | None = None
    """The address of an HTTP proxy, such as `http://proxy.acme.test:3128`."""


class Webhook:
    """Posts the JSON of contract section 4. Redirects are not followed: they would carry the signature elsewhere."""

    settings: ClassVar[type[Settings]] = WebhookSettings
    most = 400
    """Keeps bodies below the 1 MB that web servers take unless told otherwise."""

    def __init__(self, settings: WebhookSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._poster = Poster(settings.timeout, settings.ca_file, settings.proxy)

    def reaches(self, person: Recipient) -> str | None:
        """A program that is told `targets` reaches anybody: one POST a step, whoever its readers are."""
        return ""

    def accepts(self, destination: str) -> str | None:
        return None

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        body = json.dumps(payload(notice), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Idempotency-Key": clean(key, 255)}
        if self._settings.token:
            headers["Authorization"] = f"Bearer {self._settings.token.reveal()}"
        if self._settings.secret:
            headers["X-Inboxwatch-Signature"] = signature(self._settings.secret.reveal(), body)
        await self._poster.post(self._settings.url.reveal(), body, headers)
        return Receipt()

    async def probe(self) -> str:
        return f"answers HEAD with {await self._poster.head(self._settings.url.reveal())}"

    async def aclose(self) -> None:
        await self._poster.aclose()


def signature(secret: str, body: bytes) -> str:
    """The value of X-Inboxwatch-Signature for a body; receivers compute the same and compare in constant time."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _subjects(notice: Notice) -> list[dict[str, object]]:
    return [one.as_json() for one in ((notice.contact,) if notice.contact else notice.clocks)]


def payload(notice: Notice) -> dict[str, Any]:
    """The body of contract section 4; `title` is added where a notice has one."""
    body: dict[str, Any] = {
        "type": notice.type.value,
        "id": notice.id,
        "at": rfc3339(notice.at),
        "clocks": [
            clean_tree(one) | {key: clean(one[key]) for key in _TEXTS if one.get(key)} for one in _subjects(notice)
        ],
        "targets": list(notice.targets),
        "link": notice.link,
    }
    optional = {"title": notice.title, "mailbox": notice.mailbox, "error": notice.error}
    return body | {name: clean(text, 1000) for name, text in optional.items() if text}
