"""What leaves the store and what enters it: frozen records, made from rows here and nowhere else.

A record's fields are the columns of its table, in their order, so that a row becomes a record by position: a batch
reads thousands. Words of a closed set come as their enums, which compare equal to the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import Row, Table

from inboxwatch.core.mail.classify import Signs
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import ClockId, Direction, Evidence, Kind, LeadId, MailboxId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.decision import SALES
from inboxwatch.core.qualification.inquiry import Inquiry
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.trust import Flag
from inboxwatch.core.wait_view import NextStep
from inboxwatch.notify import NoticeType
from inboxwatch.store import tables
from inboxwatch.store.grounds_column import load_signs
from inboxwatch.store.known_columns import load
from inboxwatch.store.term_record import TermRecord
from inboxwatch.store.timeline_columns import inquiry_of

Route = tuple[str, str]
"""(channel, destination): one way of reaching somebody."""
WITHDRAWN = "withdrawn"
"""How a wait ended where what is known by now leaves nothing to be answered."""


class ClockRecord(NamedTuple):
    """A clock as the fold left it, with what was decided about it. Times are UTC."""

    id: ClockId
    thread: ThreadId
    lead: LeadId
    metric: Metric
    started_by: MessageId
    started_at: datetime
    due_at: datetime
    state: State
    stop_reason: str | None
    stopped_by: str | None
    """The Message-ID, or the person who ended it by an action."""
    stopped_at: datetime | None
    answered_by: str | None
    """A person's id, or the address where it is nobody's."""
    nudges: int
    reopened: str | None
    aliases: tuple[ClockId, ...]
    """Further ids of the same wait, sorted."""
    policy: str
    policy_version: str
    mailbox: MailboxId | None
    team: str | None
    tier: str
    owner: PersonId | None
    owned_since: datetime | None
    wall_seconds: float | None
    """Of a clock that is over."""
    business_seconds: float | None
    """Of a clock that is over."""
    warned_at: datetime | None
    breached_at: datetime | None
    acknowledged_until: datetime | None
    snoozed_until: datetime | None
    wake_at: datetime | None
    held: bool
    next_step: NextStep | None
    first_sight: bool
    flags: tuple[Flag, ...] = ()
    """What is odd about its answer, or about what pretends to be one."""
    inquiry_class: str = ""
    """What the wait is about; of a verdict that is awaited: what it was before. Empty without qualification."""
    class_by: str = ""
    """What decided that, as `Decision.by`."""
    score: float | None = None
    score_lines: tuple[ScoreLine, ...] = ()
    qualification: str = ""
    """The version of the classes and rules that decided."""
    breach_class: str = ""
    """What the wait was about when it breached; empty where it did not."""
    contradicted: bool = False
    """While it was filtered one of ours answered it, or the sender became an open lead. Stays when it is taken back."""
    era: int = 0
    """Which of its ladders is in force (rule 46)."""
    stop_class: str = ""
    """What the wait was about when it ended, whatever people said of it afterwards."""
    breach_tier: str | None = None
    """Its tier when it breached; None where that is the one that it has."""
    terms: tuple[TermRecord, ...] = ()
    """Under which policy it was from when on, the last is in force; empty without qualification."""

    @property
    def of_sales(self) -> bool:
        """Whether reports count it with sales, as known now: its class alone, and whatever was never asked for it."""
        return self.inquiry_class in ("", SALES)

    @property
    def ids(self) -> frozenset[ClockId]:
        """Every id the wait has or had."""
        return frozenset((self.id, *self.aliases))


class DeliveryState(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A row of the outbox: one notice to one target."""

    id: int
    key: str
    type: NoticeType
    clock: str | None
    step: int | None
    round: int | None
    reason: str | None
    target: str
    person: PersonId | None
    ways: tuple[Route, ...]
    """In the order they are tried."""
    way: int
    """The position in `ways` of the one that is being tried."""
    channel: str
    destination: str
    bundle: str | None
    state: DeliveryState
    attempts: int
    retries: int
    adrift: bool
    """An attempt has begun whose outcome is not recorded."""
    owed_at: datetime
    next_at: datetime
    settled_at: datetime | None
    error: str | None
    reference: str | None
    body: Mapping[str, Any] | None
    """Of a notice without a step: what it says, as JSON."""
    era: int = 0
    claimed_by: int | None = None
    """The number of the worker that has it in hand; None in a store of one process."""

    @property
    def withdrawn(self) -> Mapping[str, Any] | None:
        """Of the end of a wait that there is no more: its clock (`store.withdrawn`)."""
        return (self.body or {}).get(WITHDRAWN)

    @property
    def letter(self) -> str:
        """Names the message in which it leaves, with the others of its bundle; kept over retries."""
        return self.bundle or self.key


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to be owed. Without ways it is born dead, with the reason."""

    key: str
    """Owed once, however often it is asked for."""
    type: NoticeType
    target: str
    person: PersonId | None
    ways: tuple[Route, ...]
    owed_at: datetime
    """Also when it is due."""
    clock: str | None = None
    step: int | None = None
    round: int | None = None
    reason: str | None = None
    body: Mapping[str, Any] | None = None
    state: DeliveryState = DeliveryState.PENDING
    error: str | None = None
    era: int = 0


@dataclass(frozen=True, slots=True)
class NotifiedRecord:
    """A step that has notified a target, or was passed over (then the target is empty and the reason says why)."""

    clock: ClockId
    step: int
    round: int
    target: str
    at: datetime
    reason: str
    policy: str
    """The name of the escalation policy."""
    era: int = 0
    """To which ladder of the wait the step belongs: what was told in one is not told in another."""
    inquiry_class: str = ""
    """What the wait was about when the step was told."""

    @property
    def key(self) -> StepKey:
        return (self.era, self.round, self.step)


@dataclass(frozen=True, slots=True)
class MailboxRecord:
    """How far a mailbox was read, and how it fares."""

    id: MailboxId
    cursor: str | None
    seen_until: datetime | None
    last_success: datetime | None
    first_sight_done: bool
    failing_since: datetime | None
    error_reason: str | None
    error: str | None
    blind_told: bool
    coverage: float | None
    """The share (0..1) of the server's messages that the store holds; None before the first census."""
    recovered: int
    """Messages that were set aside and have been read since."""
    remarks: str | None
    """What is not read of it, a line each; None: nothing is left out."""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message that was placed in a thread, with all that was decided about it."""

    key: str
    at: datetime
    direction: Direction
    kind: Kind
    thread: ThreadId
    message_id: MessageId
    signal: str
    evidence: Evidence
    confidence: float
    lead: LeadId | None
    parent: MessageId | None
    sender: str
    subject: str | None
    author: str
    mailbox: MailboxId | None
    owes_reply: bool
    effect: str | None
    time_from: str
    own_address: bool | None
    """Of inbound mail: whether it bears an address of the lead's own; None where an older version filed it."""
    known: Known
    """What later messages are matched by."""
    signs: Signs
    """What spoke for and against the kind."""
    inquiry: Inquiry | None = None
    """What its words tell of an inquiry."""
    first_class: str = ""
    """What it was as an inquiry when it was first folded; empty where it was none."""
    first_class_by: str = ""
    held_back: str = ""
    """The rule that would have filtered a known open lead."""


