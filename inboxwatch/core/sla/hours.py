"""Business time: civil calendars with several spans a day, zones, holidays and reduced days.

Spans are laid in local time and turned into instants in UTC; all arithmetic is done on instants. Each local time of day
stands for one instant: the first of the two where clocks go back, the moment of the change where they go forward and
the time of day does not exist. So neighbouring spans never overlap and never leave a gap, on any night of the year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_ZERO = timedelta()
_SEARCH_DAYS = 2 * 366
"""A calendar that stays closed for longer than this never opens (rule 19)."""
_MIDNIGHT = 24 * 60
_SPAN = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])\s*-\s*([01][0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Opening hours within a local day, in minutes after midnight; an `end` of 1440 is the day's end.

    Raises ValueError where it ends before it begins, or reaches into another day.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= _MIDNIGHT:
            raise ValueError(f"{self} is no span: it must end after it begins, at 24:00 at the latest")

    @classmethod
    def parse(cls, text: object) -> Span:
        """Reads `08:30-12:30` and `22:00-24:00`. Raises ValueError with what to write instead."""
        match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is no span of hours: write it as 08:30-17:00; 24:00 ends a day")
        hours, minutes, end_hours, end_minutes = map(int, match.groups())
        return cls(hours * 60 + minutes, end_hours * 60 + end_minutes)

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


def day_of(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans of one day in order. Raises ValueError where two of them overlap."""
    ordered = tuple(sorted(spans))
    for earlier, later in pairwise(ordered):
        if later.start < earlier.end:
            raise ValueError(f"{earlier} and {later} overlap")
    return ordered


class _Day(NamedTuple):
    """A local day as instants: its opening spans in UTC, their length, and what is special about it."""

    spans: tuple[tuple[datetime, datetime], ...]
    length: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a calendar as `explain` shows it: an opening span, or a day on which it stays closed."""

    day: date
    """The local day."""
    start: datetime
    end: datetime
    """UTC, cut to what was asked for."""
    open: bool
    reason: str
    """The holiday's name, why the day is closed or its hours are special; empty for ordinary hours."""


