"""The time that a report is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from inboxwatch.core.calendar_period import CalendarPeriod
from inboxwatch.core.sla.policy import Duration


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to just before `end` (UTC); open waits are as they were at `end`."""

    start: datetime
    end: datetime
    zone: ZoneInfo
    """In which its times are shown, days and weeks are counted."""
    compare: datetime | None = None
    """Divides it into before and after."""
    earlier: tuple[datetime, datetime] | None = None
    """What it is compared with, where that is not just as long and just before it."""

    @classmethod
    def of(cls, asked: CalendarPeriod, zone: ZoneInfo, now: datetime) -> Period:
        """A week or month of the calendar in `zone`. One that is not over yet ends `now`, and is compared with as much
        of the one before. Raises ValueError where it has not begun.
        """

        def begins(day: date) -> datetime:
            return datetime.combine(day, time(), zone)

        start, end, before = begins(asked.first), begins(asked.after), asked.previous
        if start >= now:
            raise ValueError(f"the period {asked.code} has not begun")
        if end <= now:
            return cls(start, end, zone, earlier=(begins(before.first), start))
        # Differences of one zone are those of its clocks: a change to summer time moves no hour of the day.
        so_far = begins(before.first) + (now.astimezone(zone) - start)
        return cls(start, now, zone, earlier=(begins(before.first), min(so_far, start)))

    @classmethod
    def parse(cls, since: str, until: str, compare: str, zone: ZoneInfo, now: datetime) -> Period:
        """Reads the options of the command. Raises ValueError with the option and what to write instead."""
        end = _instant("--until", until, zone) if until else now
        try:
            length = Duration.parse(since)
        except ValueError as error:
            if not since[:4].isdecimal() or "-" not in since:
                raise ValueError(f"--since: {error}; or a date such as 2026-05-01") from None
            start = _instant("--since", since, zone)
        else:
            if length.business:
                raise ValueError(f"--since: {since} is business time; write 30d, or a date such as 2026-05-01")
            start = end - length.length
        if start >= end:
            raise ValueError(f"--since {since} is not before the end of the period")
        return cls(start, end, zone).divided(compare)

    def divided(self, compare: str) -> Period:
        """The same period, divided at a date where one is given. Raises ValueError where it lies outside."""
        divide = _instant("--compare", compare, self.zone) if compare else None
        if divide is not None and not self.start < divide < self.end:
            raise ValueError(f"--compare {compare} lies outside the period")
        return replace(self, compare=divide)

    @property
    def before(self) -> Period:
        """What it is compared with: else the period of the same length that ends where this one begins."""
        if self.earlier is not None:
            return Period(*self.earlier, self.zone)
        return Period(self.start - (self.end - self.start), self.start, self.zone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)


def start_of(since: str, end: datetime) -> datetime:
    """The instant that `--since` means (UTC for dates): a duration before `end`, or a date. Raises ValueError."""
    return Period.parse(since, "", "", ZoneInfo("UTC"), end).start


def _instant(option: str, text: str, zone: ZoneInfo) -> datetime:
    """A date (its first instant in `zone`) or an instant; without a zone it is in `zone`."""
    try:
        if len(text) == len("2026-05-01"):
            return datetime.combine(date.fromisoformat(text), time(), zone)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option}: {text!r} is no time; write 2026-05-01 or 2026-05-01T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)
