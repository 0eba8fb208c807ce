"""Messages of Microsoft Graph as RawMessages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.mail.header_block import Field, completed, date, header_block, mailbox
from connectors.mail.meeting_messages import calendar_part
from inboxwatch.core.model import FolderRole, Part, RawMessage

FIELDS = (
    "internetMessageId", "conversationId", "conversationIndex", "receivedDateTime", "sentDateTime", "subject", "from",
    "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "isDraft", "internetMessageHeaders",
    "webLink",
)  # fmt: skip
MEETING = "microsoft.graph.eventMessage/meetingMessageType"
"""Of meeting messages only; some servers refuse to select it."""
_IN_REPLY_TO, _REFERENCES, _CLASS = 0x1042, 0x1039, 0x001A
"""MAPI properties (MS-OXPROPS): PidTagInReplyToId, PidTagInternetReferences, PidTagMessageClass."""
PROPERTIES = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq 'String 0x{tag:x}'" for tag in (_IN_REPLY_TO, _REFERENCES, _CLASS))
)
"""What `$expand` asks for where the grant lets it: the headers of sent mail, and the class of the item."""

Item = Mapping[str, Any]


def complete(item: Item) -> bool:
    """Whether a message came with its fields: for some changes the server gives no more than the id."""
    return bool(item.get("receivedDateTime")) and "internetMessageId" in item


def received(item: Item) -> datetime:
    """When the server received it (UTC). Raises ValueError."""
    at = datetime.fromisoformat(str(item["receivedDateTime"]))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def is_report(item: Item) -> bool:
    """Whether it is a report on another message (a bounce, a receipt): its parts say on which."""
    kind = next((value for name, value in _headers(item) if name.lower() == "content-type"), "")
    return "multipart/report" in kind.lower() or _property(item, _CLASS).lower().startswith("report.")


def raw_message(item: Item, role: FolderRole, parts: tuple[Part, ...] | None, text: bytes | None) -> RawMessage:
    """Raises ValueError where the item cannot be used."""
    kind = str(item.get("meetingMessageType") or _property(item, _CLASS))
    if parts is None and (meeting := calendar_part(kind)):
        parts = (meeting,)
    return RawMessage(
        ref=str(item["id"]),
        role=role,
        received_at=received(item),
        header=header_block(completed(_headers(item), _fields(item))),
        parts=parts,
        text=text,
        provider_thread=str(item.get("conversationId") or "") or None,
        web_link=str(item.get("webLink") or ""),
    )


def _fields(item: Item) -> Iterable[Field]:
    """The header as far as Graph's own fields give it; sent mail has no other."""
    sender, author = _address(item.get("sender")), _address(item.get("from"))
    sent = str(item.get("sentDateTime") or "")
    return (
        ("Message-ID", str(item.get("internetMessageId") or "")),
        ("From", author or sender),
        ("Sender", sender if author and sender != author else ""),
        ("To", _addresses(item.get("toRecipients"))),
        ("Cc", _addresses(item.get("ccRecipients"))),
        ("Bcc", _addresses(item.get("bccRecipients"))),
        ("Reply-To", _addresses(item.get("replyTo"))),
        ("Subject", str(item.get("subject") or "")),
        ("Date", date(datetime.fromisoformat(sent)) if sent else ""),
        ("In-Reply-To", _property(item, _IN_REPLY_TO)),
        ("References", _property(item, _REFERENCES)),
        ("Thread-Index", str(item.get("conversationIndex") or "")),
        ("X-Item-Class", _property(item, _CLASS)),
    )


def _headers(item: Item) -> list[Field]:
    return [
        (str(one.get("name") or ""), str(one.get("value") or "")) for one in item.get("internetMessageHeaders") or ()
    ]


def _property(item: Item, tag: int) -> str:
    for one in item.get("singleValueExtendedProperties") or ():
        name = str(one.get("id", "")).rpartition("0x")[2]
        if name and int(name, 16) == tag:
            return str(one.get("value") or "")
    return ""


def _address(recipient: Any) -> str:
    found = (recipient or {}).get("emailAddress") or {}
    return mailbox(found.get("name"), found.get("address"))


def _addresses(recipients: Any) -> str:
    return ", ".join([text for one in recipients or () if (text := _address(one))])
