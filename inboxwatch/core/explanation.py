"""What `explain` says about a lead, a message or a wait, as values; `notify/explanation.py` writes it in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.mail.classify import NO_SIGNS, Signs
from inboxwatch.core.model import ClockId, Direction, Evidence, Kind, Lead, LeadId, MessageId, PersonId
from inboxwatch.core.proof import NOTHING_KNOWN, Proof
from inboxwatch.core.qualification.decision import SenderWord
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import Action
from inboxwatch.core.wait_view import WaitView


class WaitPart(StrEnum):
    """What a message is to a wait of its thread."""

    STARTS = "starts"
    ENDS = "ends"
    NUDGE = "nudge"
    """A further message of the buyer while it ran."""
    OTHER = "other"
    """Of another wait of the thread."""
    OWED = "owed"
    """Of another wait: it was read after the dismissal of this one, so it stays owed."""


class MessageDoubt(StrEnum):
    """Why a message does not do to a wait what it seems to do."""

    NOT_VERIFIED = "not_verified"
    """It bears our name, and is not shown to be ours."""
    DATED_BACK = "dated_back"
    """Its first copy came long after its Date."""
    FORGED = "forged"
    """It would end the wait in a forged name."""
    NOT_THEIRS = "not_theirs"
    """It would end the wait, and is not the lead's own word."""


@dataclass(frozen=True, slots=True)
class ExplainedMessage:
    """A message with what was decided about it."""

    at: datetime
    id: MessageId
    direction: Direction
    kind: Kind
    who: str
    """The address in From; of ours, who wrote it."""
    lead: LeadId | None
    signal: str
    evidence: Evidence
    confidence: float
    parent: MessageId | None
    time_from: str
    """The header whose word its time is: `server`, `received` or `date`."""
    part: WaitPart | None = None
    other: ClockId | None = None
    """The wait it belongs to instead."""
    signs: Signs = NO_SIGNS
    """What spoke for and against its kind."""
    effect: str | None = None
    """The stop condition that it names."""
    proof: Proof = NOTHING_KNOWN
    """Who really sent it."""
    doubt: MessageDoubt | None = None


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """A step of the ladder that was owed to somebody; without a target it was withheld."""

    at: datetime
    step: int
    round: int
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    """What became of a notice."""

    at: datetime
    type: str
    target: str
    channel: str
    state: str
    error: str | None


Happened = ExplainedMessage | Action | ExplainedStep | ExplainedDelivery


@dataclass(frozen=True, slots=True)
class OwnerThen:
    """Who owned a wait at an instant (rule 26)."""

    at: datetime
    open: bool
    """Whether the wait was open then; if not, nobody owned it."""
    assigned: Action | None
    """The assignment in force; None where none was recorded, then the wait's owner is."""


@dataclass(frozen=True, slots=True)
class QualificationTurn:
    """From when on a wait was something else, or worth something else."""

    at: datetime
    by: str
    """A person's name; `rules`, `repolicy`, `source:NAME` for the program's own."""
    inquiry_class: str
    tier: str
    reason: str = ""
    person: bool = False
    back: bool = False
    """A verdict was taken back."""
    owner: str = ""
    """To whom the verdict gave the wait."""
    due_at: datetime | None = None
    """When it was due from then on; None where that did not change."""
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExplainedQualification:
    """What a wait is about and worth, and what decided it."""

    inquiry_class: str
    class_by: str
    class_name: str
    """Of the person who decided it, where one did."""
    held_back: str
    """The rule that would have filtered a known open lead."""
    score: float | None
    lines: tuple[ScoreLine, ...]
    said_in: tuple[MessageId, ...]
    """The messages whose words count."""
    version: str
    tier: str
    tier_by: str
    """The name of the person who named the tier; empty: list or score."""
    tier_listed: bool
    threshold: float | None
    """From which score the tier holds, where that has decided by the rules in force."""
    turns: tuple[QualificationTurn, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class ExplainedWait:
    """A wait: who owns it, what its SLA is, what happens next, and all that happened, oldest first."""

    wait: WaitView
    assigned: Action | None
    """The assignment that holds."""
    then: OwnerThen | None
    happened: tuple[Happened, ...]
    ladder: tuple[LadderStep, ...] = ()
    """Every step that was told, and every one that follows if nobody answers."""
    qualification: ExplainedQualification | None = None
    """None where the config asks for none."""


@dataclass(frozen=True, slots=True)
class LeadBetween:
    """What holds of a lead whom nobody keeps waiting."""

    sla: SLAPolicy | None
    """Of the next wait; None: no policy covers it."""
    steps: tuple[str, ...]
    """What happens when it slips, in words."""


@dataclass(frozen=True, slots=True)
class FollowUpAhead:
    """Who follows up, and when."""

    owner: str
    """A name."""
    day: str
    """A value of `core.follow_up_days.Day`."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to `explain`: of a lead or a message, with the waits that it is part of, or of one wait."""

    waits: tuple[ExplainedWait, ...]
    lead: Lead | None = None
    owner_between: PersonId | None = None
    """Of a lead without an open wait: whom routing names."""
    provenance: tuple[tuple[str, str], ...] = ()
    """Of a lead whom several sources know: (field, source that gave it), by source."""
    between: LeadBetween | None = None
    """Of such a lead: what holds of the next wait."""
    follow_up: FollowUpAhead | None = None
    """Of a lead: who follows up next; None: nobody has to."""
    sender_words: tuple[tuple[str, SenderWord], ...] = ()
    """Of a lead: (address, verdict) that decides what they write from its instant on."""
    message: ExplainedMessage | None = None
    reviews: tuple[Action, ...] = ()
    """What people said of the message's place."""
