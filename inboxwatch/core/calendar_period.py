"""Weeks and months of the calendar: `last-week`, `2026-W19`, `2026-05`, and those before and after them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_CODE = re.compile(r"(?P<year>20[0-9]{2})-(W(?P<week>[0-9]{2})|(?P<month>[0-9]{2}))", re.ASCII)


class Every(StrEnum):
    WEEK = "week"
    """From Monday to Sunday (ISO 8601)."""
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """One week or one month."""

    every: Every
    first: date

    @classmethod
    def holding(cls, every: Every, day: date) -> CalendarPeriod:
        """The one in which a day lies."""
        return cls(every, day.replace(day=1) if every is Every.MONTH else day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str, today: date) -> CalendarPeriod:
        """Reads one of NAMED, or the `code` of a period. Raises ValueError with what to write instead."""
        if text in NAMED:
            every, back = NAMED[text]
            found = cls.holding(every, today)
            return found.previous if back else found
        code = _CODE.fullmatch(text)
        try:
            if code is not None and code["week"]:
                return cls(Every.WEEK, date.fromisocalendar(int(code["year"]), int(code["week"]), 1))
            if code is not None:
                return cls(Every.MONTH, date(int(code["year"]), int(code["month"]), 1))
        except ValueError:
            pass  # a 54th week, a 13th month: said below
        raise ValueError(
            f"{text!r} is no period: write {', '.join(NAMED)}, a week such as 2026-W19, or a month: 2026-05"
        )

    @property
    def code(self) -> str:
        """`2026-W19` (ISO 8601) or `2026-05`."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}" if self.every is Every.WEEK else f"{self.first:%Y-%m}"

    @property
    def after(self) -> date:
        """The first day after it."""
        return self.first + timedelta(days=7) if self.every is Every.WEEK else _month(self.first + timedelta(days=31))

    @property
    def last(self) -> date:
        return self.after - timedelta(days=1)

    @property
    def previous(self) -> CalendarPeriod:
        return self.holding(self.every, self.first - timedelta(days=1))

    @property
    def next(self) -> CalendarPeriod:
        return CalendarPeriod(self.every, self.after)


def _month(day: date) -> date:
    return day.replace(day=1)


NAMED = {
    "this-week": (Every.WEEK, False),
    "last-week": (Every.WEEK, True),
    "this-month": (Every.MONTH, False),
    "last-month": (Every.MONTH, True),
}
"""Names of periods, as seen from today, with whether it is the one before."""
