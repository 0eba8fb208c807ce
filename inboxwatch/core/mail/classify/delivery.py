"""Delivery status notifications: RFC 3464, and the older forms of qmail, Exim, Postfix, Exchange and gateways."""

from __future__ import annotations

import re

from inboxwatch.core.mail.headers import ids
from inboxwatch.core.model import Delivery, Message, MessageId

_ACTION = re.compile(rb"^action[ \t]*:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^status[ \t]*:[ \t]*([245])\.\d", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(
    rb"^(?:final|original|x-actual)-recipient[ \t]*+:[ \t]*+(?:[\w-]++[ \t]*+;)?[ \t]*+<?+([^\s<>;@]++@[^\s<>;]++)",
    re.IGNORECASE | re.MULTILINE,
)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_ORIGINAL_ID = re.compile(
    rb"^(?:original|x-original)-message-id[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)
_TEXT_ID = re.compile(r"^[ \t>|]*message-id[ \t]*:[ \t]*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
_TEXT_RECIPIENT = re.compile(
    r"^[ \t]*+<?+([^\s<>:;,()\"@]{1,250}+@[^\s<>:;,()\"]{1,250}\.[a-z]{2,24}+)", re.IGNORECASE | re.MULTILINE
)
_SERVICE_DELIVERED = re.compile(r'"(?:notificationType|eventType|event)"\s*:\s*"(?:delivery|delivered)"', re.IGNORECASE)
_ORDER = ("failed", "delayed", "delivered", "relayed", "expanded")

DELAYED = (
    "delayed", "warning: could not send", "warning: message", "warning - delayed", "still trying", "delivery delay",
    "not yet been delivered", "could not yet", "will be retried", "transient", "temporarily", "verzögert", "retardé",
    "retrasado",
    "ritardo", "vertraagd", "4 hours", "mail delay", "delivery status notification (delay)",
)  # fmt: skip
"""Subjects of notices that a message is late, case folded."""
DELIVERED = ("(success)", "relayed", "successful mail delivery", "delivery receipt", "zugestellt", "delivered:")
"""Subjects of notices that it arrived."""

_STATUS_TYPES = (
    "message/delivery-status",
    "message/global-delivery-status",
    "message/disposition-notification",
    "message/global-disposition-notification",
)
"""What tells the fate; a refusal may come as a disposition notification (RFC 5429)."""
_RETURNED_TYPES = ("text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers")


def read(message: Message) -> Delivery:
    """What a bounce says about which message of ours, and for whom.

    Parts tell it in both privacy modes, the text only where it may be read; otherwise the ids the notice answers.
    """
    status = b"\n".join(
        part.payload for part in message.parts or () if part.payload and part.content_type.startswith(_STATUS_TYPES)
    )
    returned = [
        part.payload for part in message.parts or () if part.payload and part.content_type.startswith(_RETURNED_TYPES)
    ]
    text = (message.text or "")[:65536]
    action = _action(status, message.subject.casefold(), text)
    recipients = {
        one.decode("latin-1").lower()
        for one in _RECIPIENT.findall(_failed_blocks(status) if action == "failed" else status)
    }
    failed = message.mark("x-failed-recipients")
    if failed:
        recipients |= {one.strip(" <>").lower() for one in failed.split(",") if "@" in one}
    named = _named(message, status, returned)
    own = {message.sender.email, *(one.email for one in message.recipients)}
    if not recipients and text and not status:
        recipients = {one.lower() for one in _TEXT_RECIPIENT.findall(text[:8192])} - own
    of = named or _answered(message, text)
    return Delivery(action, of, frozenset(sorted(recipients)[:100]), _is_proven(message, status, named))


def _is_proven(message: Message, status: bytes, named: MessageId | None) -> bool:
    """Whether a mail system speaks: anybody can write a mail with its words and headers, whose answers come back.

    Where the server does not tell the return path, a delivery status is believed also without our message's name.
    """
    path = message.mark("return-path")
    if path is not None and path.replace(" ", "").startswith("<>"):
        return True
    report = bool(status) or "report-type=delivery-status" in message.content_type
    return report and (path is None or named is not None)


def _action(status: bytes, subject: str, text: str) -> str:
    actions = {one.decode("latin-1").lower() for one in _ACTION.findall(status)}
    if known := [one for one in _ORDER if one in actions]:
        return known[0]
    classes = set(_STATUS.findall(status))
    if classes:
        return "failed" if b"5" in classes else "delayed" if b"4" in classes else "delivered"
    if any(word in subject for word in DELAYED):
        return "delayed"
    if any(word in subject for word in DELIVERED) or _SERVICE_DELIVERED.search(text):
        return "delivered"
    return "failed"


def _failed_blocks(status: bytes) -> bytes:
    """The blocks of recipients who did not get it: one notification may report several fates."""
    blocks = re.split(rb"\r?\n\r?\n", status)
    failed = [block for block in blocks if (found := _ACTION.search(block)) is None or found[1].lower() == b"failed"]
    return b"\n\n".join(failed)


def _named(message: Message, status: bytes, returned: list[bytes]) -> MessageId | None:
    """The message of ours that a part of the notification names."""
    for block in (*returned, *([status] if status else [])):
        for pattern in (_MESSAGE_ID, _ORIGINAL_ID):
            found = pattern.search(block)
            if found and (known := ids(re.sub(rb"\s+", b" ", found[1]), but=message.id)):
                return known[0]
    return None


def _answered(message: Message, text: str) -> MessageId | None:
    """The message of ours that the notification's own headers or words name."""
    for one in (*message.in_reply_to, *reversed(message.references)):
        return one
    inside = [one for one in _TEXT_ID.findall(text) if one != message.id]
    return MessageId(inside[-1] if len(inside) == 1 else inside[0]) if inside else None
