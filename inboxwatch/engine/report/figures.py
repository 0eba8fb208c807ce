"""The figures of a report: counts, curves and shares of waits, for all, by person, team and tier, by hour, by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import median

from inboxwatch.core.statistics.figures import LATENCY_EDGES
from inboxwatch.core.statistics.survival import (
    Length,
    Survival,
    difference_bounds,
    kaplan_meier,
    log_rank,
    percentile,
    share_bounds,
)
from inboxwatch.engine.report.cases import ANSWERED, MISSED, NEVER, STILL_OPEN, Outcome, ReportedWait, Story

AWAY = "\N{NO-BREAK SPACE}away"
"""The group of waits whose owner was away. No person's id begins with a space."""
FIRST, NEXT = "first_response", "next_response"


class Times:
    """How long waits took in one basis: with the open ones (the curve) and without (naive)."""

    def __init__(self, lengths: Iterable[Length]) -> None:
        self.lengths = tuple(lengths)
        self.answered = tuple(one.seconds for one in self.lengths if one.ended)

    @cached_property
    def curve(self) -> Survival:
        return kaplan_meier(self.lengths)

    def honest(self, share: float) -> float | None:
        """The time by which that share was answered; None: more still wait at the end of what was seen."""
        return self.curve.quantile(share)

    def naive(self, share: float) -> float | None:
        return percentile(self.answered, share)

    @property
    def buckets(self) -> list[int]:
        """How many answers fell into each bucket of the metrics; the last holds what took longer."""
        counts = [0] * (len(LATENCY_EDGES) + 1)
        for seconds in self.answered:
            counts[sum(seconds > edge for edge in LATENCY_EDGES)] += 1
        return counts


