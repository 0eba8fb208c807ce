"""How soon sales inquiries are answered: within minutes, and with a triage before it against without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from inboxwatch.core.qualification.decision import SALES
from inboxwatch.core.statistics.qualification_inquiry import InquiryCase
from inboxwatch.core.statistics.share import ENOUGH
from inboxwatch.core.statistics.survival import Length, Survival, kaplan_meier, stratified_log_rank

EDGES = MappingProxyType({"5m": 300, "15m": 900, "60m": 3600})
"""Name -> seconds, inclusive."""


class AnsweredBy(NamedTuple):
    """The share that was answered by a time."""

    of: int
    """Waits; open ones are counted as far as they were seen."""
    value: float | None
    """None: too few, or nobody was seen so long."""
    bounds: tuple[float, float] | None


def answered_by(curve: Survival, of: int, seconds: float) -> AnsweredBy:
    """1 - KM(t), where there are enough of them and somebody was seen so long."""
    left = curve.at(seconds)
    if of < ENOUGH or (seconds > curve.longest and left > 0.0):
        return AnsweredBy(of, None, None)
    low, high = curve.bounds_at(seconds)
    return AnsweredBy(of, 1.0 - left, (1.0 - high, 1.0 - low))


@dataclass(frozen=True, slots=True)
class AnswerShares:
    """First answers to sales inquiries. Mappings by time have all of `EDGES`."""

    wall: Mapping[str, AnsweredBy]
    business: Mapping[str, AnsweredBy]


def answers(cases: Iterable[InquiryCase]) -> AnswerShares:
    """The share of first-response waits of class sales that was answered by each time."""
    known = _sales(cases)

    def within(lengths: Sequence[Length]) -> dict[str, AnsweredBy]:
        curve = kaplan_meier(lengths)
        return {name: answered_by(curve, len(lengths), edge) for name, edge in EDGES.items()}

    return AnswerShares(within([case.wall for case in known]), within([case.business for case in known]))


@dataclass(frozen=True, slots=True)
class Triaged:
    """Sales inquiries that waited for a verdict first against those that did not. They were not assigned by chance."""

    triaged: Survival
    """Business time until the first answer."""
    untriaged: Survival
    of: tuple[int, int]
    """How many each."""
    strata: Mapping[str, tuple[int, int]]
    """Tier -> how many each."""
    chance: float | None
    """How likely curves that differ so much are without any difference, tier by tier; None: too few, or nothing to
    compare."""

    @property
    def claimed(self) -> bool:
        """Whether there are enough of each to say anything."""
        return min(self.of) >= ENOUGH


def triaged(cases: Iterable[InquiryCase]) -> Triaged:
    """The comparison, stratified by tier."""
    known = _sales(cases)
    sides = [[case for case in known if (case.awaited is not None) is waited] for waited in (True, False)]
    tiers = sorted({case.tier for case in known})
    strata = {
        tier: (
            [case.business for case in sides[0] if case.tier == tier],
            [case.business for case in sides[1] if case.tier == tier],
        )
        for tier in tiers
    }
    one, other = ([case.business for case in side] for side in sides)
    enough = min(len(one), len(other)) >= ENOUGH
    return Triaged(
        kaplan_meier(one),
        kaplan_meier(other),
        (len(one), len(other)),
        {tier: (len(some), len(others)) for tier, (some, others) in strata.items()},
        stratified_log_rank(strata.values()) if enough else None,
    )


def _sales(cases: Iterable[InquiryCase]) -> list[InquiryCase]:
    return [case for case in cases if case.first_response and case.gives == SALES]
