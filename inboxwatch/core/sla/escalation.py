"""What a ladder owes now: level-triggered, at most one step a call (clock-rules 28 to 32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.policy import Metric, Reassign


class Reason(StrEnum):
    """Why a step is told; label values of `inboxwatch_escalations_total`."""

    WARNING = "warning"
    BREACH = "breach"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Rung:
    """One telling of a ladder: a step, or a repeat of its last step."""

    step: int
    """From 1."""
    round: int
    """1 for the ladder; repeats of its last step count from 2."""
    due_at: datetime
    tell_at: datetime
    """When it may leave: `due_at`, or the opening of the policy's calendar after it, once no hold covers it."""
    reason: Reason
    notify: tuple[str, ...]
    reassign: Reassign | PersonId | None = None

    @property
    def key(self) -> tuple[int, int]:
        return (self.round, self.step)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is owed, why, and when to look again."""

    rung: Rung | None
    wake_at: datetime | None
    """The next instant at which something may be owed; None: never by time alone."""
    passed: tuple[Rung, ...] = ()
    """Lower rungs that fell due unseen: not told any more, their reassignments still apply, in order."""
    look: bool = False
    """True where the mailboxes must be read before anything is told."""
    held: str | None = None
    """Why a due rung is not told now."""


def ladder(clock: Clock) -> Iterator[Rung]:
    """Every rung of the clock's policy in order, repeats included; a follow-up is told once, to its owner (rule 40)."""
    policy, escalation = clock.policy, clock.policy.escalation
    target = policy.target(clock.metric)
    if target is None:
        return
    if clock.metric is Metric.FOLLOW_UP:
        yield Rung(1, 1, clock.due_at, _tell_at(clock, clock.due_at), Reason.BREACH, ("owner",))
        return
    due, number = clock.due_at, 0
    for number, step in enumerate(escalation.steps, 1):
        due = step.at.at(clock.started_at, target, policy.calendar)
        reason = _reason(due, clock.due_at)
        yield Rung(number, 1, due, _tell_at(clock, due), reason, step.notify, step.reassign)
    if escalation.repeat is not None and number:
        last = escalation.steps[-1]
        for turn in range(2, escalation.repeat.times + 2):
            due = escalation.repeat.every.after(due, policy.calendar)
            yield Rung(number, turn, due, _tell_at(clock, due), Reason.REPEATED, last.notify)


def _reason(due: datetime, clock_due: datetime) -> Reason:
    if due == clock_due:
        return Reason.BREACH
    return Reason.WARNING if due < clock_due else Reason.ESCALATED


def _tell_at(clock: Clock, due: datetime) -> datetime:
    """The first instant from `due` on at which no hold covers the wait and delivery is allowed."""
    at = due
    while (end := clock.held_until(at)) is not None:
        at = end
    return clock.policy.calendar.delivery(at) if clock.policy.escalation.in_hours_only else at


def plan(clock: Clock, told: Set[tuple[int, int]], now: datetime, seen_until: datetime | None = None) -> Plan:
    """What is owed for a clock at `now`.

    `told` are the (round, step) pairs told or passed before. `seen_until` is how far every mailbox that could hold
    the answer has been read; None means that nothing can be unread (a back-test).
    """
    if not clock.running:
        return Plan(None, None)
    highest = max(told, default=(0, 0))
    owed = [rung for rung in ladder(clock) if rung.key > highest]
    if (end := clock.held_until(now)) is not None:
        return Plan(None, end, held="held")
    due = [rung for rung in owed if rung.tell_at <= now]
    if not due:
        return Plan(None, min((rung.tell_at for rung in owed), default=None))
    rung, passed = due[-1], tuple(due[:-1])
    next_at = min((later.tell_at for later in owed if later.tell_at > now), default=None)
    if seen_until is not None and seen_until < rung.tell_at:
        # Each step is held for the grace at most, so the first of them ends it: steps that follow each other within
        # the grace must not hold one another back for ever.
        first = next(one for one in due if seen_until < one.tell_at)
        grace_end = clock.policy.escalation.blind_grace.after(first.tell_at, clock.policy.calendar)
        if now < grace_end:
            return Plan(None, grace_end, look=True, held="a mailbox that could hold the answer is unread")
        blind = Rung(rung.step, rung.round, rung.due_at, rung.tell_at, Reason.UNVERIFIED, rung.notify, rung.reassign)
        return Plan(blind, next_at, passed, look=True)
    return Plan(rung, next_at, passed)


def next_rung(clock: Clock, told: Set[tuple[int, int]], now: datetime) -> Rung | None:
    """The rung that is told next if nobody answers, or None where the ladder has ended."""
    if not clock.running:
        return None
    highest = max(told, default=(0, 0))
    ahead = [rung for rung in ladder(clock) if rung.key > highest]
    due = [rung for rung in ahead if rung.tell_at <= now]
    return due[-1] if due else min(ahead, key=lambda rung: (rung.tell_at, rung.key), default=None)


def overdue(clock: Clock, now: datetime) -> Iterable[Rung]:
    """The rungs whose time has passed: at first sight of a mailbox they are told in one digest, never one by one."""
    return [rung for rung in ladder(clock) if rung.tell_at <= now]
