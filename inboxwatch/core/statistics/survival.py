"""Statistics of lengths of time that may not have ended yet, and of small counts.

An open wait is no answer that was never given: it has lasted at least so long (right-censored). Leaving it out, as
averages of answered waits do, makes a team look the quicker the more buyers it never answers (clock-rules 4).

Sources: Kaplan and Meier 1958; the variance by Greenwood 1926 on the complementary log-log scale, which keeps bounds
between 0 and 1 (Collett, Modelling Survival Data in Medical Research, 2.2); Mantel 1966 (log-rank); Wilson 1927 and
Newcombe 1998 (method 10) for shares.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long something lasted, or has lasted so far."""

    seconds: float
    ended: bool
    """False: it was still going on when it was last seen (or left for another reason), so it lasts longer."""


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan-Meier curve: the share that still waits after a time. All tuples have one entry a step."""

    times: tuple[float, ...]
    """Seconds at which the curve falls, ascending."""
    waiting: tuple[float, ...]
    """The share (0..1) that still waits just after each time; 1 before the first."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    """Bounds of the 95 % confidence interval."""
    longest: float
    """The longest length seen, ended or not: nothing is known beyond it."""

    def at(self, seconds: float) -> float:
        """The share that still waits after so long."""
        step = bisect_right(self.times, seconds)
        return self.waiting[step - 1] if step else 1.0

    def bounds_at(self, seconds: float) -> tuple[float, float]:
        """The 95 % interval of that share."""
        step = bisect_right(self.times, seconds)
        return (self.low[step - 1], self.high[step - 1]) if step else (1.0, 1.0)

    def quantile(self, share: float) -> float | None:
        """The shortest time by which at least `share` (0..1) is over; None where that was not seen."""
        limit = 1.0 - share + 1e-12  # a product of fractions is not exact
        return next((time for time, left in zip(self.times, self.waiting, strict=True) if left <= limit), None)


def kaplan_meier(lengths: Iterable[Length]) -> Survival:
    """The curve of lengths of which some have not ended. One that ended and one that left at the same time: both were
    at risk then."""
    known = sorted(lengths, key=lambda one: one.seconds)
    ends = Counter(one.seconds for one in known if one.ended)
    leaving = Counter(one.seconds for one in known)
    times, waiting, low, high = [], [], [], []
    at_risk, left, variance = len(known), 1.0, 0.0
    for time in sorted(leaving):
        if ended := ends.get(time, 0):
            left *= 1.0 - ended / at_risk
            # Greenwood's sum is without end once nobody waits: the bounds close there.
            variance += ended / (at_risk * (at_risk - ended)) if at_risk > ended else 0.0
            below, above = _bounds(left, variance)
            times.append(time)
            waiting.append(left)
            low.append(below)
            high.append(above)
        at_risk -= leaving[time]
    longest = known[-1].seconds if known else 0.0
    return Survival(tuple(times), tuple(waiting), tuple(low), tuple(high), longest)


def _bounds(left: float, variance: float) -> tuple[float, float]:
    if left <= 0.0 or left >= 1.0:
        return left, left
    spread = Z95 * math.sqrt(variance) / abs(math.log(left))
    return left ** math.exp(spread), left ** math.exp(-spread)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` (0..1) of the values do not exceed; None of no values.

    Without open waits it equals the quantile of the Kaplan-Meier curve.
    """
    if not values:
        return None
    rank = math.ceil(share * len(values) - 1e-9)
    return sorted(values)[max(0, rank - 1)]


def log_rank(one: Sequence[Length], other: Sequence[Length]) -> float | None:
    """The probability (p-value) of curves that differ at least so much where there is no difference at all.

    None where nothing ended in either, or all of it at once, so that nothing can be compared.
    """
    return stratified_log_rank([(one, other)])


def stratified_log_rank(strata: Iterable[tuple[Sequence[Length], Sequence[Length]]]) -> float | None:
    """Likewise of two curves that are compared within each stratum only, so that the mix of strata makes no difference
    between them (Mantel 1966; Collett 2.7).
    """
    surplus = variance = 0.0
    for one, other in strata:
        its_surplus, its_variance = _surplus(one, other)
        surplus, variance = surplus + its_surplus, variance + its_variance
    if variance <= 0.0:
        return None
    return math.erfc(abs(surplus) / math.sqrt(2 * variance))


def _surplus(one: Sequence[Length], other: Sequence[Length]) -> tuple[float, float]:
    """By how many more have ended in one than were to be expected, and the variance of that."""
    sides = [(sorted(length.seconds for length in side), Counter(_ends(side))) for side in (one, other)]
    surplus = variance = 0.0
    for time in sorted({*_ends(one), *_ends(other)}):
        (risk, ended), (other_risk, other_ended) = (
            (len(seconds) - bisect_left(seconds, time), ends[time]) for seconds, ends in sides
        )
        everybody, deaths = risk + other_risk, ended + other_ended
        surplus += ended - deaths * risk / everybody
        if everybody > 1:
            variance += deaths * risk * other_risk * (everybody - deaths) / (everybody**2 * (everybody - 1))
    return surplus, variance


def _ends(lengths: Iterable[Length]) -> list[float]:
    return [length.seconds for length in lengths if length.ended]


def share_bounds(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: what 3 of 4 can honestly claim. (0, 1) of nothing."""
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, Z95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return (0.0 if hits == 0 else max(0.0, middle - half)), (1.0 if hits == of else min(1.0, middle + half))


def difference_bounds(hits: int, of: int, later_hits: int, later_of: int) -> tuple[float, float]:
    """Newcombe's 95 % interval of (later share - earlier share); (-1, 1) where either is of nothing."""
    if not of or not later_of:
        return -1.0, 1.0
    low, high = share_bounds(hits, of)
    later_low, later_high = share_bounds(later_hits, later_of)
    share, later = hits / of, later_hits / later_of
    return (
        later - share - math.hypot(later - later_low, high - share),
        later - share + math.hypot(later_high - later, share - low),
    )
