"""Which step of a ladder is owed now: level-triggered, at most one step a call (clock-rules 28 to 32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.policy import Metric, Reassign


class StepReason(StrEnum):
    """Why a step notifies; label values of `inboxwatch_escalations_total`."""

    WARNING = "warning"
    BREACH = "breach"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    UNVERIFIED = "unverified"


StepKey = tuple[int, int, int]
"""(era, round, number) of a step: what has notified in an era is lower than all of the next one."""


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step of a ladder with its instants: a step of the policy, or a repeat of its last one."""

    number: int
    """From 1."""
    round: int
    """1 for the ladder; repeats of its last step count from 2, and so do the days to which a follow-up is put off."""
    due_at: datetime
    notify_at: datetime
    """When it may leave: `due_at`, or the opening of the policy's calendar after it, once no hold covers it."""
    reason: StepReason
    notify: tuple[str, ...]
    reassign: Reassign | PersonId | None = None
    era: int = 0
    """Of the ladder: 0, and one more for each that began anew (rule 46)."""

    @property
    def key(self) -> StepKey:
        return (self.era, self.round, self.number)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is owed, why, and when to look again."""

    step: DueStep | None
    wake_at: datetime | None
    """The next instant at which something may be owed; None: never by time alone."""
    passed: tuple[DueStep, ...] = ()
    """Lower steps that fell due unseen: they notify nobody any more, their reassignments still apply, in order."""
    look: bool = False
    """True where the mailboxes must be read before anybody is notified."""
    held: str | None = None
    """Why a due step notifies nobody now."""


def ladder(clock: Clock) -> Iterator[DueStep]:
    """Every step of the clock's policy in order, repeats included; a follow-up has one, to its owner (rule 40)."""
    policy, escalation = clock.policy, clock.policy.escalation
    target = policy.target(clock.metric)
    if target is None:
        return
    if clock.metric is Metric.FOLLOW_UP:
        yield DueStep(1, clock.round, clock.due_at, _notify_at(clock, clock.due_at), StepReason.BREACH, ("owner",))
        return
    due, number = clock.due_at, 0
    for number, step in enumerate(escalation.steps, 1):
        due = step.at.at(clock.ladder_from, target, policy.calendar)
        reason = _reason(due, clock.due_at)
        yield DueStep(number, 1, due, _notify_at(clock, due), reason, step.notify, step.reassign, clock.era)
    if escalation.repeat is not None and number:
        last = escalation.steps[-1]
        for repetition in range(2, escalation.repeat.times + 2):
            due = escalation.repeat.every.after(due, policy.calendar)
            notify_at = _notify_at(clock, due)
            yield DueStep(number, repetition, due, notify_at, StepReason.REPEATED, last.notify, era=clock.era)


def _reason(due: datetime, clock_due: datetime) -> StepReason:
    if due == clock_due:
        return StepReason.BREACH
    return StepReason.WARNING if due < clock_due else StepReason.ESCALATED


def _resumes(clock: Clock, at: datetime) -> datetime:
    """The first instant from one on at which no hold covers the wait."""
    while (end := clock.held_until(at)) is not None:
        at = end
    return at


def _notify_at(clock: Clock, due: datetime) -> datetime:
    """The first instant from `due` on at which no hold covers the wait and delivery is allowed."""
    at = _resumes(clock, due)
    if not clock.policy.escalation.in_hours_only:
        return at
    while (opens := _resumes(clock, clock.policy.calendar.delivery(at))) != at:
        at = opens  # a hold may cover the opening, and end after the next closing
    return at


def plan(clock: Clock, notified: Set[StepKey], now: datetime, seen_until: datetime | None = None) -> Plan:
    """What is owed for a clock at `now`.

    `notified` are the keys of the steps that notified or were passed before. `seen_until` is how far every
    mailbox that could hold the answer has been read; None means that nothing can be unread (a back-test).
    """
    if not clock.running:
        return Plan(None, None)
    highest = max(notified, default=(0, 0, 0))
    owed = [step for step in ladder(clock) if step.key > highest]
    if (end := clock.held_until(now)) is not None:
        return Plan(None, end, held="held")
    due = [step for step in owed if step.notify_at <= now]
    if not due:
        return Plan(None, min((step.notify_at for step in owed), default=None))
    step, passed = due[-1], tuple(due[:-1])
    next_at = min((later.notify_at for later in owed if later.notify_at > now), default=None)
    if seen_until is not None and seen_until < step.notify_at:
        # Each step is held for the grace at most, so the first of them ends it: steps that follow each other within
        # the grace must not hold one another back for ever.
        first = next(one for one in due if seen_until < one.notify_at)
        grace_end = clock.policy.escalation.blind_grace.after(first.notify_at, clock.policy.calendar)
        if now < grace_end:
            return Plan(None, grace_end, look=True, held="a mailbox that could hold the answer is unread")
        return Plan(replace(step, reason=StepReason.UNVERIFIED), next_at, passed, look=True)
    return Plan(step, next_at, passed)


class StepAhead(NamedTuple):
    """A step that notifies if nobody answers, as `plan` will have it then."""

    step: DueStep
    at: datetime
    """When it may leave; for some time already where a mailbox that must be read first is not."""
    passed: tuple[DueStep, ...]
    """Lower steps that notify nobody, since this one may leave at the same instant: a hold ends, a calendar opens."""


def ahead(clock: Clock, notified: Set[StepKey], now: datetime) -> Iterator[StepAhead]:
    """The steps that follow if nobody answers, in order; none of a wait that is over."""
    highest = max(notified, default=(0, 0, 0))
    owed = [step for step in ladder(clock) if step.key > highest] if clock.running else []
    at = resumes = _resumes(clock, now)
    while owed:
        at = max(at, min(step.notify_at for step in owed))
        *passed, step = (one for one in owed if one.notify_at <= at)
        yield StepAhead(step, step.notify_at if resumes == now else max(step.notify_at, resumes), tuple(passed))
        owed = [later for later in owed if later.key > step.key]


def overdue(clock: Clock, now: datetime) -> Iterable[DueStep]:
    """The steps whose time has passed: at first sight of a mailbox one digest tells of them all."""
    return [step for step in ladder(clock) if step.notify_at <= now]