def _no_holidays(day: date) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The hours in which replies are owed. All instants are aware; results are in UTC.

    Special hours go before closed days, these before holidays, these before the week. Raises ValueError for a calendar
    that never opens, spans that overlap, and a date that is both closed and special; its methods raise it for naive
    datetimes, and where two years go by without an opening.
    """

    name: str
    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    """The spans of Monday to Sunday."""
    closed: Mapping[date, str] = field(default_factory=dict)
    """Closed days with their name."""
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    """Days with hours of their own."""
    holidays: Callable[[date], str | None] = _no_holidays
    """The name of the public holiday on a day, or None. Must be a pure function."""
    _days: dict[date, _Day] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out so far; a day depends on nothing but its date."""
    _years: dict[int, timedelta] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("a week has seven days")
        object.__setattr__(self, "week", tuple(day_of(spans) for spans in self.week))
        object.__setattr__(self, "special", {day: day_of(spans) for day, spans in self.special.items()})
        if not any(self.week):
            raise ValueError(f"{self.name} never opens: give hours to at least one day of the week")
        if both := sorted(self.closed.keys() & self.special.keys()):
            raise ValueError(f"{both[0]} is both closed and special")

    def add(self, start: datetime, length: timedelta) -> datetime:
        """The first instant at which `length` of business time has gone by since `start`; `start` itself for zero."""
        start, left = _utc(start), _checked(length)
        if not left:
            return start
        for day in self._walk(start, 1):
            for opening, closing in day.spans:
                if closing <= start:
                    continue
                begin = max(opening, start)
                if left <= closing - begin:
                    return begin + left
                left -= closing - begin
        raise AssertionError("unreachable: a walk ends with an error")

    def subtract(self, end: datetime, length: timedelta) -> datetime:
        """The last instant from which `length` of business time goes by until `end`; `end` itself for zero."""
        end, left = _utc(end), _checked(length)
        if not left:
            return end
        for day in self._walk(end, -1):
            for opening, closing in reversed(day.spans):
                if opening >= end:
                    continue
                finish = min(closing, end)
                if left <= finish - opening:
                    return finish - left
                left -= finish - opening
        raise AssertionError("unreachable: a walk ends with an error")

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The business time between two instants; negative where `end` is the earlier one."""
        start, end = _utc(start), _utc(end)
        if end < start:
            return -self.elapsed(end, start)
        first, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date() + _DAY  # as in _walk
        this_year = (last - _DAY).year  # the day after a New Year's Eve does not make its year a whole one
        whole = range(first.year + 1, this_year)
        total = sum((self._year(year) for year in whole), _ZERO)
        if whole:
            new_year = date(this_year, 1, 1)
            edges = chain(self._days_from(first, date(first.year, 12, 31)), self._days_from(new_year, last))
        else:
            edges = chain(self._days_from(first, last))
        for _, day in edges:
            if day.spans and start <= day.spans[0][0] and day.spans[-1][1] <= end:
                total += day.length
            else:
                total += sum((max(min(shut, end) - max(opened, start), _ZERO) for opened, shut in day.spans), _ZERO)
        return total

    def is_open(self, at: datetime) -> bool:
        """True from the instant of opening to just before that of closing."""
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """The first open instant from `at` on."""
        at = _utc(at)
        return next(max(opening, at) for day in self._walk(at, 1) for opening, closing in day.spans if at < closing)

    def delivery(self, at: datetime) -> datetime:
        """When to tell what is due at an instant: then, if open or just closing; else at the next opening (rule 20)."""
        at = _utc(at)
        closing = any(at == end for _, day in self._between(at, at) for _, end in day.spans)
        return at if closing else self.next_open(at)

    def spans(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """The opening spans between two instants, and among them the days without any, with the reason."""
        start, end = _utc(start), _utc(end)
        for date_, day in self._between(start, end):
            whole = ((self._instant(date_, 0), self._instant(date_, _MIDNIGHT)),)
            for begin, finish in day.spans or whole:
                begin, finish = max(begin, start), min(finish, end)
                if begin < finish:
                    yield Stretch(date_, begin, finish, bool(day.spans), day.reason)

    def _walk(self, at: datetime, step: int) -> Iterator[_Day]:
        """Days from that of an instant on, forwards (1) or backwards (-1)."""
        today = at.astimezone(self.zone).date()
        if step < 0:
            today += _DAY  # where clocks go back over midnight, an instant may belong to the day after its date
        closed = 0
        while closed <= _SEARCH_DAYS:
            day = self._day(today)
            yield day
            closed = 0 if day.spans else closed + 1
            today += step * _DAY
        raise ValueError(f"the calendar {self.name} does not open within two years of {at:%Y-%m-%d}")

    def _between(self, start: datetime, end: datetime) -> Iterator[tuple[date, _Day]]:
        return self._days_from(start.astimezone(self.zone).date(), end.astimezone(self.zone).date() + _DAY)

    def _days_from(self, today: date, last: date) -> Iterator[tuple[date, _Day]]:
        while today <= last:
            yield today, self._day(today)
            today += _DAY

    def _year(self, year: int) -> timedelta:
        """The opening time of a whole year; a mail without a date lies half a century back."""
        found = self._years.get(year)
        if found is None:
            days = self._days_from(date(year, 1, 1), date(year, 12, 31))
            found = self._years[year] = sum((day.length for _, day in days), _ZERO)
        return found

    def _day(self, day: date) -> _Day:
        found = self._days.get(day)
        if found is None:
            hours, reason = self._hours(day)
            bounds = [(self._instant(day, span.start), self._instant(day, span.end)) for span in hours]
            spans = tuple((opening, closing) for opening, closing in bounds if opening < closing)
            length = sum((closing - opening for opening, closing in spans), _ZERO)
            found = self._days[day] = _Day(spans, length, reason)
        return found

    def _hours(self, day: date) -> tuple[tuple[Span, ...], str]:
        if day in self.special:
            return self.special[day], "special hours"
        if day in self.closed:
            return (), self.closed[day] or "closed"
        if holiday := self.holidays(day):
            return (), holiday
        hours = self.week[day.weekday()]
        return hours, "" if hours else f"no hours on {day:%A}"

    def _instant(self, day: date, minutes: int) -> datetime:
        """The instant (UTC) that a local time of day stands for, as the module says."""
        local = datetime.combine(day, time(), self.zone) + timedelta(minutes=minutes)
        instant = local.astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return instant
        before, after = local.replace(fold=1).astimezone(UTC), instant
        changed = after.astimezone(self.zone).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            if middle.astimezone(self.zone).utcoffset() == changed:
                after = middle
            else:
                before = middle
        return after.replace(microsecond=0)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)


def _checked(length: timedelta) -> timedelta:
    if length < _ZERO:
        raise ValueError("a length of business time cannot be negative")
    return length


ALWAYS = BusinessCalendar("24/7", ZoneInfo("UTC"), ((Span(0, _MIDNIGHT),),) * 7)
"""Business time that never stops: wall time."""
