"""How long a mailbox is left alone: sooner after news, seldom without, and never more than its provider bears."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.pace import QUICK, QUIET, STEPS, Pace, ReadingOutcome
from tests.support.virtual_time import START

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PAUSES = st.timedeltas(min_value=SECOND, max_value=timedelta(hours=2))
EVENTS = st.lists(st.tuples(st.sampled_from(ReadingOutcome), st.timedeltas(-2 * QUIET, 2 * QUIET)), max_size=60)


@st.composite
def beginnings(draw: st.DrawFn) -> Pace:
    every = draw(PAUSES)
    return Pace.begin(every, max(every, draw(PAUSES)), START)


@st.composite
def paces(draw: st.DrawFn) -> tuple[Pace, datetime]:
    """Any pace that a life can lead to, and the time by then; the clock may have been set back on the way."""
    pace, at = draw(beginnings()), START
    for event, later in draw(EVENTS):
        at += later
        pace = pace.after(event, at)
    return pace, at


def ordinary() -> Pace:
    return Pace.begin(MINUTE, 5 * MINUTE, START)


def after(pace: Pace, *events: ReadingOutcome, at: datetime = START) -> list[float]:
    """The pauses in seconds that follow events."""
    pauses = []
    for event in events:
        pace = pace.after(event, at)
        pauses.append(round(pace.pause.total_seconds(), 1))
    return pauses


@given(paces())
def test_a_pause_is_never_shorter_than_the_quickest_nor_longer_than_that_of_an_idle_mailbox(
    found: tuple[Pace, datetime],
) -> None:
    pace, _ = found
    assert pace.quickest <= pace.pause <= pace.idle
    assert pace.quickest >= min(pace.every, QUICK)
    assert pace.quickest <= pace.every


def test_after_news_the_pause_is_a_quarter_and_doubles_back_while_nothing_comes() -> None:
    nothing = [ReadingOutcome.NOTHING] * 4
    assert after(ordinary(), ReadingOutcome.NEWS, *nothing) == [15, 30, 60, 60, 60]
    assert after(Pace.begin(20 * SECOND, 5 * MINUTE, START), ReadingOutcome.NEWS, *nothing) == [10, 20, 20, 20, 20]
    assert after(Pace.begin(4 * SECOND, 5 * MINUTE, START), ReadingOutcome.NEWS, *nothing) == [4, 4, 4, 4, 4]


def test_an_hour_without_news_lets_the_pause_slide_and_the_first_news_bring_it_back_at_once() -> None:
    events = [ReadingOutcome.NOTHING] * 4 + [ReadingOutcome.NEWS] + [ReadingOutcome.NOTHING] * 3
    assert after(ordinary(), *events, at=START + QUIET) == [120, 240, 300, 300, 15, 30, 60, 60]
    assert after(ordinary(), ReadingOutcome.NOTHING, at=START + QUIET - SECOND) == [60]


@given(paces(), st.timedeltas(-2 * QUIET, 2 * QUIET))
def test_the_less_a_mailbox_brings_the_longer_it_is_left_alone(found: tuple[Pace, datetime], later: timedelta) -> None:
    """Only news lets a mailbox be wanted sooner, whatever the clock does."""
    pace, at = found
    news, nothing = (pace.after(event, at + later) for event in (ReadingOutcome.NEWS, ReadingOutcome.NOTHING))
    assert news.wanted <= pace.wanted <= nothing.wanted <= max(2 * pace.wanted, pace.every)
    assert news.pause <= nothing.pause


@given(paces())
def test_a_refusal_doubles_the_pause_up_to_that_of_an_idle_mailbox(found: tuple[Pace, datetime]) -> None:
    pace, at = found
    assert pace.after(ReadingOutcome.LIMITED, at).pause == min(pace.idle, 2 * pace.pause)


@given(paces(), st.sampled_from([ReadingOutcome.NEWS, ReadingOutcome.NOTHING, ReadingOutcome.PART]))
def test_what_goes_through_adds_the_same_to_the_rate_that_is_borne_until_all_is_well(
    found: tuple[Pace, datetime], event: ReadingOutcome
) -> None:
    pace, at = found
    rates = [1 / pace.borne.total_seconds()]
    for _ in range(STEPS * 4 + 1):
        pace = pace.after(event, at)
        rates.append(1 / pace.borne.total_seconds())
    assert pace.borne == pace.quickest
    added = [later - earlier for earlier, later in pairwise(rates)]
    share = 1 / (STEPS * pace.every.total_seconds())
    grown = [one for one in added if one > 0]
    assert all(abs(one - share) < share * 1e-3 for one in grown[:-1]), "by steps of one size"
    assert all(one < share * (1 + 1e-3) for one in grown[-1:]), "and a last one that is no larger"


@given(beginnings(), st.lists(st.sampled_from(ReadingOutcome), max_size=30))
def test_a_busy_mailbox_recovers_its_pace_from_any_refusals(pace: Pace, events: list[ReadingOutcome]) -> None:
    for event in [*events, ReadingOutcome.LIMITED]:
        pace = pace.after(event, START)
    for _ in range(STEPS * 4 + 1):
        pace = pace.after(ReadingOutcome.NEWS, START)
    assert pace.pause == pace.quickest


@given(st.timedeltas(timedelta(0), 48 * QUIET))
def test_a_clock_that_is_set_back_neither_makes_a_mailbox_idle_nor_keeps_it_from_becoming_so(back: timedelta) -> None:
    pace = ordinary().after(ReadingOutcome.NEWS, START)
    assert after(pace, *[ReadingOutcome.NOTHING] * 5, at=START - back) == [30, 60, 60, 60, 60]
    pace = pace.after(ReadingOutcome.NOTHING, START - back)
    assert after(pace, *[ReadingOutcome.NOTHING] * 4, at=START - back + QUIET) == [60, 120, 240, 300]
