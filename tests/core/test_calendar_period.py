"""Weeks begin on Monday, months on the first; each has a code by which it is found again, and neighbours."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.calendar_period import CalendarPeriod, Every

TODAY = date(2026, 5, 6)


@given(st.dates(date(2001, 1, 1), date(2098, 12, 31)), st.sampled_from(Every))
def test_every_day_lies_in_one_period_that_its_code_names(day: date, every: Every) -> None:
    period = CalendarPeriod.holding(every, day)
    assert period.first <= day < period.after
    assert CalendarPeriod.parse(period.code, TODAY) == period
    assert period.next.first == period.after
    assert period.next.previous == period
    assert period.first.weekday() == 0 if every is Every.WEEK else period.first.day == 1


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("this-week", date(2026, 5, 4), date(2026, 5, 10)),
        ("last-week", date(2026, 4, 27), date(2026, 5, 3)),
        ("this-month", date(2026, 5, 1), date(2026, 5, 31)),
        ("last-month", date(2026, 4, 1), date(2026, 4, 30)),
    ],
)
def test_named_periods_are_those_of_today(name: str, first: date, last: date) -> None:
    period = CalendarPeriod.parse(name, TODAY)
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-W54", "2026-W00", "2026-13", "2026-5", "٢٠٢٦-05", "1026-05"])
def test_what_names_no_period_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="last-week"):
        CalendarPeriod.parse(text, TODAY)
