"""Business time: the rules 17 to 20 of the clock, as examples and as laws."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxwatch.core.sla.hours import ALWAYS, BusinessCalendar, Span, day_of

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def spans(*texts: str) -> tuple[Span, ...]:
    return tuple(Span.parse(text) for text in texts)


def week(*texts: str, days: int = 5) -> tuple[tuple[Span, ...], ...]:
    """The same hours on the first `days` days of the week."""
    return (spans(*texts),) * days + ((),) * (7 - days)


def at(zone: str, text: str) -> datetime:
    """A local time as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def london(text: str) -> datetime:
    return at("Europe/London", text)


NINE_TO_FIVE = BusinessCalendar("office", LONDON, week("09:00-17:00"))


def test_business_hours_skip_the_lunch_break_and_the_night() -> None:
    """Rule 17's case: 08-12 and 13:30-18, 4 bh from Monday 17:00 is Tuesday 11:00."""
    split = BusinessCalendar("split", LONDON, week("08:00-12:00", "13:30-18:00"))
    assert split.add(london("2026-03-09T17:00"), 4 * HOUR) == london("2026-03-10T11:00")
    assert split.elapsed(london("2026-03-09T11:00"), london("2026-03-09T14:30")) == 2 * HOUR


def test_business_hours_skip_the_weekend() -> None:
    """Rule 17's case: Friday 16:30 + 1 bh in 09-17 is Monday 09:30."""
    assert NINE_TO_FIVE.add(london("2026-03-13T16:30"), HOUR) == london("2026-03-16T09:30")
    assert NINE_TO_FIVE.subtract(london("2026-03-16T09:30"), HOUR) == london("2026-03-13T16:30")


def test_a_target_met_exactly_at_closing_is_due_then_and_not_at_the_next_opening() -> None:
    assert NINE_TO_FIVE.add(london("2026-03-13T16:00"), HOUR) == london("2026-03-13T17:00")
    assert NINE_TO_FIVE.subtract(london("2026-03-16T10:00"), HOUR) == london("2026-03-16T09:00")


def test_a_wait_that_starts_out_of_hours_starts_to_count_at_opening() -> None:
    assert NINE_TO_FIVE.add(london("2026-03-14T12:00"), HOUR) == london("2026-03-16T10:00")


def test_the_calendar_counts_in_its_own_zone_wherever_the_instant_is_written_down() -> None:
    """Lesson 28: a server in another zone than the user."""
    kolkata = BusinessCalendar("kolkata", ZoneInfo("Asia/Kolkata"), week("09:00-17:00"))
    noon_in_new_york = datetime(2026, 3, 9, 12, 0, tzinfo=ZoneInfo("America/New_York"))
    assert kolkata.add(noon_in_new_york, HOUR) == at("Asia/Kolkata", "2026-03-10T10:00")


def test_holidays_closed_days_and_special_hours_replace_the_week() -> None:
    calendar = BusinessCalendar(
        "office",
        LONDON,
        week("09:00-17:00"),
        closed={date(2026, 12, 24): "Company outing"},
        special={date(2026, 12, 31): spans("09:00-12:00"), date(2026, 12, 28): spans("10:00-11:00")},
        holidays={date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day (observed)"}.get,
    )
    assert calendar.add(london("2026-12-23T16:00"), 2 * HOUR) == london("2026-12-28T11:00")
    assert calendar.add(london("2026-12-31T11:00"), 2 * HOUR) == london("2027-01-01T10:00")
    told = [
        (f"{stretch.day:%a %d}", stretch.open, stretch.end - stretch.start, stretch.reason)
        for stretch in calendar.spans(london("2026-12-23T16:00"), london("2026-12-29T10:00"))
    ]
    day = 24 * HOUR
    assert told == [
        ("Wed 23", True, HOUR, ""),
        ("Thu 24", False, day, "Company outing"),
        ("Fri 25", False, day, "Christmas Day"),
        ("Sat 26", False, day, "no hours on Saturday"),
        ("Sun 27", False, day, "no hours on Sunday"),
        ("Mon 28", True, HOUR, "special hours"),
        ("Tue 29", True, HOUR, ""),
    ]


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        ("Europe/London", "2026-03-29", 7),  # 01:00 becomes 02:00
        ("Europe/London", "2026-10-25", 9),  # 02:00 becomes 01:00
        ("Africa/Cairo", "2026-04-24", 7),  # midnight becomes 01:00
        ("America/Havana", "2026-11-01", 9),  # 01:00 becomes 00:00
        ("Australia/Lord_Howe", "2026-10-04", 7.5),  # half an hour
    ],
)
def test_a_night_shift_is_as_long_as_the_night_really_is(zone: str, night: str, hours: float) -> None:
    calendar = BusinessCalendar("night", ZoneInfo(zone), week("00:00-08:00", days=7))
    start, end = at(zone, f"{night}T00:00"), at(zone, f"{night}T08:00")
    assert calendar.elapsed(start, end) == hours * HOUR
    assert calendar.add(start, hours * HOUR) == end


