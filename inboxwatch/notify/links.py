"""Signed links for one click in a mail: no login, not to be guessed, forged, or used after they expire.

A link names clock, action, person and expiry, and carries their HMAC-SHA256. Opening it (GET) only shows what it would
do, since mail scanners open every link; the form on that page acts (POST). Using one twice is harmless: the action is
the same for the same wait, and a wait that is over refuses it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

LABELS = {"acknowledge": "I have it", "dismiss": "No reply owed"}
"""What a link can do, and the words on it."""

LIFETIME = timedelta(days=7)


class LinkError(Exception):
    """A link that must not act; the message is for the person who opened it."""


class Action(NamedTuple):
    """A link by which the reader acts on a wait."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link allows: one action of one person on one wait, until it expires (UTC)."""

    clock: str
    action: str
    """A key of LABELS."""
    person: str
    expires: datetime


class Links:
    """Makes and checks links under `/a/` of the web part."""

    def __init__(self, secret: bytes, url: str, lifetime: timedelta = LIFETIME) -> None:
        """`secret` has at least 16 random bytes and outlives restarts; `url` is the web part's public address."""
        if len(secret) < 16:
            raise ValueError("the secret of the links needs at least 16 bytes")
        # A key of their own: what else the secret may sign can never be taken for a link.
        self._key = hmac.digest(secret, b"inboxwatch links 1", "sha256")
        self._url = url.rstrip("/")
        self._lifetime = lifetime

    def actions(self, clock: str, person: str, now: datetime) -> tuple[Action, ...]:
        """Every link that a person gets for a wait."""
        expires = now + self._lifetime
        return tuple(
            Action(label, f"{self._url}/a/{self.sign(Grant(clock, action, person, expires))}")
            for action, label in LABELS.items()
        )

    def sign(self, grant: Grant) -> str:
        """The last part of a link's path: URL-safe, ASCII."""
        fields = [grant.clock, grant.action, grant.person, int(grant.expires.timestamp())]
        body = json.dumps(fields, separators=(",", ":")).encode()
        return f"{_encode(body)}.{_encode(self._mac(body))}"

    def verify(self, token: str, now: datetime) -> Grant:
        """What a link allows now. Raises LinkError for one that was altered, is none of ours, or has expired."""
        body, mac = (_decode(part) for part in (token.split(".") if token.count(".") == 1 else ("", "")))
        if not body or not hmac.compare_digest(mac, self._mac(body)):
            raise LinkError("This link is not valid. Open the newest message about this wait, or the board.")
        clock, action, person, expires = json.loads(body)
        grant = Grant(clock, action, person, datetime.fromtimestamp(expires, UTC))
        if now >= grant.expires:
            raise LinkError("This link has expired. Open the newest message about this wait, or the board.")
        return grant

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """The bytes of unpadded base64url, or none for anything else: an unusual spelling of a good link is no link."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
    return data if _encode(data) == text else b""
