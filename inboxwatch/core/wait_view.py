"""One wait as everybody is shown it: what its clock says, whose it is by name, what was exchanged before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.model import ClockId, LeadId, MailboxId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.trust import Flag
from inboxwatch.core.timestamp import rfc3339


class MetricState(StrEnum):
    """How an open wait stands; the first that applies, from `unverified` on."""

    UNVERIFIED = "unverified"
    SNOOZED = "snoozed"
    ACKNOWLEDGED = "acknowledged"
    BREACHED = "breached"
    WARNED = "warned"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a running wait's ladder tells next if nobody answers."""

    step: int
    """From 1."""
    round: int
    """1 for the ladder; repeats of its last step count from 2."""
    at: datetime
    targets: tuple[str, ...]
    """Persons of the config, or `channel:destination`."""
    moves_to: PersonId | None = None
    """Whose it becomes then, as absences stand now; None where it stays with its owner."""

    def as_json(self) -> dict[str, object]:
        """As stored and shown: `{step, round, at: RFC 3339 UTC, targets: [...]}`, and `moves_to` where it moves."""
        known = {"step": self.step, "round": self.round, "at": rfc3339(self.at), "targets": list(self.targets)}
        return known | ({"moves_to": self.moves_to} if self.moves_to else {})

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> NextStep:
        """The reverse of `as_json`."""
        at, targets = datetime.fromisoformat(data["at"]), tuple(data["targets"])
        return cls(data["step"], data["round"], at, targets, data.get("moves_to"))


