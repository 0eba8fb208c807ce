"""What a notice tells of: a wait with the step that tells it, or a first contact that never arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import LeadId, MessageId
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify.actions import ClassChoice
from inboxwatch.notify.notice_inquiry import NoticeInquiry

UNVERIFIED = "unverified"
"""The reason of a step that is told although a mailbox that could hold the answer is unread."""


@dataclass(frozen=True, slots=True)
class Handed:
    """How a wait came to whoever has it now."""

    by: str
    """A person's id; `routing` or `escalation` for the program's own."""
    by_name: str
    """Empty where it was no person."""
    former: str
    """The id of who had it."""
    former_name: str
    reason: str
    """In words, with people's names."""
    to_reader: bool
    """Whether the reader has it now; otherwise they had it."""


@dataclass(frozen=True, slots=True)
class NoticeWait:
    """A wait as a notice tells it."""

    wait: WaitView
    step: int | None = None
    """From 1; None where no step tells it: over, in a digest, an answer to a question."""
    round: int | None = None
    """1 for the ladder; repeats of its last step count from 2."""
    reason: str = ""
    """Of a step: warning, breach, escalated, repeated, unverified."""
    unread_since: datetime | None = None
    """For the reason `unverified`: since when the mailbox that could hold the answer has not been read (UTC)."""
    section: str = ""
    """In a digest: the heading under which it is listed, in order."""
    handed: Handed | None = None
    """Where its owner has changed, and that is what is told."""
    note: str = ""
    """What somebody has done to it last, in a sentence for the reader, where that is shown."""
    choices: tuple[ClassChoice, ...] = ()
    """What a reader may say that it is; empty without qualification, and of a follow-up."""
    inquiry: NoticeInquiry | None = None
    """What it is by now; None without qualification, and of a follow-up."""

    def as_json(self) -> dict[str, object]:
        """The clock of contract section 4 with what only notices tell; what is not known is left out."""
        wait = self.wait
        step: dict[str, object] = {}
        if self.step is not None:
            step = {"step": self.step, "round": self.round, "reason": self.reason}
        if self.reason == UNVERIFIED:
            step["unread_since"] = rfc3339(self.unread_since)
        further = {
            "waited_seconds": wait.wall_seconds,
            "exchanged": wait.exchanged,
            "lead_name": wait.lead_name,
            "company": wait.company,
            "score": "" if wait.inquiry_class else wait.score,
            "subject": wait.subject,
            "owner_name": wait.owner_name,
            "answered_by_name": wait.answered_by_name,
            "last_exchanged_at": rfc3339(wait.last_exchanged_at),
            "section": self.section,
        }
        if self.handed is not None:
            further |= {"given_by": self.handed.by, "former_owner": self.handed.former, "why": self.handed.reason}
        known = {key: value for key, value in further.items() if value or (key == "exchanged" and value is not None)}
        return step | wait.as_json() | known


@dataclass(frozen=True, slots=True)
class FailedContact:
    """A buyer whom our first message never reached: no wait, so it has neither an id nor times."""

    lead: LeadId
    lead_name: str
    company: str
    tier: str
    owner: str
    """A person's id or a target: who must find another way."""
    owner_name: str
    subject: str
    message_id: MessageId

    def as_json(self) -> dict[str, object]:
        """Stands where a notice's clock would; what is not known is left out."""
        found = {
            "lead": self.lead,
            "lead_name": self.lead_name,
            "company": self.company,
            "tier": self.tier,
            "owner": self.owner,
            "owner_name": self.owner_name,
            "subject": self.subject,
            "message_id": self.message_id,
        }
        return {key: value for key, value in found.items() if value}
