"""Signed links by which one click in a mail acts without a login; they cannot be guessed or forged, and they expire.

A link names clock, action, person and expiry, and carries their HMAC-SHA256, made and compared by itsdangerous. Opening
it (GET) only shows what it would do, since mail scanners open every link; the form on that page acts (POST). Using one
twice is harmless: the action is the same for the same wait, and a wait that is over refuses it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from inboxwatch.notify import follow_up_messages, messages, qualification_messages
from inboxwatch.notify.actions import ClassChoice

OF_REPLIES = {action: messages.ACTION_LABELS[action] for action in ("acknowledge", "dismiss")}
OF_FOLLOW_UPS = {action: follow_up_messages.ACTION_LABELS[action] for action in ("activity", "stop")}
LABELS = OF_REPLIES | OF_FOLLOW_UPS
"""What a link can do, and the words on it; beside that it can say what an inquiry is (`QUALIFY`)."""
QUALIFY = "qualify:"
"""Before the class that a link gives, and a tier: `qualify:sales:hot`."""

LIFETIME = timedelta(days=3)
"""Over a weekend. Whoever finds a link later, in a forwarded mail or an archive, gets nothing by it."""


class LinkError(Exception):
    """A link that must not act; the message is for the person who opened it."""


class ActionLink(NamedTuple):
    """A link by which the reader acts on a wait."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link allows: one action of one person on one wait, until it expires (UTC)."""

    clock: str
    action: str
    """A key of LABELS, or QUALIFY with a class."""
    person: str
    expires: datetime


def choice_of(action: str) -> ClassChoice | None:
    """What a link says that an inquiry is; None for one that does something else."""
    if not action.startswith(QUALIFY):
        return None
    inquiry_class, _, tier = action.removeprefix(QUALIFY).partition(":")
    return ClassChoice(inquiry_class, tier)


class Links:
    """Makes and checks links under `/a/` of the web part."""

    def __init__(
        self,
        secret: bytes,
        url: str,
        lifetime: timedelta = LIFETIME,
        former: tuple[bytes, datetime] | None = None,
    ) -> None:
        """`secret` has at least 16 random bytes and outlives restarts; `url` is the web part's public address.

        `former`: the secret before it, and until when (UTC) links that it signed are valid.
        """
        if len(secret) < 16:
            raise ValueError("the secret of the links needs at least 16 bytes")
        self._signer = signer(secret, "links")
        self._former = (signer(former[0], "links"), former[1]) if former else None
        self._url = url.rstrip("/")
        self._lifetime = lifetime

    def actions(self, clock: str, person: str, now: datetime, *, follow_up: bool = False) -> tuple[ActionLink, ...]:
        """Every link that a person gets for a wait."""
        expires, offered = now + self._lifetime, OF_FOLLOW_UPS if follow_up else OF_REPLIES
        return tuple(
            ActionLink(label, f"{self._url}/a/{self.sign(Grant(clock, action, person, expires))}")
            for action, label in offered.items()
        )

    def verdicts(
        self, clock: str, person: str, now: datetime, choices: Sequence[ClassChoice]
    ) -> tuple[ActionLink, ...]:
        """A link for each thing that a person may say an inquiry is, labelled by class and tier."""
        return tuple(self._verdict(clock, person, now + self._lifetime, one) for one in choices)

    def _verdict(self, clock: str, person: str, expires: datetime, choice: ClassChoice) -> ActionLink:
        action = f"{QUALIFY}{choice.inquiry_class}{':' if choice.tier else ''}{choice.tier}"
        label = qualification_messages.what(choice.inquiry_class, choice.tier)
        return ActionLink(label, f"{self._url}/a/{self.sign(Grant(clock, action, person, expires))}")

    def sign(self, grant: Grant) -> str:
        """The last part of a link's path: URL-safe, ASCII."""
        return _signed(grant, self._signer)

    def verify(self, token: str, now: datetime) -> Grant:
        """What a link allows now. Raises LinkError for one that was altered, was not signed here, or has expired."""
        encoded, _, signature = token.partition(".")
        try:
            body = base64_decode(encoded)
        except BadData:
            raise LinkError(messages.LINK_INVALID) from None
        used = self._signer
        if self._former is not None and now < self._former[1] and not used.verify_signature(body, signature):
            used = self._former[0]
        if not used.verify_signature(body, signature):
            raise LinkError(messages.LINK_INVALID)
        clock, action, person, expires = json.loads(body)
        grant = Grant(clock, action, person, datetime.fromtimestamp(expires, UTC))
        # base64 is read leniently: the same bits in another spelling are no link of ours.
        if token != _signed(grant, used):
            raise LinkError(messages.LINK_INVALID)
        if now >= grant.expires:
            raise LinkError(messages.LINK_EXPIRED)
        return grant


def _signed(grant: Grant, by: Signer) -> str:
    fields = [grant.clock, grant.action, grant.person, int(grant.expires.timestamp())]
    body = json.dumps(fields, separators=(",", ":")).encode()
    return f"{base64_encode(body).decode()}.{by.get_signature(body).decode()}"


def signer(secret: bytes, purpose: str) -> Signer:
    """A signer with a key of its own for each purpose: what is signed for one is never valid for another.

    The expiry of what is signed is checked by the caller, against the clock that the daemon runs by.
    """
    salt = f"inboxwatch {purpose} 1".encode()
    return Signer(secret, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
