"""Durations with units, steps relative to the due time, and the choice of a policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.sla.hours import ALWAYS, BusinessCalendar, Span
from inboxwatch.core.sla.policy import Duration, EscalationPolicy, Metric, SLAPolicy, StepTime, choose

OFFICE = BusinessCalendar("office", ZoneInfo("Europe/London"), ((Span.parse("09:00-17:00"),),) * 5 + ((), ()))
FRIDAY = datetime(2026, 3, 13, 16, 0, tzinfo=UTC)  # London is on UTC until the end of March


def policy(name: str, **when: frozenset[str]) -> SLAPolicy:
    hour = Duration.parse("1h")
    return SLAPolicy(name, ALWAYS, hour, hour, EscalationPolicy("standard", ()), when=when)


@pytest.mark.parametrize(
    ("text", "length", "business"),
    [
        ("30s", timedelta(seconds=30), False),
        ("10m", timedelta(minutes=10), False),
        ("1.5h", timedelta(minutes=90), False),
        ("2d", timedelta(days=2), False),
        ("30bm", timedelta(minutes=30), True),
        ("4bh", timedelta(hours=4), True),
    ],
)
def test_a_duration_has_a_number_and_a_unit(text: str, length: timedelta, business: bool) -> None:
    assert Duration.parse(text) == Duration(length, business)


@pytest.mark.parametrize("text", ["", "30", "30 m", "-5m", "1h30m", "2bd", "5w", "m", "٣h", "1e3s", 30])
def test_what_is_no_duration_is_refused_with_what_to_write(text: object) -> None:
    with pytest.raises(ValueError, match=r"write 30s, 10m, 4h or 2d, or business time as 30bm or 4bh"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["99999d", "1" + "0" * 400 + "s"])
def test_a_duration_beyond_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than ten years"):
        Duration.parse(text)


@given(st.timedeltas(timedelta(), timedelta(days=3000)), st.booleans())
def test_a_duration_reads_back_as_it_prints(length: timedelta, business: bool) -> None:
    assert Duration.parse(str(Duration(length, business))) == Duration(length, business)


def test_a_duration_prints_in_its_largest_whole_unit() -> None:
    assert [str(Duration.parse(text)) for text in ("90s", "120m", "48h", "48bh", "1234567s", "0s")] == [
        "90s",
        "2h",
        "2d",
        "48bh",
        "1234567s",
        "0d",
    ]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("0%", "2026-03-13T16:00"),
        ("50%", "2026-03-13T17:00"),  # an hour of the two: at closing
        ("100%", "2026-03-16T10:00"),
        ("100% + 30bm", "2026-03-16T10:30"),
        ("100% + 30m", "2026-03-16T10:30"),
        ("100% - 90bm", "2026-03-13T16:30"),  # in business time, before the weekend
        ("100% - 90m", "2026-03-16T08:30"),  # in wall time, before opening
        ("200%-5bm", "2026-03-16T11:55"),
        ("50% - 3bh", "2026-03-13T16:00"),  # never before the wait began
    ],
)
def test_a_step_is_due_at_a_share_of_the_target_plus_or_minus_a_duration(text: str, due: str) -> None:
    """For a wait that began on Friday at 16:00 with a target of 2 business hours."""
    step = StepTime.parse(text)
    assert step.at(FRIDAY, Duration.parse("2bh"), OFFICE) == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert StepTime.parse(str(step)) == step


def test_a_share_of_wall_time_is_wall_time() -> None:
    assert StepTime.parse("50%").at(FRIDAY, Duration.parse("2d"), OFFICE) == FRIDAY + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "50", "half", "100% +", "100% 30m", "-50%", "100% + 30", 50])
def test_what_is_no_step_time_is_refused_with_what_to_write(text: object) -> None:
    with pytest.raises(ValueError, match=r"write (a share of the target|30s, 10m)"):
        StepTime.parse(text)


def test_a_step_a_hundred_targets_late_is_a_slip_of_the_pen() -> None:
    with pytest.raises(ValueError, match="more than a hundred times"):
        StepTime.parse("10001%")


def test_the_first_policy_that_covers_a_wait_is_chosen() -> None:
    hot = policy("hot", tier=frozenset({"hot", "vip"}), country=frozenset({"es"}))
    rest = policy("rest")
    assert choose([hot, rest], {"tier": "VIP", "country": "es"}) is hot
    assert choose([hot, rest], {"tier": "hot"}) is rest
    assert choose([rest, hot], {"tier": "hot", "country": "es"}) is rest
    assert choose([hot], {"tier": "cold"}) is None


def test_each_metric_has_its_own_target_and_follow_up_and_verdict_may_have_none() -> None:
    minute, hour = Duration.parse("1m"), Duration.parse("1h")
    chosen = SLAPolicy("x", ALWAYS, minute, hour, EscalationPolicy("standard", ()))
    assert [chosen.target(metric) for metric in Metric] == [minute, hour, None, None]