def test_hours_that_the_spring_night_skips_do_not_exist() -> None:
    calendar = BusinessCalendar("odd", LONDON, week("01:15-01:45", "12:00-12:30", days=7))
    assert calendar.elapsed(london("2026-03-29T00:00"), london("2026-03-30T00:00")) == 30 * MINUTE
    assert calendar.next_open(london("2026-03-29T00:00")) == london("2026-03-29T12:00")


def test_a_day_that_a_zone_skips_has_no_hours() -> None:
    """Samoa crossed the date line at the end of 29 December 2011: the 30th never was."""
    apia = BusinessCalendar("apia", ZoneInfo("Pacific/Apia"), week("09:00-17:00", days=7))
    assert apia.add(at("Pacific/Apia", "2011-12-29T16:00"), 2 * HOUR) == at("Pacific/Apia", "2011-12-31T10:00")


def test_no_minute_is_lost_where_clocks_go_back_over_midnight() -> None:
    """St John's fell from 00:01 on 2 November 2008 back to 23:01 on the 1st: 03:00 UTC is the 1st again."""
    st_johns = BusinessCalendar("st johns", ZoneInfo("America/St_Johns"), week("00:00-24:00", days=7))
    again = datetime(2008, 11, 2, 3, 0, tzinfo=UTC)
    assert st_johns.elapsed(again - 20 * MINUTE, again) == 20 * MINUTE
    assert st_johns.subtract(again, 10 * MINUTE) == again - 10 * MINUTE
    assert st_johns.add(again, 10 * MINUTE) == again + 10 * MINUTE


def test_what_falls_due_at_midnight_is_told_at_opening() -> None:
    """Rule 20 and lesson 1: no mail at midnight."""
    assert NINE_TO_FIVE.delivery(london("2026-03-10T00:00")) == london("2026-03-10T09:00")
    assert NINE_TO_FIVE.delivery(london("2026-03-13T17:00:01")) == london("2026-03-16T09:00")


def test_what_falls_due_within_hours_or_exactly_at_closing_is_told_then() -> None:
    for text in ("2026-03-13T09:00", "2026-03-13T12:00", "2026-03-13T17:00"):
        assert NINE_TO_FIVE.delivery(london(text)) == london(text)


def test_a_calendar_is_open_from_opening_to_just_before_closing() -> None:
    assert NINE_TO_FIVE.is_open(london("2026-03-13T09:00"))
    assert NINE_TO_FIVE.is_open(london("2026-03-13T16:59:59.999999"))
    assert not NINE_TO_FIVE.is_open(london("2026-03-13T17:00"))
    assert not NINE_TO_FIVE.is_open(london("2026-03-13T08:59:59.999999"))


def test_around_the_clock_business_time_is_wall_time() -> None:
    start = datetime(2026, 3, 28, 23, 17, 5, tzinfo=UTC)
    assert ALWAYS.add(start, timedelta(days=400, seconds=1)) == start + timedelta(days=400, seconds=1)
    assert ALWAYS.elapsed(start, start + timedelta(days=3)) == timedelta(days=3)
    assert ALWAYS.delivery(start) == start


