"""What became of leads, by how soon they were first answered: a table that says what it does not show.

Leads are compared with leads. Each is there once, by the first inquiry in the period, and only where the time for the
outcome to happen (`Question.within`) was over by its end: whoever asked yesterday has not failed to buy. An opportunity
from before the answer is no work of the answer's (reverse causation), and from before the inquiry of neither.

Sources: direct standardisation as in Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, ch. 19;
Simpson 1951 on why the crude shares alone mislead; Wilson 1927 for the intervals of shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from inboxwatch.core.statistics.share import Share
from inboxwatch.core.statistics.survival import Length, kaplan_meier

WITHIN = timedelta(days=30)
"""How long after the inquiry an opportunity counts, unless asked otherwise."""
EDGES = MappingProxyType({"5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400})
"""Bucket -> its upper edge in seconds of business time, inclusive."""
LATER, NEVER = "later", "never"
BUCKETS = (*EDGES, LATER, NEVER)
"""From the fastest to the slowest."""
_EVEN = 1e-9
"""A trend below it is none."""


class Question(NamedTuple):
    """Which leads are asked about: those whose first inquiry in [since, until - within] lies at least `within` back."""

    since: datetime
    until: datetime
    """What is known is what was known then."""
    within: timedelta = WITHIN


@dataclass(frozen=True, slots=True)
class LeadInquiry:
    """A message of a lead that owed a reply, in a thread in which none of ours had written yet."""

    lead: str
    """Any stable name of the lead."""
    at: datetime
    tier: str
    """As it was for the wait: what the lead is called by now may follow from the outcome."""
    latency: Length
    """Business time until the first answer, or as far as it was seen."""
    answered_at: datetime | None
    ended_by: str = ""
    """The stop condition, where no answer has ended it."""
    verified: bool = True
    """Whether an answer would have been seen: false of an open wait whose mailbox could not be read."""

    @property
    def order(self) -> tuple[datetime, bool, float, str, str]:
        return self.at, not self.latency.ended, self.latency.seconds, self.tier, self.ended_by


class Trends(NamedTuple):
    """Whether more of the leads buy that were answered sooner: 1; fewer: -1; as many: 0."""

    crude: int
    standardised: int

    @property
    def differ(self) -> bool:
        """Whether the mix of tiers turns what the crude shares seem to say, or makes all of it."""
        return self.crude != self.standardised


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The table. Mappings by bucket have all of `BUCKETS`, in their order; those by tier are sorted."""

    buckets: Mapping[str, Share]
    strata: Mapping[str, Mapping[str, Share]]
    """Tier -> bucket -> share."""
    standardised: Mapping[str, float | None]
    """The share (0..1) as it were if each bucket had the period's mix of tiers; None where a bucket has too few leads
    for a claim, or none of a tier."""
    trends: Trends | None
    """None where fewer than two buckets have both shares."""
    medians: Mapping[str, float | None]
    """Tier -> seconds of business time by which half of its leads were answered; None: fewer were."""
    too_early: int = 0
    """Leads whose time for an outcome is not over."""
    before_inquiry: int = 0
    """Leads that were an opportunity before their inquiry."""
    before_answer: int = 0
    """Leads that became one before they were answered."""
    unverified: int = 0
    """Leads of whom nobody knows whether they were answered."""
    ended_by: Mapping[str, int] = field(default_factory=dict)
    """Of those never answered: how many waits each stop condition has ended, such as a call that was logged."""

    @property
    def counted(self) -> int:
        """Leads in the buckets."""
        return sum(share.of for share in self.buckets.values())


def bucket_of(latency: Length) -> str:
    """The bucket of a first answer's business latency."""
    if not latency.ended:
        return NEVER
    return next((name for name, edge in EDGES.items() if latency.seconds <= edge), LATER)


def outcomes(question: Question, inquiries: Iterable[LeadInquiry], opportunities: Mapping[str, datetime]) -> Outcomes:
    """The table of a period; `opportunities`: lead -> when their first one was opened, as known at any time."""
    first: dict[str, LeadInquiry] = {}
    for one in inquiries:
        known = first.get(one.lead)
        if question.since <= one.at <= question.until and (known is None or one.order < known.order):
            first[one.lead] = one
    shown, apart = list[tuple[LeadInquiry, bool]](), Counter[str]()
    for lead, one in first.items():
        opened = opportunities.get(lead)
        if one.at > question.until - question.within:
            apart["too_early"] += 1
        elif opened is not None and opened < one.at:
            apart["before_inquiry"] += 1
        elif opened is not None and one.answered_at is not None and opened < one.answered_at:
            apart["before_answer"] += 1
        elif not one.verified:
            apart["unverified"] += 1
        else:
            shown.append((one, opened is not None and opened <= one.at + question.within))
    strata = {tier: _shares(shown, tier) for tier in sorted({one.tier for one, _ in shown})}
    buckets = _shares(shown)
    standardised = {bucket: _standardised(bucket, buckets, strata) for bucket in BUCKETS}
    return Outcomes(
        buckets=buckets,
        strata=strata,
        standardised=standardised,
        trends=_trends(buckets, standardised),
        medians={tier: kaplan_meier(_latencies(shown, tier)).quantile(0.5) for tier in strata},
        ended_by=dict(sorted(Counter(one.ended_by for one, _ in shown if one.ended_by).items())),
        too_early=apart["too_early"],
        before_inquiry=apart["before_inquiry"],
        before_answer=apart["before_answer"],
        unverified=apart["unverified"],
    )


def _shares(shown: Sequence[tuple[LeadInquiry, bool]], tier: str | None = None) -> dict[str, Share]:
    of, hits = Counter[str](), Counter[str]()
    for one, bought in shown:
        if tier is None or one.tier == tier:
            bucket = bucket_of(one.latency)
            of[bucket] += 1
            hits[bucket] += bought
    return {bucket: Share(hits[bucket], of[bucket]) for bucket in BUCKETS}


def _latencies(shown: Iterable[tuple[LeadInquiry, bool]], tier: str) -> list[Length]:
    return [one.latency for one, _ in shown if one.tier == tier]


def _standardised(bucket: str, buckets: Mapping[str, Share], strata: Mapping[str, Mapping[str, Share]]) -> float | None:
    if not buckets[bucket].claimed or any(not shares[bucket].of for shares in strata.values()):
        return None
    mix = {tier: sum(share.of for share in shares.values()) for tier, shares in strata.items()}
    parts = (mix[tier] * shares[bucket].hits / shares[bucket].of for tier, shares in strata.items())
    return sum(parts) / sum(mix.values())


def _trends(buckets: Mapping[str, Share], standardised: Mapping[str, float | None]) -> Trends | None:
    """The sign of each trend over the buckets that have both shares, weighted by their leads."""
    places = {bucket: place for place, bucket in enumerate(BUCKETS)}
    both = {bucket: share for bucket, share in standardised.items() if share is not None}
    if len(both) < 2:
        return None
    weight = sum(buckets[bucket].of for bucket in both)
    middle = sum(places[bucket] * buckets[bucket].of for bucket in both) / weight

    def trend(shares: Mapping[str, float]) -> int:
        slope = sum(buckets[bucket].of * (middle - places[bucket]) * share for bucket, share in shares.items())
        return 0 if abs(slope) <= _EVEN * weight else (1 if slope > 0 else -1)

    return Trends(trend({bucket: buckets[bucket].hits / buckets[bucket].of for bucket in both}), trend(both))
