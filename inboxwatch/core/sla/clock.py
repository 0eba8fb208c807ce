"""The measurement of one wait: its state, its times, what happened while it was open."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from inboxwatch.core.frozen import record
from inboxwatch.core.model import ClockId, LeadId, MailboxId, MessageId, ThreadId
from inboxwatch.core.sla.holds import FILTERED, Hold
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.terms import Qualified, Term
from inboxwatch.core.sla.timeline import Action, Mail
from inboxwatch.core.sla.trust import Flag


class State(StrEnum):
    RUNNING = "running"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    ENDED = "ended"


@record(frozen=True, slots=True)
class Wait:
    """What is known of a wait when its policy is chosen."""

    id: ClockId
    aliases: frozenset[ClockId]
    metric: Metric
    lead: LeadId
    started: Mail
    qualified: Qualified | None = None
    """What it is about when the policy is chosen; None without qualification."""


@record(frozen=True, slots=True)
class Clock:
    """The measurement of one wait under one SLA policy."""

    id: ClockId
    """A digest of the wait's first Message-ID as now known."""
    aliases: frozenset[ClockId]
    """Ids this wait had, or could have had, when less of it was known: one for each of its later messages."""
    thread: ThreadId
    lead: LeadId
    side: str
    metric: Metric
    started_by: MessageId
    started_at: datetime
    due_at: datetime
    policy: SLAPolicy
    mailbox: MailboxId | None
    state: State = State.RUNNING
    stop_reason: str | None = None
    """answered, or the stop condition; of a follow-up also `followed_up`: a further message of ours, and
    `gone_quiet`: nobody has said anything for long."""
    stopped_by: str | None = None
    """The Message-ID, or the person who ended it by an action."""
    stopped_at: datetime | None = None
    answered_by: str | None = None
    nudges: int = 0
    reopened: str | None = None
    """bounced: an answer that seemed to end this wait never reached the buyer. reversed: a dismissal was taken back."""
    holds: tuple[Hold, ...] = ()
    actions: tuple[Action, ...] = ()
    """Acknowledgements, snoozes and assignments made while it was open."""
    flags: tuple[Flag, ...] = ()
    """What is odd about its answer, or about what pretends to be one."""
    missed_at: datetime | None = None
    """Of a follow-up that was put off after it had fallen due: when that was."""
    round: int = 1
    """Of a follow-up: how often it has been given a due time."""
    terms: tuple[Term, ...] = ()
    """What held from when on, where a verdict, a rule or a tier has chosen the policy again; the last is in force."""
    qualified: Qualified | None = None
    """What it is about as known now, which people may correct when it is over; None without qualification."""
    contradicted: bool = False
    """Of a wait that was filtered: one of ours has answered all the same."""

    @property
    def ids(self) -> frozenset[ClockId]:
        return self.aliases | {self.id}

    @property
    def ladder_from(self) -> datetime:
        """From when the ladder's shares of the target are counted."""
        return self.terms[-1].ladder_from if self.terms else self.started_at

    @property
    def era(self) -> int:
        """Which ladder of the wait is in force: 0, and one more for each that began anew."""
        return self.terms[-1].era if self.terms else 0

    def under(self, now: datetime) -> Clock:
        """The clock under the terms of an instant."""
        if not self.terms:
            return self
        terms = [term for term in self.terms if term.since <= now] or list(self.terms[:1])
        last = terms[-1]
        return replace(self, terms=tuple(terms), policy=last.policy, due_at=last.due_at, qualified=last.qualified)

    @property
    def running(self) -> bool:
        return self.state is State.RUNNING

    @property
    def never_owed(self) -> bool:
        """Whether it was filtered at its own start: it has no owner and no step (rule 43)."""
        return self.stop_reason == FILTERED and self.stopped_at == self.started_at

    def breached(self, now: datetime) -> bool:
        """True once the due instant has passed unanswered; an answer at that instant is in time."""
        if self.missed_at is not None:
            return True
        return self.stopped_at > self.due_at if self.stopped_at else now >= self.due_at

    def waited(self, now: datetime) -> timedelta:
        """Wall time from the start to the stop, or to `now`."""
        return (self.stopped_at or now) - self.started_at

    def waited_business(self, now: datetime) -> timedelta:
        """Business time in the policy's calendar from the start to the stop, or to `now`."""
        return self.policy.calendar.elapsed(self.started_at, max(self.started_at, self.stopped_at or now))

    def held_until(self, now: datetime) -> datetime | None:
        """The end of the hold that covers `now`, or None."""
        return max((hold.end for hold in self.holds if hold.start <= now < hold.end), default=None)
