"""What became of leads by how soon they were answered: against a recount by hand, and what is never claimed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.statistics.outcomes import BUCKETS, LeadInquiry, Outcomes, Question, Trends, bucket_of, outcomes
from inboxwatch.core.statistics.survival import Length, share_bounds

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ASKED = Question(MARCH, MARCH + 60 * DAY, 30 * DAY)
TIERS = ("hot", "cold")
OPENED = MARCH + 10 * DAY


def asked(lead: str, minutes: float | None, *, at: datetime = MARCH, tier: str = "hot") -> LeadInquiry:
    """An inquiry that was answered after so many minutes, or never."""
    if minutes is None:
        return LeadInquiry(lead, at, tier, Length(9e5, False), None)
    return LeadInquiry(lead, at, tier, Length(minutes * 60, True), at + minutes * MINUTE)


def house(*groups: tuple[str, float | None, int, int]) -> Outcomes:
    """The table of groups of leads: (tier, minutes until the answer, how many, how many of them became one)."""
    inquiries, opened = list[LeadInquiry](), dict[str, datetime]()
    for number, (tier, minutes, of, hits) in enumerate(groups):
        names = [f"{number}-{one}" for one in range(of)]
        inquiries += [asked(name, minutes, tier=tier) for name in names]
        opened |= dict.fromkeys(names[:hits], OPENED)
    return outcomes(ASKED, inquiries, opened)


leads = st.integers(0, 30).map(lambda number: f"lead {number}")
minutes = st.none() | st.sampled_from([0, 5, 5.5, 15, 60, 61, 240, 1440, 1441]) | st.integers(0, 4000)
inquiries = st.lists(
    st.builds(
        lambda lead, hour, minutes, tier, verified: replace(
            asked(lead, minutes, at=MARCH + timedelta(hours=hour), tier=tier),
            verified=verified or minutes is not None,
        ),
        leads,
        st.integers(-50, 1500),
        minutes,
        st.sampled_from(TIERS),
        st.booleans(),
    ),
    max_size=80,
    unique_by=lambda one: (one.lead, one.at),
)
opportunities = st.dictionaries(leads, st.integers(-100, 2400).map(lambda hour: MARCH + timedelta(hours=hour)))


def recount(known: list[LeadInquiry], opened: dict[str, datetime], tier: str | None, bucket: str) -> tuple[int, int]:
    """(hits, of) of a cell, lead by lead as the definition says."""
    hits = of = 0
    for lead in {one.lead for one in known}:
        own = [one for one in known if one.lead == lead and ASKED.since <= one.at <= ASKED.until]
        if not own:
            continue
        one = min(own, key=lambda one: one.at)
        at = opened.get(lead)
        seconds = one.latency.seconds if one.answered_at else None
        limits = {"5m": (-1, 300), "15m": (300, 900), "1h": (900, 3600), "4h": (3600, 14400), "1d": (14400, 86400)}
        low, high = limits.get(bucket, (86400, float("inf")))
        inside = seconds is None if bucket == "never" else seconds is not None and low < seconds <= high
        if one.at + ASKED.within > ASKED.until or not inside or not one.verified or tier not in (None, one.tier):
            continue
        if at is not None and (at < one.at or (one.answered_at and at < one.answered_at)):
            continue
        of += 1
        hits += at is not None and at - one.at <= ASKED.within
    return hits, of


@given(inquiries, opportunities)
def test_each_cell_is_what_a_recount_lead_by_lead_says(known: list[LeadInquiry], opened: dict[str, datetime]) -> None:
    table = outcomes(ASKED, known, opened)
    for bucket in BUCKETS:
        share = table.buckets[bucket]
        assert (share.hits, share.of) == recount(known, opened, None, bucket)
        for tier, shares in table.strata.items():
            assert (shares[bucket].hits, shares[bucket].of) == recount(known, opened, tier, bucket)
    assert list(table.buckets) == list(BUCKETS)


@given(inquiries, opportunities)
def test_every_lead_who_asked_in_the_period_is_counted_once(
    known: list[LeadInquiry], opened: dict[str, datetime]
) -> None:
    table = outcomes(ASKED, known, opened)
    who = {one.lead for one in known if ASKED.since <= one.at <= ASKED.until}
    apart = table.too_early + table.before_inquiry + table.before_answer + table.unverified
    assert table.counted + apart == len(who)
    assert sum(share.of for shares in table.strata.values() for share in shares.values()) == table.counted


@given(inquiries, opportunities, st.randoms(use_true_random=False))
def test_the_order_in_which_waits_are_read_changes_nothing(
    known: list[LeadInquiry], opened: dict[str, datetime], random: object
) -> None:
    mixed = list(known)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert outcomes(ASKED, mixed, opened) == outcomes(ASKED, known, opened)


@given(inquiries, opportunities)
def test_a_share_is_claimed_of_ten_leads_and_more_only(known: list[LeadInquiry], opened: dict[str, datetime]) -> None:
    table = outcomes(ASKED, known, opened)
    for bucket, share in table.buckets.items():
        assert (share.value is not None) == (share.bounds is not None) == (share.of >= 10)
        assert share.of >= 10 or table.standardised[bucket] is None


@given(st.lists(st.tuples(st.integers(10, 30), st.floats(0, 1)), min_size=2, max_size=6))
def test_with_one_tier_the_standardised_share_is_the_crude_one(groups: list[tuple[int, float]]) -> None:
    every = (5, 15, 60, 240, 1440, None)
    given_ = [("hot", after, of, int(of * share)) for after, (of, share) in zip(every, groups, strict=False)]
    table = house(*given_)
    for bucket, share in table.buckets.items():
        assert table.standardised[bucket] == pytest.approx(share.value)
    assert table.trends is not None
    assert not table.trends.differ


@given(st.lists(st.tuples(st.integers(5, 20), st.integers(0, 5)), min_size=4, max_size=4))
def test_a_standardised_share_is_the_tiers_shares_by_the_mix_of_the_whole_period(groups: list[tuple[int, int]]) -> None:
    (hot_soon, cold_soon, hot_late, cold_late) = groups
    table = house(("hot", 3, *hot_soon), ("cold", 3, *cold_soon), ("hot", 200, *hot_late), ("cold", 200, *cold_late))
    mix = {"hot": hot_soon[0] + hot_late[0], "cold": cold_soon[0] + cold_late[0]}
    for bucket, cells in (("5m", (hot_soon, cold_soon)), ("4h", (hot_late, cold_late))):
        parts = [mix[tier] * Fraction(hits, of) for tier, (of, hits) in zip(TIERS, cells, strict=True)]
        assert table.standardised[bucket] == pytest.approx(float(sum(parts) / sum(mix.values())))


def test_what_the_mix_of_tiers_makes_of_speed_is_said() -> None:
    """Of hot leads half buy, of cold ones a tenth, however soon they are answered; hot ones are answered sooner."""
    table = house(("hot", 3, 80, 40), ("cold", 3, 20, 2), ("hot", 200, 20, 10), ("cold", 200, 80, 8))
    assert (table.buckets["5m"].value, table.buckets["4h"].value) == (0.42, 0.18)
    assert table.standardised["5m"] == pytest.approx(0.3)
    assert table.standardised["4h"] == pytest.approx(0.3)
    assert table.trends == Trends(1, 0)
    assert table.trends.differ
    assert table.medians == {"cold": 12000, "hot": 180}


def test_a_trend_that_the_mix_of_tiers_turns_is_said() -> None:
    table = house(("hot", 3, 90, 36), ("cold", 3, 10, 0), ("hot", 200, 10, 5), ("cold", 200, 90, 9))
    assert table.trends == Trends(1, -1)


def test_a_share_is_not_standardised_to_a_tier_that_its_bucket_has_not() -> None:
    table = house(("hot", 3, 20, 9), ("hot", 200, 20, 5), ("cold", 200, 20, 2))
    assert table.standardised["5m"] is None
    assert table.standardised["4h"] is not None
    assert table.trends is None


@pytest.mark.parametrize(
    ("minutes", "bucket"),
    [(0, "5m"), (5, "5m"), (5.01, "15m"), (15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"), (1441, "later")],
)
def test_a_bucket_holds_its_upper_edge(minutes: float, bucket: str) -> None:
    assert bucket_of(asked("bo", minutes).latency) == bucket


@pytest.mark.parametrize(
    ("opened", "hits", "before_inquiry", "before_answer"),
    [
        (MARCH - MINUTE, 0, 1, 0),
        (MARCH, 0, 0, 1),
        (MARCH + MINUTE, 0, 0, 1),
        (MARCH + 2 * MINUTE, 1, 0, 0),
        (MARCH + 30 * DAY, 1, 0, 0),
        (MARCH + 30 * DAY + MINUTE, 0, 0, 0),
    ],
)
def test_an_opportunity_counts_from_the_answer_on_and_for_so_long(
    opened: datetime, hits: int, before_inquiry: int, before_answer: int
) -> None:
    table = outcomes(ASKED, [asked("bo", 2)], {"bo": opened})
    assert table.buckets["5m"].hits == hits
    assert (table.before_inquiry, table.before_answer) == (before_inquiry, before_answer)
    assert table.counted == 1 - before_inquiry - before_answer


@pytest.mark.parametrize(("days", "early", "in_bucket"), [(30, 0, 1), (30.01, 1, 0), (59, 1, 0), (61, 0, 0)])
def test_who_asked_lately_is_too_early_to_tell(days: float, early: int, in_bucket: int) -> None:
    table = outcomes(ASKED, [asked("bo", 2, at=MARCH + days * DAY)], {"bo": MARCH - DAY if early else OPENED})
    assert (table.too_early, table.counted + table.before_inquiry) == (early, in_bucket)


def test_a_lead_without_an_answer_may_become_an_opportunity_and_what_ended_the_wait_is_said() -> None:
    called = replace(asked("bo", None), ended_by="activity")
    table = outcomes(ASKED, [called, asked("cy", None)], {"bo": OPENED})
    assert (table.buckets["never"].hits, table.buckets["never"].of) == (1, 2)
    assert table.ended_by == {"activity": 1}
    assert table.medians == {"hot": None}


def test_the_bounds_are_wilsons() -> None:
    table = house(*(("hot", after, 40, hits) for after, hits in ((5, 0), (15, 7), (60, 40))))
    for bucket, hits in (("5m", 0), ("15m", 7), ("1h", 40)):
        assert table.buckets[bucket].bounds == share_bounds(hits, 40)
