"""Items of Exchange (exchangelib's) as RawMessages."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.mail.header_block import Field, completed, date, header_block, mailbox
from connectors.mail.meeting_messages import calendar_part
from inboxwatch.core.model import FolderRole, Part, RawMessage

FIELDS = (
    "item_class", "subject", "datetime_received", "datetime_sent", "size", "is_draft", "in_reply_to", "headers",
    "sender", "author", "to_recipients", "cc_recipients", "bcc_recipients", "reply_to", "message_id", "references",
    "conversation_index", "conversation_id",
)  # fmt: skip


def is_report(item: Any) -> bool:
    """Whether it is a report on another message (a bounce, a receipt): its parts say on which."""
    kind = next((value for name, value in _headers(item) if name.lower() == "content-type"), "")
    return "multipart/report" in kind.lower() or str(item.item_class or "").lower().startswith("report.")


def received(item: Any) -> datetime:
    """When the server received it (UTC). Raises ValueError."""
    if not isinstance(item.datetime_received, datetime):
        raise ValueError("the server gives no receive time")  # noqa: TRY004  (of data, not of a call)
    at = item.datetime_received
    return datetime.fromtimestamp(at.timestamp(), UTC)


def raw_message(item: Any, role: FolderRole, parts: tuple[Part, ...] | None, text: bytes | None) -> RawMessage:
    """Raises ValueError where the item cannot be used."""
    if parts is None and (meeting := calendar_part(str(item.item_class or ""))):
        parts = (meeting,)
    conversation = getattr(item, "conversation_id", None)
    return RawMessage(
        ref=str(item.id),
        role=role,
        received_at=received(item),
        header=header_block(completed(_headers(item), _fields(item))),
        parts=parts,
        text=text,
        provider_thread=str(conversation.id) if conversation is not None and conversation.id else None,
    )


def _fields(item: Any) -> Iterable[Field]:
    """The header as far as Exchange's own properties give it; sent mail has no other."""
    sender, author = _address(_of(item, "sender")), _address(_of(item, "author"))
    index = _of(item, "conversation_index")
    sent = _of(item, "datetime_sent")
    return (
        ("Message-ID", str(_of(item, "message_id") or "")),
        ("From", author or sender),
        ("Sender", sender if author and sender != author else ""),
        ("To", _addresses(_of(item, "to_recipients"))),
        ("Cc", _addresses(_of(item, "cc_recipients"))),
        ("Bcc", _addresses(_of(item, "bcc_recipients"))),
        ("Reply-To", _addresses(_of(item, "reply_to"))),
        ("Subject", str(item.subject or "")),
        ("Date", date(datetime.fromtimestamp(sent.timestamp(), UTC)) if isinstance(sent, datetime) else ""),
        ("In-Reply-To", str(_of(item, "in_reply_to") or "")),
        ("References", str(_of(item, "references") or "")),
        ("Thread-Index", base64.b64encode(index).decode() if isinstance(index, bytes) else ""),
        ("X-Item-Class", str(item.item_class or "")),
    )


def _of(item: Any, name: str) -> Any:
    """Meeting messages and reports lack some fields of messages."""
    return getattr(item, name, None)


def _headers(item: Any) -> list[Field]:
    return [(str(one.name or ""), str(one.value or "")) for one in _of(item, "headers") or ()]


def _address(one: Any) -> str:
    return mailbox(one.name, one.email_address) if one is not None else ""


def _addresses(many: Any) -> str:
    return ", ".join([text for one in many or () if (text := _address(one))])