@pytest.mark.parametrize("hours", [(), week("09:00-17:00", days=0)])
def test_a_calendar_that_never_opens_is_refused(hours: tuple[tuple[Span, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"never opens|seven days"):
        BusinessCalendar("shut", LONDON, hours)


def test_a_search_ends_where_every_day_to_come_is_closed() -> None:
    forever = BusinessCalendar("shut", LONDON, week("09:00-17:00"), holidays=lambda day: "Strike")
    with pytest.raises(ValueError, match="does not open within two years"):
        forever.add(london("2026-03-13T09:00"), MINUTE)
    assert forever.elapsed(london("2026-03-13T09:00"), london("2036-03-13T09:00")) == timedelta()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["17:00-09:00"], "must end after it begins"),
        (["09:00-09:00"], "must end after it begins"),
        (["22:00-24:30"], "24:00 at the latest"),
        (["9-17"], "write it as 08:30-17:00"),
        ([9], "write it as 08:30-17:00"),
        (["09:00-12:60"], "write it as 08:30-17:00"),
        (["09:00-13:00", "12:00-17:00"], "09:00-13:00 and 12:00-17:00 overlap"),
        (["13:00-18:00", "08:00-13:01"], "08:00-13:01 and 13:00-18:00 overlap"),
    ],
)
def test_impossible_hours_are_refused_with_what_to_write(texts: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        day_of(Span.parse(text) for text in texts)


def test_spans_may_touch_and_end_at_midnight() -> None:
    assert day_of(spans("12:00-24:00", "00:00-12:00")) == spans("00:00-12:00", "12:00-24:00")


def test_a_day_cannot_be_both_closed_and_special() -> None:
    new_year = date(2027, 1, 1)
    with pytest.raises(ValueError, match="2027-01-01 is both closed and special"):
        BusinessCalendar("x", LONDON, week("09:00-17:00"), {new_year: ""}, {new_year: spans("09:00-10:00")})


def test_naive_instants_and_negative_lengths_are_refused() -> None:
    naive = datetime(2026, 3, 13, 9)
    for call in (lambda: NINE_TO_FIVE.add(naive, HOUR), lambda: NINE_TO_FIVE.elapsed(naive, naive)):
        with pytest.raises(ValueError, match="has no time zone"):
            call()
    for method in (NINE_TO_FIVE.add, NINE_TO_FIVE.subtract):
        with pytest.raises(ValueError, match="cannot be negative"):
            method(london("2026-03-13T09:00"), -HOUR)


# Laws. Zones with every sort of night: none, an hour, half an hour, at midnight, over midnight, a day skipped.
zones = st.sampled_from(
    [
        "UTC",
        "Europe/London",
        "Africa/Cairo",
        "America/Havana",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
    ]
).map(ZoneInfo)
days = st.lists(st.integers(0, 96), max_size=6, unique=True).map(
    lambda quarters: tuple(
        Span(15 * start, 15 * end) for start, end in zip(sorted(quarters)[::2], sorted(quarters)[1::2], strict=False)
    )
)
dates = st.dates(date(2006, 1, 1), date(2012, 12, 31))
calendars = st.builds(
    BusinessCalendar,
    st.just("any"),
    zones,
    st.tuples(*[days] * 7).filter(any),
    st.dictionaries(dates, st.just("closed"), max_size=5),
    st.just({}),
    st.sets(dates, max_size=5).map(lambda found: lambda day: "holiday" if day in found else None),
)
instants = st.datetimes(datetime(2006, 1, 1), datetime(2012, 12, 31), timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(), timedelta(hours=90))


@settings(max_examples=300, deadline=None)
@given(calendars, instants, lengths)
def test_elapsed_is_the_inverse_of_add_and_of_subtract(
    calendar: BusinessCalendar, start: datetime, length: timedelta
) -> None:
    """Rule 18."""
    end = calendar.add(start, length)
    assert calendar.elapsed(start, end) == length
    begin = calendar.subtract(start, length)
    assert calendar.elapsed(begin, start) == length
    assert calendar.elapsed(start, begin) == -length


@settings(max_examples=200, deadline=None)
@given(calendars, instants, lengths, lengths)
def test_add_and_subtract_are_additive(
    calendar: BusinessCalendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    """Rule 18."""
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)
    assert calendar.subtract(calendar.subtract(start, first), second) == calendar.subtract(start, first + second)


@settings(max_examples=200, deadline=None)
@given(calendars, instants, instants, instants)
def test_elapsed_adds_up_over_any_instant_between(
    calendar: BusinessCalendar, start: datetime, middle: datetime, end: datetime
) -> None:
    assert calendar.elapsed(start, middle) + calendar.elapsed(middle, end) == calendar.elapsed(start, end)


@settings(max_examples=200, deadline=None)
@given(calendars, instants)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: BusinessCalendar, start: datetime) -> None:
    opening = calendar.next_open(start)
    assert opening >= start
    assert calendar.is_open(opening)
    assert calendar.elapsed(start, opening) == timedelta()
    assert calendar.delivery(start) in (start, opening)


