"""What holds for a wait from when on: its class and tier, its policy, its due time, its ladder (rules 45 to 48)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inboxwatch.core.qualification.decision import Decision, Worth
from inboxwatch.core.sla.holds import FILTERED, Hold
from inboxwatch.core.sla.hours import BusinessCalendar
from inboxwatch.core.sla.policy import Duration, Metric, SLAPolicy


@dataclass(frozen=True, slots=True)
class Qualified:
    """What a wait is, from an instant on."""

    at: datetime
    decision: Decision
    worth: Worth
    cause: str = ""
    """The message, or the person, that decided it."""
    verdict: bool = False
    """A person's word on this wait."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """What holds for a wait from an instant on, until the next one."""

    since: datetime
    qualified: Qualified | None
    policy: SLAPolicy
    due_at: datetime
    ladder_from: datetime
    """From when the ladder's shares of the target are counted: the start, unless the due time was moved."""
    era: int = 0
    """0, and one more for each ladder that begins anew; what was told in one era is not told in another."""


@dataclass(frozen=True, slots=True)
class Course:
    """The terms of a wait, in order, and the due time that it missed in one that has ended."""

    terms: tuple[Term, ...]
    missed_at: datetime | None = None


PolicyAt = Callable[[Qualified | None], SLAPolicy | None]


def course(
    start: datetime, metric: Metric, changes: Sequence[Qualified | None], policy_at: PolicyAt, holds: Iterable[Hold]
) -> Course | None:
    """The terms of a wait; None where no policy covers it as it begins.

    Let S be the start, T the new target, D the due time in force, t the change: the new due time is S + T if that is
    after t, else t + T, but not after D where D is still ahead. So a seller gets his time, a buyer's wait is measured
    whole, and no change saves a deadline.
    """
    first = changes[0]
    policy = policy_at(first)
    target = policy.target(metric) if policy is not None else None
    if policy is None or target is None:
        return None
    filtered = [hold for hold in holds if hold.why == FILTERED]
    term = Term(start, first, policy, target.after(start, policy.calendar), start)
    terms, missed_at = [term], None
    for change in changes[1:]:
        assert change is not None  # noqa: S101  (only the first one may be missing)
        if missed_at is None and term.due_at <= change.at and not _seemed_over(term.due_at, filtered):
            missed_at = term.due_at
        reopens = any(hold.end == change.at for hold in filtered)
        term = _next(term, change, start, metric, policy_at, reopens=reopens)
        terms.append(term)
    return Course(tuple(terms), missed_at)


def ladder_start(start: datetime, target: Duration, calendar: BusinessCalendar, due_at: datetime) -> datetime:
    """From when a ladder's shares of the target are counted where no more is known than the due time in force."""
    return start if target.after(start, calendar) == due_at else target.before(due_at, calendar)


def _seemed_over(at: datetime, filtered: Iterable[Hold]) -> bool:
    return any(hold.start < at <= hold.end for hold in filtered)


def _next(  # six parameters: what was in force, the change, and what it is measured from
    term: Term, change: Qualified, start: datetime, metric: Metric, policy_at: PolicyAt, *, reopens: bool
) -> Term:
    policy = policy_at(change)
    target = policy.target(metric) if policy is not None else None
    same = policy is not None and (policy.name, policy.version) == (term.policy.name, term.policy.version)
    if policy is None or target is None or (same and not reopens):
        return replace(term, since=change.at, qualified=change)
    calendar = policy.calendar
    ladder_from, due_at = start, target.after(start, calendar)
    if due_at <= change.at:
        ladder_from, due_at = change.at, target.after(change.at, calendar)
        if term.due_at > change.at and due_at > term.due_at:
            due_at = term.due_at
            ladder_from = target.before(due_at, calendar)
    era = term.era if same and due_at == term.due_at else term.era + 1
    return Term(change.at, change, policy, due_at, ladder_from, era)
