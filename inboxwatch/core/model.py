"""The nouns of mail and people, in the words of the field."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType

from inboxwatch.core.frozen import record

MessageId = NewType("MessageId", str)
"""RFC 5322 msg-id without angle brackets."""
ThreadId = NewType("ThreadId", str)
LeadId = NewType("LeadId", str)
"""A lead's primary address, lower case."""
PersonId = NewType("PersonId", str)
"""A key of the config's `people`."""
MailboxId = NewType("MailboxId", str)
"""A key of the config's `mailboxes`."""
ClockId = NewType("ClockId", str)


class Direction(StrEnum):
    """Who wrote to whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Kind(StrEnum):
    """What sort of mail this is."""

    HUMAN = "human"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    CALENDAR = "calendar"
    BULK = "bulk"


class FolderRole(StrEnum):
    """What a folder is for; a message in SENT was sent by the mailbox's own people."""

    INBOX = "inbox"
    SENT = "sent"
    OTHER = "other"


class ShownFigures(StrEnum):
    """Whose figures are shown."""

    PEOPLE = "people"
    TEAMS = "teams"


class Privacy(StrEnum):
    """How much of a message may be read: only what machines wrote, or text as well (in memory, never stored)."""

    HEADERS = "headers"
    TEXT = "text"


@record(frozen=True, slots=True)
class Address:
    """A mailbox of RFC 5322: `email` is lower case and may be empty where the header holds none."""

    email: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


@record(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree: its type always, its bytes only where they may be read (machine parts, or text mode)."""

    content_type: str
    """Lower case, with parameters that matter: `text/calendar; method=REPLY`."""
    size: int
    payload: bytes | None = None


@record(frozen=True, slots=True)
class RawMessage:
    """A message as a connector delivers it.

    `header` is the raw header block; connectors of APIs without one write it from the fields that the API gives.
    `parts` are the leaves of the MIME tree as far as the connector saw them; None says "not seen".
    `text` is the whole raw message and is given in privacy mode `text` only.
    """

    ref: str
    """The connector's own name for this sighting: folder and UID, file name, API id. Opaque, unique in the mailbox."""
    role: FolderRole
    received_at: datetime
    """The server's receive time (INTERNALDATE, receivedDateTime), UTC."""
    header: bytes
    parts: tuple[Part, ...] | None = None
    text: bytes | None = None
    provider_thread: str | None = None
    web_link: str = ""
    """The provider's address at which people open it; empty where the API gives none."""


@record(frozen=True, slots=True)
class Delivery:
    """What a delivery status notification says (RFC 3464): which message of ours failed, and for whom."""

    action: str
    """failed, delayed, delivered, relayed or expanded."""
    of: MessageId | None
    recipients: frozenset[str] = frozenset()
    """Failed addresses, lower case; empty where the notification names none."""
    proven: bool = True
    """Whether a mail system speaks: by a null return path, or by a part that names our message (RFC 3464)."""


@record(frozen=True, slots=True)
class Message:
    """One RFC 5322 message, parsed; many mailboxes may have witnessed it."""

    id: MessageId
    """Its Message-ID; where it has none, one made of a digest of its header, ending in `@missing.inboxwatch`."""
    received_at: datetime
    """UTC; the server's receive time, or where that is implausible the header's `Date:` (`time_from` says so)."""
    sender: Address
    role: FolderRole = FolderRole.INBOX
    time_from: str = "server"
    """server, received (topmost Received line), envelope (mbox From line), date (Date: header)."""
    sent_at: datetime | None = None
    """The `Date:` header, UTC."""
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    in_reply_to: tuple[MessageId, ...] = ()
    references: tuple[MessageId, ...] = ()
    """Oldest first, as in the header; capped."""
    provider_thread: str | None = None
    web_link: str = ""
    thread_index: bytes | None = None
    """Outlook's conversation index (22 bytes and 5 for each level)."""
    marks: tuple[tuple[str, str], ...] = ()
    """The headers that tell the kind (Auto-Submitted, List-Id, ...), names in lower case, values unfolded."""
    content_type: str = ""
    """Lower case, with parameters: `multipart/report; report-type=delivery-status`."""
    parts: tuple[Part, ...] | None = None
    text: str | None = None
    """Its plain text, in privacy mode `text` only; never stored."""
    held_since: datetime | None = None
    """UTC; the server's own receive time where `received_at` is another."""
    hops: tuple[str, ...] = ()
    """The topmost Received lines, the newest first."""
    stamps: tuple[str, ...] = ()
    """The topmost Authentication-Results (RFC 8601), the newest first. Whoever sent it may have written some."""

    @property
    def recipients(self) -> tuple[Address, ...]:
        return self.to + self.cc + self.bcc

    def mark(self, name: str) -> str | None:
        """The first value of a kind-telling header, or None."""
        for key, value in self.marks:  # a generator costs more than the whole loop
            if key == name:
                return value
        return None


@record(frozen=True, slots=True)
class Lead:
    """A known buyer. `provisional` leads were made from mail of unknown senders."""

    id: LeadId
    name: str = ""
    company: str = ""
    domain: str = ""
    """The company's own mail domain, lower case; empty for people with free-mail addresses only."""
    owner: PersonId | None = None
    tier: str = ""
    status: str = "open"
    """open, won, lost, closed."""
    source: str = ""
    aliases: tuple[str, ...] = ()
    """Further addresses of the same person, lower case."""
    country: str = ""
    language: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    provisional: bool = False


@record(frozen=True, slots=True)
class Verdict:
    """The kind of a message and the signal that decided it, in words for people."""

    kind: Kind
    signal: str
    owes_reply: bool = False
    """True where this message starts a wait if inbound: humans, declined or countered invitations."""
    effect: str | None = None
    """A stop condition that this message fulfils: meeting_accepted, opted_out; meeting_answered is none: it answers an
    invitation otherwise than by a plain yes; meeting_booked: a booking service tells that the lead has booked."""
    delivery: Delivery | None = None
    """For bounces: what the notification says."""
    away_until: datetime | None = None
    """For vacation replies that name the day of return."""
    vacation: bool = False
    """True for an auto-reply that says its author is away."""
    meanings: tuple[str, ...] = ()
    """What the rules of meaning found in it: no_reply_owed, not_interested, substitute_named, ..."""
    machine: tuple[str, ...] = ()
    """What spoke for a machine where signs were weighed, the heaviest first."""
    person: tuple[str, ...] = ()
    """What spoke for a person."""
    weight: int | None = None
    """By how much the signs of a machine were heavier; None where one of them is certain."""
    meeting: str = ""
    """The UID of the meeting to which it invites, or which it accepts, or that was booked."""


class Evidence(StrEnum):
    """Why a message belongs to a thread, strongest first."""

    REPLY = "in_reply_to"
    REFERENCES = "references"
    REFERENCED = "referenced"
    """An earlier-read message already named this one."""
    INDEX = "thread_index"
    PROVIDER = "provider_thread"
    QUOTE = "quoted_text"
    SUBJECT = "subject"
    DELIVERY = "delivery_status"
    """A bounce or receipt that names the message it is about."""
    NONE = "none"
    """It starts a thread."""


@record(frozen=True, slots=True)
class Match:
    """Where a message belongs: decided once, with the evidence and how sure it is (0..1)."""

    thread: ThreadId
    parent: MessageId | None
    evidence: Evidence
    confidence: float = 1.0