@dataclass(frozen=True, slots=True)
class KindFactRecord:
    """What a person said of a kind: somebody wrote it."""

    name: str
    """The Message-ID, or the sender's plain address."""
    sender: bool
    """It was said of all that the sender writes."""
    by: str
    at: datetime
    reason: str = ""
    of: str = ""
    """Of a sender: the message at which it was said."""


@dataclass(frozen=True, slots=True)
class AbsenceRecord:
    """An absence seen in mail: the person's own mailbox answered with a vacation reply."""

    person: PersonId
    since: datetime
    until: datetime
    message_id: MessageId


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """A stretch in which a mailbox was unread; `until` is None while it still is."""

    mailbox: MailboxId
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class FirstContactRecord:
    """A first message to a lead that bounced, and when a later one reached the lead."""

    lead: LeadId
    message_id: MessageId
    failed_at: datetime
    resolved_at: datetime | None
    owner: str | None
    tier: str


def _places(table: Table, *names: str) -> tuple[int, ...]:
    columns = list(table.columns.keys())
    return tuple(map(columns.index, names))


_METRIC, _STATE, _ALIASES, _NEXT, _FLAGS = _places(tables.clock, "metric", "state", "aliases", "next_step", "flags")
_LINES, _TERMS = _places(tables.clock, "score_lines", "terms")
_TYPE, _WAYS, _PHASE = _places(tables.delivery, "type", "ways", "state")