@settings(max_examples=100, deadline=None)
@given(calendars, instants, st.timedeltas(timedelta(), timedelta(days=10)))
def test_the_open_stretches_told_are_the_time_counted(
    calendar: BusinessCalendar, start: datetime, length: timedelta
) -> None:
    told = list(calendar.spans(start, start + length))
    assert sum((s.end - s.start for s in told if s.open), timedelta()) == calendar.elapsed(start, start + length)
    assert told == sorted(told, key=lambda stretch: stretch.start)
    assert all(stretch.reason for stretch in told if not stretch.open)


@settings(max_examples=60, deadline=None)
@given(calendars, st.datetimes(datetime(2006, 1, 2), datetime(2012, 12, 29), timezones=st.just(UTC)))
def test_business_time_is_what_a_clock_on_the_wall_counts(calendar: BusinessCalendar, start: datetime) -> None:
    """Quarter by quarter, by the local time alone; nights on which clocks go back leave their ambiguous hour open."""
    start = start.replace(minute=0, second=0, microsecond=0)
    counted = timedelta()
    for quarter in range(4 * 48):
        local = (start + quarter * 15 * MINUTE).astimezone(calendar.zone)
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            return
        minute = local.hour * 60 + local.minute
        shut = local.date() in calendar.closed or calendar.holidays(local.date())
        is_open = not shut and any(s.start <= minute < s.end for s in calendar.week[local.weekday()])
        assert calendar.is_open(local) == is_open
        counted += is_open * 15 * MINUTE
    assert calendar.elapsed(start, start + 48 * HOUR) == counted


def test_the_time_elapsed_over_years_is_the_sum_of_its_pieces() -> None:
    """Whole years are summed once and kept: a mail without a date lies half a century back."""
    office = BusinessCalendar("office", ZoneInfo("Europe/London"), ((Span.parse("09:00-17:00"),),) * 5 + ((), ()))
    start, end = datetime(2019, 6, 3, 10, 30, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)
    steps = [start + (end - start) * number / 97 for number in range(98)]
    pieces = [office.elapsed(one, other) for one, other in pairwise(steps)]
    assert office.elapsed(start, end) == sum(pieces, timedelta())


def test_a_year_that_ends_with_the_last_day_is_not_counted_beyond_it() -> None:
    hours = BusinessCalendar("eve", ZoneInfo("UTC"), ((), (), (Span(0, 15),), (), (), (), ()))
    start, middle, end = (datetime(*day, tzinfo=UTC) for day in ((2006, 1, 1), (2008, 1, 2), (2008, 12, 31)))
    assert hours.elapsed(start, middle) + hours.elapsed(middle, end) == hours.elapsed(start, end)