class Group:
    """Waits that are looked at together."""

    def __init__(self, name: str, cases: Iterable[ReportedWait]) -> None:
        self.name = name
        self.cases = tuple(cases)
        outcomes = Counter(case.outcome for case in self.cases)
        self.in_time = outcomes[Outcome.IN_TIME]
        self.missed = sum(case.missed for case in self.cases)
        self.answered = sum(outcomes[one] for one in ANSWERED)
        self.open = sum(outcomes[one] for one in STILL_OPEN)
        self.overdue = outcomes[Outcome.OVERDUE]
        self.unverified = outcomes[Outcome.UNVERIFIED]
        self.late = outcomes[Outcome.LATE]
        self.never = sum(outcomes[one] for one in NEVER)
        self.handovers = sum(case.handovers for case in self.cases)
        self.escalations = sum(case.escalations for case in self.cases)
        self.acknowledged = [case.acknowledged_after for case in self.cases if case.acknowledged_after is not None]
        """Seconds until "I have it", of the waits of which somebody said so."""
        self.by_colleague = sum(case.by_colleague for case in self.cases)
        self.wall = Times(case.wall for case in self.cases)
        self.business = Times(case.business for case in self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def decided(self) -> int:
        """Answered in time or missed; the rest count neither way."""
        return self.in_time + self.missed

    @property
    def attainment(self) -> float | None:
        return self.in_time / self.decided if self.decided else None

    @property
    def until_acknowledged(self) -> float | None:
        """The median time in seconds until somebody said "I have it"."""
        return percentile(self.acknowledged, 0.5)

    @cached_property
    def first(self) -> Group:
        """First replies: they have a target of their own, and a buyer who may still go elsewhere."""
        return self._of(FIRST)

    @cached_property
    def next(self) -> Group:
        """Every later reply."""
        return self._of(NEXT)

    def _of(self, metric: str) -> Group:
        return Group(metric, (case for case in self.cases if case.metric == metric))

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of the attainment."""
        return share_bounds(self.in_time, self.decided)


def grouped(cases: Iterable[ReportedWait], key: Callable[[ReportedWait], str]) -> list[Group]:
    """The largest first; those whose owner was away last."""
    found: dict[str, list[ReportedWait]] = {}
    for case in cases:
        found.setdefault(key(case), []).append(case)
    return sorted(
        (Group(name, some) for name, some in found.items()), key=lambda one: (one.name == AWAY, -len(one), one.name)
    )


def by_person(story: Story) -> list[Group]:
    """Waits whose owner was away count for no person; they form a group of their own."""
    return grouped(story.cases, lambda case: AWAY if case.away else case.owner)


def by_team(story: Story) -> list[Group]:
    """By the owner's team: that somebody was away is the team's to cover."""
    return grouped(story.cases, lambda case: story.teams.get(case.owner, ""))


def by_tier(story: Story) -> list[Group]:
    return grouped(story.cases, lambda case: case.tier)


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of the week."""

    begun: int = 0
    decided: int = 0
    missed: int = 0


def heat(cases: Iterable[ReportedWait]) -> list[list[Cell]]:
    """Monday to Sunday, 24 hours each: waits by the local time at which they began, in the zone of their policy."""
    begun, decided, missed = Counter[tuple[int, int]](), Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for case in cases:
        local = case.started_at.astimezone(case.zone)
        place = (local.weekday(), local.hour)
        begun[place] += 1
        decided[place] += case.decided
        missed[place] += case.missed
    week = [[(day, hour) for hour in range(24)] for day in range(7)]
    return [[Cell(begun[at], decided[at], missed[at]) for at in row] for row in week]


@dataclass(frozen=True, slots=True)
class Slice:
    """A day or a week of the period."""

    start: datetime
    """In the report's zone."""
    group: Group


def slices(story: Story) -> list[Slice]:
    """Days where there are at most two weeks of them, else weeks that begin on Monday."""
    period = story.period
    first, last = period.local(period.start), period.local(period.end)
    days = 1 if (last - first) <= timedelta(days=15) else 7
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if days == 7:
        start -= timedelta(days=start.weekday())
    found = []
    while start < last:
        end = start + timedelta(days=days)
        some = [case for case in story.cases if start <= period.local(case.started_at) < end]
        found.append(Slice(start, Group(start.date().isoformat(), some)))
        start = end
    return found


@dataclass(frozen=True, slots=True)
class Cause:
    """Why waits have no answer."""

    name: str
    count: int
    median: float
    """Seconds of wall time until they ended, or so far."""
    longest: float


def causes(cases: Iterable[ReportedWait]) -> list[Cause]:
    found: dict[str, list[float]] = {}
    for case in cases:
        if case.outcome not in ANSWERED:
            found.setdefault(case.cause, []).append(case.wall.seconds)
    made = [Cause(name, len(ages), median(ages), max(ages)) for name, ages in found.items()]
    return sorted(made, key=lambda cause: (-cause.count, cause.name))


def slowest(
    cases: Sequence[ReportedWait], outcomes: Collection[Outcome] = MISSED, limit: int = 15
) -> list[ReportedWait]:
    """Missed waits of some outcomes, the longest in business time first."""
    missed = [case for case in cases if case.outcome in outcomes]
    return sorted(missed, key=lambda case: (-case.business.seconds, -case.wall.seconds, case.id))[:limit]


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of one metric, and those of the period before."""

    now: Group
    before: Group

    @property
    def change(self) -> float | None:
        """By how much the share on time rose (-1..1); None where either period has none that is decided."""
        if self.now.attainment is None or self.before.attainment is None:
            return None
        return self.now.attainment - self.before.attainment


def parts(story: Story) -> dict[str, Replies]:
    """First and next replies apart: mixed, the longer target of the one hides the misses of the other."""
    now, before = Group("all", story.cases), Group("before", story.before)
    return {FIRST: Replies(now.first, before.first), NEXT: Replies(now.next, before.next)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before and after a date."""

    before: Group
    after: Group
    difference: tuple[float, float]
    """The 95 % interval of the change of the attainment (-1..1)."""
    chance: float | None
    """How likely curves that differ so much are without any difference (log-rank, business time)."""


def comparison(story: Story) -> Comparison | None:
    """Waits that began before a date against those that began since. Both curves count open waits as far as they were
    seen, so that the later half is not the quicker for having had less time."""
    divide = story.period.compare
    if divide is None:
        return None
    before = Group("before", (case for case in story.cases if case.started_at < divide))
    after = Group("after", (case for case in story.cases if case.started_at >= divide))
    bounds = difference_bounds(before.in_time, before.decided, after.in_time, after.decided)
    return Comparison(before, after, bounds, log_rank(before.business.lengths, after.business.lengths))


def days_ahead(story: Story) -> list[tuple[date, int]]:
    """Open follow-ups by the day on which they fall due, in the report's zone; those of past days under the day before
    the period's last."""
    period = story.period
    yesterday = period.local(period.end).date() - timedelta(days=1)
    open_ones = (case for case in story.follow_ups if case.outcome in STILL_OPEN)
    due = Counter(max(period.local(case.due_at).date(), yesterday) for case in open_ones)
    return sorted(due.items())
