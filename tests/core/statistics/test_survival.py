"""Open waits count in every figure: the curves against a recount by hand, by definition, and against each other."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inboxwatch.core.statistics.survival import (
    Length,
    difference_bounds,
    kaplan_meier,
    log_rank,
    percentile,
    share_bounds,
)

lengths = st.lists(st.builds(Length, st.integers(0, 40).map(float), st.booleans()), min_size=1, max_size=60)
shares = st.integers(1, 99).map(lambda number: number / 100)


def recounted(known: list[Length], time: float) -> Fraction:
    """The share still waiting after a time, as the definition says, in whole fractions."""
    left = Fraction(1)
    for at in sorted({one.seconds for one in known if one.ended and one.seconds <= time}):
        waiting = [one for one in known if one.seconds >= at]
        ended = [one for one in waiting if one.ended and one.seconds == at]
        left *= 1 - Fraction(len(ended), len(waiting))
    return left


@given(lengths)
def test_the_curve_is_what_its_definition_says(known: list[Length]) -> None:
    curve = kaplan_meier(known)
    for time in range(42):
        assert curve.at(time) == pytest.approx(float(recounted(known, time)), abs=1e-12)


@given(lengths, shares)
def test_a_quantile_is_the_shortest_time_by_which_that_share_is_over(known: list[Length], share: float) -> None:
    found = kaplan_meier(known).quantile(share)
    limit = 1 - Fraction(str(share))
    instants = sorted({one.seconds for one in known if one.ended})
    assert found == next((time for time in instants if recounted(known, time) <= limit), None)


@given(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=80), shares)
def test_where_every_wait_is_over_the_curve_and_the_naive_percentile_agree(values: list[float], share: float) -> None:
    assert kaplan_meier([Length(value, True) for value in values]).quantile(share) == percentile(values, share)


@given(lengths, shares)
def test_open_waits_never_make_a_team_look_quicker(known: list[Length], share: float) -> None:
    """The quantile that counts open waits is at least the naive one, which leaves them out."""
    answered = [one.seconds for one in known if one.ended]
    assume(answered)
    naive, honest = percentile(answered, share), kaplan_meier(known).quantile(share)
    assert naive is not None
    assert honest is None or honest >= naive


def test_seven_quick_answers_and_three_waits_open_for_days_have_no_ninetieth_percentile_of_five_minutes() -> None:
    """The case of clock-rules 4."""
    known = [Length(300, True)] * 7 + [Length(3 * 86400, False)] * 3
    curve = kaplan_meier(known)
    assert percentile([one.seconds for one in known if one.ended], 0.9) == 300
    assert curve.quantile(0.9) is None
    assert curve.longest == 3 * 86400
    assert curve.quantile(0.5) == 300
    assert curve.at(300) == pytest.approx(0.3)


def test_three_waits_of_five_sixty_and_ten_minutes_have_a_median_of_ten() -> None:
    """The case of clock-rules 3."""
    assert percentile([300, 3600, 600], 0.5) == 600
    assert kaplan_meier([Length(one, True) for one in (300, 3600, 600)]).quantile(0.5) == 600


@given(lengths)
def test_bounds_hold_the_curve_between_nothing_and_everything(known: list[Length]) -> None:
    curve = kaplan_meier(known)
    for low, left, high in zip(curve.low, curve.waiting, curve.high, strict=True):
        assert 0 <= low <= left + 1e-12
        assert left <= high + 1e-12
        assert high <= 1


def test_bounds_are_those_of_a_published_example() -> None:
    """Remission of 21 leukaemia patients under 6-mercaptopurine (Freireich et al. 1963), as in textbooks: the share at
    10 weeks is 0.753 with 0.503 to 0.889, at 23 weeks 0.448 with 0.188 to 0.680."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    left = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    curve = kaplan_meier([*(Length(one, True) for one in ended), *(Length(one, False) for one in left)])
    steps = dict(zip(curve.times, zip(curve.low, curve.waiting, curve.high, strict=True), strict=True))
    assert steps[10] == pytest.approx((0.503, 0.753, 0.889), abs=5e-4)
    assert steps[23] == pytest.approx((0.188, 0.448, 0.680), abs=5e-4)
    assert curve.quantile(0.5) == 23


def test_the_log_rank_test_finds_the_published_difference_and_none_between_the_same() -> None:
    """The same trial against its control group: chi-squared 16.79, p = 0.00004."""
    treated = [Length(one, True) for one in (6, 6, 6, 7, 10, 13, 16, 22, 23)]
    treated += [Length(one, False) for one in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)]
    control = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    others = [Length(one, True) for one in control]
    found = log_rank(treated, others)
    assert found == pytest.approx(math.erfc(math.sqrt(16.793 / 2)), rel=2e-3)
    assert log_rank(treated, treated) == pytest.approx(1)
    assert log_rank(others, treated) == pytest.approx(found)
    assert log_rank([Length(1, False)], [Length(2, False)]) is None


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_share_lies_between_its_bounds(hits: int, misses: int) -> None:
    of = hits + misses
    low, high = share_bounds(hits, of)
    assert 0 <= low <= high <= 1
    if of:
        assert low <= hits / of <= high


def test_small_numbers_claim_little() -> None:
    """Wilson's interval of 3 of 4, and Newcombe's published example of a difference: 56/70 against 48/80."""
    assert share_bounds(3, 4) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert share_bounds(0, 0) == (0, 1)
    assert difference_bounds(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference_bounds(0, 0, 3, 4) == (-1, 1)


def test_nothing_has_no_percentile_and_no_curve() -> None:
    assert percentile([], 0.5) is None
    assert kaplan_meier([]).quantile(0.5) is None
    assert kaplan_meier([]).at(10) == 1