class WaitView(NamedTuple):
    """A wait as of one instant. Times are UTC; texts that a buyer wrote are untrusted and cleaned where they are shown.

    Names, subject and exchange are empty (None) where they are not known, or where its maker did not look them up.
    (A tuple, since a list of a thousand is made at once: a frozen class of so many fields takes three times as long.)
    """

    as_of: datetime
    """The instant at which all of this is true."""
    id: ClockId
    thread: ThreadId
    lead: LeadId
    metric: Metric
    owner: PersonId | None
    started_by: MessageId
    started_at: datetime
    due_at: datetime
    aliases: tuple[ClockId, ...] = ()
    """Further ids of the same wait, sorted."""
    state: State = State.RUNNING
    stop_reason: str | None = None
    stopped_by: str | None = None
    """The Message-ID, or the person who ended it by an action."""
    stopped_at: datetime | None = None
    answered_by: str | None = None
    """A person's id, or the address where it is nobody's."""
    wall_at_end: float | None = None
    """Seconds from start to stop, of a wait that is over."""
    business_at_end: float | None = None
    """The same in business hours."""
    held: bool = False
    """A mailbox that could hold the answer is unread."""
    first_sight: bool = False
    """It began before its mailbox was first read."""
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    acknowledged_until: datetime | None = None
    snoozed_until: datetime | None = None
    next_step: NextStep | None = None
    next_names: tuple[str, ...] = ()
    """The targets of `next_step` as people read them: names, and where a channel writes to."""
    next_owner_name: str = ""
    """Of who has it after that step, where it moves."""
    ladder: tuple[LadderStep, ...] = ()
    """Every step of a running wait, told or to come; empty also where it was not looked up."""
    mailbox: MailboxId | None = None
    team: str | None = None
    """The owner's, as the config has it now."""
    tier: str = ""
    policy: str = ""
    """The name of its SLA policy."""
    policy_version: str = ""
    sla: SLAPolicy | None = None
    """The policy itself, in the version under which the wait runs; None where the store has lost it."""
    nudges: int = 0
    """Further messages of the buyer since the start."""
    reopened: str | None = None
    """Why it runs although it seemed answered: `bounced`."""
    flags: tuple[Flag, ...] = ()
    """What is odd about its answer, or about what pretends to be one."""
    lead_name: str = ""
    company: str = ""
    score: str = ""
    subject: str = ""
    """Of the message that started it."""
    mail_link: str = ""
    """A web address at which that message is opened; empty where none is known."""
    owner_name: str = ""
    answered_by_name: str = ""
    inquiry_class: str = ""
    """What it is about; empty without qualification."""
    class_by: str = ""
    """What decided that, as `Decision.by`."""
    points: float | None = None
    """Its score by the rules; `score` is another system's."""
    score_lines: tuple[ScoreLine, ...] = ()
    """What the points are made of."""
    qualification: str = ""
    """The version of the classes and rules that decided."""
    contradicted: bool = False
    """It was filtered, and one of ours answered it all the same, or its sender became an open lead."""
    exchanged: int | None = None
    """Messages of people to and fro with the lead before this wait."""
    last_exchanged_at: datetime | None = None

    @property
    def ids(self) -> frozenset[ClockId]:
        """Every id the wait has or had."""
        return frozenset((self.id, *self.aliases))

    @property
    def buyer(self) -> str:
        """The lead's name, else the address."""
        return self.lead_name or self.lead

    @property
    def running(self) -> bool:
        return self.state is State.RUNNING

    @property
    def follow_up(self) -> bool:
        return self.metric is Metric.FOLLOW_UP

    @property
    def is_reply(self) -> bool:
        """Whether a buyer waits for a reply."""
        return self.metric.is_reply

    @property
    def is_verdict(self) -> bool:
        """Whether an inquiry waits for a person's word on what it is about."""
        return self.metric is Metric.VERDICT

    @property
    def breached(self) -> bool:
        return self.breached_at is not None

    @property
    def metric_state(self) -> MetricState | None:
        """None where the wait is over."""
        if not self.running:
            return None
        if self.held:
            return MetricState.UNVERIFIED
        if self.snoozed_until and self.snoozed_until > self.as_of:
            return MetricState.SNOOZED
        if self.acknowledged_until and self.acknowledged_until > self.as_of:
            return MetricState.ACKNOWLEDGED
        if self.breached_at and (not self.follow_up or self.overdue):  # one that was put off is due anew
            return MetricState.BREACHED
        return MetricState.WARNED if self.warned_at else MetricState.RUNNING

    @property
    def wall_seconds(self) -> float | None:
        """From the start to the stop, or to now."""
        return (self.as_of - self.started_at).total_seconds() if self.running else self.wall_at_end

    @property
    def business_seconds(self) -> float | None:
        """The same in the business hours of its policy; None where the policy is not known."""
        if not self.running:
            return self.business_at_end
        if self.sla is None:
            return None
        return self.sla.calendar.elapsed(self.started_at, max(self.started_at, self.as_of)).total_seconds()

    @property
    def left(self) -> float:
        """Seconds until it is due, negative once it is overdue; of a wait that is over, as it was at its end."""
        return (self.due_at - self._end).total_seconds()

    @property
    def overdue(self) -> bool:
        """Whether it still runs, and its due time has passed."""
        return self.running and self.left <= 0

    @property
    def share(self) -> float:
        """The used-up part of the target, in the time in which it is measured; 1 is the due time."""
        end = self._end
        used, whole = end - self.started_at, self.due_at - self.started_at
        if self.sla is not None and self.started_at < end < self.due_at and not self.follow_up:
            calendar, target = self.sla.calendar, self.sla.target(self.metric)
            business = calendar.elapsed(self.started_at, self.due_at)
            if target is not None and target.business and business:
                used, whole = calendar.elapsed(self.started_at, end), business
        return max(0.0, used / whole) if whole else 1.0

    @property
    def _end(self) -> datetime:
        return self.stopped_at or self.as_of

    def as_json(self) -> dict[str, object]:
        """The clock of contract sections 4 and 5; times in RFC 3339 UTC."""
        return {
            "type": "clock",
            "id": self.id,
            "thread": self.thread,
            "lead": self.lead,
            "metric": self.metric,
            "owner": self.owner,
            "started_by": self.started_by,
            "started_at": rfc3339(self.started_at),
            "due_at": rfc3339(self.due_at),
            "state": self.state,
            "stop_reason": self.stop_reason,
            "stopped_by": self.stopped_by,
            "stopped_at": rfc3339(self.stopped_at),
            "answered_by": self.answered_by,
            "wall_seconds": self.wall_seconds,
            "business_seconds": self.business_seconds,
            "breached": self.breached,
            "metric_state": self.metric_state,
            "warned_at": rfc3339(self.warned_at),
            "breached_at": rfc3339(self.breached_at),
            "acknowledged_until": rfc3339(self.acknowledged_until),
            "snoozed_until": rfc3339(self.snoozed_until),
            "next_step": self.next_step and self.next_step.as_json(),
            "mailbox": self.mailbox,
            "team": self.team,
            "tier": self.tier,
            "policy": self.policy,
            "nudges": self.nudges,
            "reopened": self.reopened,
            "flags": list(self.flags),
        } | (self._qualified() if self.inquiry_class else {})

    def _qualified(self) -> dict[str, object]:
        """What is told besides where inquiries have a class."""
        return {
            "class": self.inquiry_class,
            "class_by": self.class_by,
            "score": self.points,
            "score_lines": [one._asdict() for one in self.score_lines],
            "version": self.qualification,
            "contradicted": self.contradicted,
        }