def clock_of(row: Row[Any]) -> ClockRecord:
    """A whole row of `clock`."""
    return clock_from(row)


def clock_from(row: Iterable[Any]) -> ClockRecord:
    """The values of a row of `clock`, in the order of its columns."""
    values = list(row)
    values[_METRIC] = Metric(values[_METRIC])
    values[_STATE] = State(values[_STATE])
    values[_ALIASES] = tuple(values[_ALIASES])
    values[_FLAGS] = tuple(map(Flag, values[_FLAGS] or ()))
    values[_LINES] = tuple(starmap(ScoreLine, values[_LINES] or ()))
    values[_TERMS] = tuple(starmap(TermRecord, values[_TERMS] or ()))
    if (step := values[_NEXT]) is not None:
        values[_NEXT] = NextStep.of(step)
    return ClockRecord._make(values)


def clock_row(clock: ClockRecord) -> dict[str, Any]:
    """The reverse of `clock_of`, by column."""
    row = clock._asdict()
    row["metric"], row["state"] = clock.metric.value, clock.state.value
    row["aliases"] = list(clock.aliases)
    row["flags"] = list(clock.flags)
    row["score_lines"] = list(map(list, clock.score_lines)) or None
    row["terms"] = list(map(list, clock.terms)) or None
    row["next_step"] = clock.next_step and clock.next_step.as_json()
    return row


def delivery_of(row: Row[Any]) -> DeliveryRecord:
    """A whole row of `delivery`."""
    values = list(row)
    values[_TYPE] = NoticeType(values[_TYPE])
    values[_WAYS] = tuple((channel, destination) for channel, destination in values[_WAYS])
    values[_PHASE] = DeliveryState(values[_PHASE])
    return DeliveryRecord(*values)


def delivery_row(new: NewDelivery) -> dict[str, Any]:
    """A row of the outbox as it begins."""
    channel, destination = new.ways[0] if new.ways else ("none", "")
    return {
        "key": new.key,
        "type": new.type.value,
        "clock": new.clock,
        "step": new.step,
        "round": new.round,
        "reason": new.reason,
        "target": new.target,
        "person": new.person,
        "ways": [list(way) for way in new.ways],
        "way": 0,
        "channel": channel,
        "destination": destination,
        "state": new.state.value,
        "attempts": 0,
        "retries": 0,
        "adrift": False,
        "owed_at": new.owed_at,
        "next_at": new.owed_at,
        "error": new.error,
        "body": None if new.body is None else dict(new.body),
        "era": new.era,
    }


def notified_row(one: NotifiedRecord) -> dict[str, Any]:
    """A row of `told`."""
    return {
        "clock": one.clock,
        "step": one.step,
        "round": one.round,
        "target": one.target,
        "at": one.at,
        "reason": one.reason,
        "policy": one.policy,
        "era": one.era,
        "inquiry_class": one.inquiry_class,
    }


def message_of(row: Row[Any]) -> MessageRecord:
    """A whole row of `message` that has a thread."""
    return MessageRecord(
        key=row.key,
        at=row.at,
        direction=Direction(row.direction),
        kind=Kind(row.kind),
        thread=ThreadId(row.thread),
        message_id=MessageId(row.message_id),
        signal=row.signal,
        evidence=Evidence(row.evidence),
        confidence=row.confidence,
        lead=row.lead,
        parent=row.parent,
        sender=row.sender,
        subject=row.subject,
        author=row.author,
        mailbox=row.mailbox,
        owes_reply=bool(row.owes_reply),
        effect=row.effect,
        time_from=row.time_from,
        own_address=row.own_address,
        known=load(row),
        signs=load_signs(row),
        inquiry=inquiry_of(row),
        first_class=row.first_class or "",
        first_class_by=row.first_class_by or "",
        held_back=row.held_back or "",
    )


def clocks_of(rows: Iterable[Row[Any]]) -> list[ClockRecord]:
    return [clock_of(row) for row in rows]


def deliveries_of(rows: Iterable[Row[Any]]) -> list[DeliveryRecord]:
    return [delivery_of(row) for row in rows]
