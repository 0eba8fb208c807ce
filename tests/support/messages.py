"""Mail written by us, for tests of matching: every message passes through the header reader, as in the daemon."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import leads_of_all, leads_of_nobody
from inboxwatch.core.model import FolderRole, Lead, LeadId, Message, Part, RawMessage

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
US = Us(frozenset({"acme.test"}))


def raw(
    header: str, minutes: float = 0, role: FolderRole = FolderRole.INBOX, parts: tuple[Part, ...] | None = None
) -> RawMessage:
    """A header block received so many minutes after START."""
    block = header.strip("\n").encode("utf-8", "surrogateescape")
    return RawMessage("test", role, START + timedelta(minutes=minutes), block, parts)


def mail(
    name: str,
    minutes: float = 0,
    *,
    sender: str = "Bea Buyer <bea@buyer.test>",
    to: str = "ana@acme.test",
    subject: str = "Prices",
    answers: str = "",
    references: str = "",
    extra: str = "",
    text: str | None = None,
    parts: tuple[Part, ...] | None = None,
    role: FolderRole = FolderRole.INBOX,
    conversation: str | None = None,
) -> Message:
    """One message; `name` is its id; it, `answers` and `references` are written without brackets."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{name}>"]
    lines.append(f"Date: {format_datetime(START + timedelta(minutes=minutes))}")
    if answers:
        lines.append(f"In-Reply-To: <{answers}>")
    if references:
        lines.append("References: " + " ".join(f"<{one}>" for one in references.split()))
    whole = raw("\n".join([*lines, extra]), minutes, role, parts)
    return parse(replace(whole, provider_thread=conversation), text)


def ours(name: str, minutes: float = 0, **more: Any) -> Message:
    """A message that Ana wrote to Bea."""
    return mail(name, minutes, **{"sender": "Ana Diaz <ana@acme.test>", "to": "bea@buyer.test", **more})


def take(
    *messages: Message, leads: tuple[Lead, ...] = (), batches: bool = False, shared: bool = False
) -> dict[str, Entry]:
    """The entries by Message-ID, taken as one batch or one by one in the order given."""
    intake = Intake(US, Directory(leads), ThreadIndex(), leads_of_all if shared else leads_of_nobody)
    if not batches:
        return {entry.message.id: entry for entry in intake.take_batch(messages)}
    for message in messages:
        intake.take(message)
    found: dict[str, Entry] = {}
    for message in messages:
        entry = intake.take(message)
        found[entry.message.id] = entry
    return found


def lead(email: str, **more: Any) -> Lead:
    return Lead(LeadId(email), **more)
