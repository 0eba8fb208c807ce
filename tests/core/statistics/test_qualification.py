"""Gatekeeping measured: each figure by hand, against a recount case by case, and what is never claimed (rule 54)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.qualification.decision import Decision
from inboxwatch.core.statistics.qualification import QualificationFigures, QualificationPeriod, qualification_figures
from inboxwatch.core.statistics.qualification_inquiry import AwaitedVerdict, InquiryCase, Word
from inboxwatch.core.statistics.share import Share
from inboxwatch.core.statistics.survival import Length, log_rank, stratified_log_rank

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ASKED = QualificationPeriod(MARCH, MARCH + 60 * DAY)
CLASSES = {"sales": True, "unknown": True, "support": True, "vendor": False, "recruiting": False}
TRIAGE = frozenset({"tia", "tom"})
ANSWERED = Length(60.0, True)


def case(number: int = 0, as_: str = "sales", by: str = "default", **known: Any) -> InquiryCase:
    """An inquiry that came as one class and still is of it, unless said otherwise; answered after a minute."""
    came = Decision(as_, by)
    filtered = not CLASSES[as_] and "gives" not in known
    stop = MARCH + number * MINUTE if filtered else MARCH + (number + 1) * MINUTE
    told = InquiryCase(
        id=f"{number:04}", at=MARCH + number * MINUTE, came_as=came, ruled=came, gives=as_, by=by, filtered=filtered,
        wall=Length(0.0, False) if filtered else ANSWERED, business=Length(0.0, False) if filtered else ANSWERED,
        stopped_at=stop, answered=not filtered,
    )  # fmt: skip
    return replace(told, **known)


def judged(number: int, as_: str, verdict: str, by: str = "audit:link building", who: str = "tia") -> InquiryCase:
    """One that a person judged five minutes later, before anybody answered."""
    word = Word(MARCH + (number + 5) * MINUTE, verdict, who)
    return case(number, as_, by, gives=verdict, words=(word,), filtered=not CLASSES[verdict], answered=False)


def figures(*cases: InquiryCase, period: QualificationPeriod = ASKED) -> QualificationFigures:
    return qualification_figures(period, cases, CLASSES, TRIAGE)


def test_sales_kept_is_printed_with_what_the_audit_cannot_rule_out() -> None:
    audited = [judged(number, "unknown", "vendor") for number in range(25)]
    filtered = [case(100 + number, "vendor", "rule:link building") for number in range(500)]
    kept = figures(*audited, *filtered, *(case(700 + number) for number in range(100))).filter.kept
    assert (kept.wrong.hits, kept.wrong.of, kept.sales, kept.filtered) == (0, 25, 100, 500)
    assert kept.value == 1.0
    assert round(100 * (kept.wrong.bounds or (0, 0))[1]) == 13
    assert kept.lost_at_most == 66
    assert kept.least == pytest.approx(100 / (100 + 500 * 0.13319), rel=1e-3)


def test_precision_is_that_of_the_audit_and_corrections_are_told_apart() -> None:
    right = [judged(number, "unknown", "recruiting") for number in range(9)]
    wrong = [judged(20 + number, "unknown", "sales") for number in range(3)]
    open_ones = [case(40, "unknown", "audit:link building", answered=False, stopped_at=None)]
    taken_back = [judged(50, "vendor", "sales", "rule:link building")]
    filtered = [case(60 + number, "vendor", "rule:link building") for number in range(4)]
    held_back = case(90, "sales", "lead", ruled=Decision("sales", "lead", "link building"))
    (rule,) = figures(*right, *wrong, *open_ones, *taken_back, *filtered, held_back).filter.rules
    assert (rule.inquiries, rule.filtered, rule.audited, rule.held_back, rule.corrected) == (19, 4, 13, 1, 1)
    assert rule.judged == Share(9, 12)
    assert rule.judged.value == 0.75


def test_a_verdict_that_was_taken_back_judges_nothing() -> None:
    said = (Word(MARCH + MINUTE, "vendor", "tia"), Word(MARCH + 2 * MINUTE, "unknown", "tia", takes_back=True))
    one = case(0, "unknown", "audit:link building", words=said, answered=False)
    told = figures(one)
    assert told.filter.precision == Share(0, 0)
    assert told.reversals == Share(1, 1)


def test_what_one_of_ours_answers_or_a_list_names_contradicts_within_thirty_days() -> None:
    soon, late = MARCH + 30 * DAY, MARCH + 30 * DAY + MINUTE
    rule = "rule:link building"
    cases = [
        case(0, "vendor", rule, contradicted_at=soon),
        case(0, "vendor", rule, contradicted_at=late),
        case(0, "vendor", rule),
        # Answered first, judged to be sales later: people have confirmed the contradiction, which stays one.
        case(0, "vendor", rule, gives="sales", words=(Word(MARCH + DAY, "sales", "tia"),)),
        # Judged first: people have corrected it before anything contradicted it.
        case(0, "vendor", rule, gives="sales", words=(Word(MARCH, "sales", "tia"),)),
        replace(case(0, "vendor", rule, contradicted_at=MARCH + 31 * DAY), at=MARCH + 31 * DAY),
    ]
    told = figures(*cases).filter
    assert told.contradicted == Share(2, 5)
    assert told.rules[0].contradicted == Share(2, 5)
    word = (Word(MARCH, "vendor", "tia"),)
    by_hand = case(0, "support", "rule:help", gives="vendor", filtered=True, words=word)
    told = figures(replace(by_hand, by="person:tia", contradicted_at=soon)).filter
    assert told.contradicted == Share(1, 1), "what a person has filtered"
    assert told.rules[0].contradicted == Share(0, 0), "which the rule had not"


def test_reversals_count_for_who_gave_the_first_word() -> None:
    at = MARCH
    words = (
        Word(at, "support", "tia"),
        Word(at + MINUTE, "support", "tom"),
        Word(at + 2 * MINUTE, "sales", "max"),
        Word(at + 3 * MINUTE, "sales", ""),
    )
    told = figures(case(0, "unknown", words=words, gives="sales"))
    assert told.reversals == Share(1, 3)
    assert told.reversed_of == {"max": Share(0, 1), "tia": Share(0, 1), "tom": Share(1, 1)}


def test_a_seller_who_gets_what_is_none_of_his_is_counted_once_it_is_settled() -> None:
    his = ((MARCH, "ana"),)
    triages = ((MARCH, "tia"), (MARCH + 10 * MINUTE, "ana"))
    sales, other = Word(MARCH + MINUTE, "sales", "tia"), Word(MARCH + 2 * MINUTE, "support", "tia")
    open_one: dict[str, Any] = {"stopped_at": None, "answered": False}
    cases = [
        case(0, owners=his),
        case(1, owners=his, gives="support", words=(Word(MARCH + DAY, "support", "ana"),), **open_one),
        case(2, "unknown", owners=his, gives="support", words=(sales, other), **open_one),
        # It was support by the time a seller got it.
        case(3, "unknown", owners=triages, gives="support", words=(sales, other), **open_one),
        case(4, "unknown", owners=((MARCH, "tia"),), gives="support", words=(sales, other), **open_one),
        replace(case(5, owners=his, gives="support"), at=ASKED.until - 7 * DAY + MINUTE),
    ]
    assert figures(*cases).unqualified_later == Share(2, 3)


def test_false_escalations_are_told_by_what_made_them_false() -> None:
    step = (MARCH + 10 * MINUTE, "sales", 1)
    later = (Word(MARCH + 20 * MINUTE, "support", "tia"),)
    cases = [
        case(0, told=(step,), stopped_at=MARCH + 30 * MINUTE),
        case(1, told=(step,), stopped_at=MARCH + 9 * MINUTE),
        case(2, told=(step,), stopped_at=MARCH + DAY, answered=False, dismissed=True),
        case(3, told=(step,), stopped_at=None, answered=False, gives="support", words=later),
        # Those who care for support were rightly told, whatever kind of it it was.
        case(4, "support", "rule:help", told=(step,), stopped_at=None, answered=False),
        # By a rule alone nobody was called for nothing.
        case(5, told=(step,), stopped_at=None, answered=False, gives="support", words=(later[0]._replace(by=""),)),
    ]
    told = figures(*cases).escalations
    assert told.precision == Share(3, 6)
    assert told.false == {"answered_before": 1, "dismissed": 1, "not_sales": 1}
    assert told.steps == {("sales", 1): 3}


def test_verdicts_that_are_awaited_still_are_no_quick_ones() -> None:
    def awaited(minutes: float, *, ended: bool, in_time: bool | None, owner: str = "tia") -> AwaitedVerdict:
        length = Length(minutes * 60, ended)
        return AwaitedVerdict(owner, length, length, in_time)

    known = [awaited(minutes, ended=True, in_time=minutes <= 15) for minutes in (5, 10, 20, 40)]
    known += [awaited(30, ended=False, in_time=False), awaited(3, ended=False, in_time=None, owner="tom")]
    told = figures(*(case(number, "unknown", awaited=one) for number, one in enumerate(known)))
    # 5 at risk at 5 minutes: 4/5; then 3/5, 2/5; one left at 30, so that the last one's step is to 0.
    assert told.to_verdict.wall.waiting == pytest.approx((4 / 5, 3 / 5, 2 / 5, 0.0))
    assert (told.to_verdict.wall.quantile(0.5), told.to_verdict.wall.quantile(0.9)) == (1200.0, 2400.0)
    assert (told.to_verdict.clocks, told.to_verdict.judged, told.to_verdict.in_target) == (6, 4, Share(2, 5))
    assert told.by_triager["tom"].in_target == Share(0, 0)


def test_answers_within_minutes_are_those_of_first_sales_waits_with_the_open_ones() -> None:
    minutes = [(1, True), (4, True), (10, True), (10, True), (20, True), (50, True), (90, True), (100, True)]
    minutes += [(7, False), (120, False)]
    lengths = [Length(60.0 * long, ended) for long, ended in minutes]
    cases = [case(number, wall=one, business=one) for number, one in enumerate(lengths)]
    more = [case(20, "support"), case(21, first_response=False), case(22, "unknown")]
    told = figures(*cases, *more).answers.wall
    assert [told[name].value for name in told] == pytest.approx([0.2, 1 - 0.8 * 5 / 7, 1 - 0.8 * 3 / 7])
    assert figures(*cases[1:]).answers.wall["5m"].value is None, "of nine no share is claimed"
    short = [replace(one, business=Length(60.0, False)) for one in cases]
    assert figures(*short).answers.business["5m"].value is None, "nobody was seen so long"


def test_triaged_and_untriaged_are_compared_within_each_tier_alone() -> None:
    """Hot inquiries are quick and seldom triaged, cold ones slow and mostly so: no tier's own curves differ."""
    waited = AwaitedVerdict("tia", ANSWERED, ANSWERED, in_time=True)
    quick, slow = (tuple(Length(60.0 * long, True) for long in some) for some in ((1, 2, 3, 4), (101, 102, 103, 104)))
    cases = [
        case(number, tier=tier, business=length, awaited=awaited)
        for number, (tier, length, awaited) in enumerate(
            [("hot", one, None) for one in quick * 3] + [("hot", one, waited) for one in quick]
            + [("cold", one, None) for one in slow] + [("cold", one, waited) for one in slow * 3]
        )
    ]  # fmt: skip
    told = figures(*cases).triaged
    assert (told.of, told.strata) == ((16, 16), {"cold": (12, 4), "hot": (4, 12)})
    crude = log_rank([one.business for one in cases if one.awaited], [one.business for one in cases if not one.awaited])
    assert crude is not None and told.chance is not None
    assert crude < 0.05 < told.chance


def test_in_shadow_it_is_told_what_would_be_filtered_and_how_much_of_it_was_answered() -> None:
    classes = CLASSES | {"vendor": True, "recruiting": True}
    cases = [case(number, "vendor", "rule:link building", filtered=False, answered=number < 3) for number in range(12)]
    cases += [case(20, "recruiting", "list", filtered=False), case(21, "sales", "rule:price", filtered=False)]
    told = qualification_figures(ASKED, cases, classes, TRIAGE).shadow
    assert (told.armed, told.classes, told.rules) == ((), {"vendor": Share(3, 12)}, {"link building": Share(3, 12)})
    assert figures(*cases).shadow.classes == {}, "what is filtered is in no shadow"


def test_rule_54_what_was_overdue_before_it_was_known_to_be_support_is_listed() -> None:
    due = MARCH + 65 * MINUTE
    late = (Word(due + 5 * MINUTE, "support", "tia"),)
    open_one: dict[str, Any] = {"stopped_at": None, "answered": False}
    then = case(0, "unknown", gives="support", words=late, breached_at=due, breach_class="unknown", **open_one)
    known = case(1, "support", breached_at=due, breach_class="support", **open_one)
    moved = case(2, gives="support", words=late)
    in_time = case(3, gives="support", words=late, **open_one)
    told = figures(then, known, moved, in_time)
    assert [one.id for one in told.overdue_before] == ["0000"]
    assert told.moved == 1, (
        "the one that was answered as sales; the first was unknown, the last had counted nowhere yet"
    )


names = st.sampled_from(sorted(CLASSES))
instants = st.integers(-60, 70 * 24 * 60).map(lambda minute: MARCH + minute * MINUTE)
said = st.lists(st.builds(Word, instants, names, st.sampled_from(["", "tia", "ana"]), st.booleans()), max_size=4).map(
    sorted
)
decisions = st.builds(
    Decision, names, st.sampled_from(["rule:a", "rule:b", "audit:a", "list", "default"]), st.sampled_from(["", "b"])
)
lengths = st.builds(lambda minutes, ended: Length(60.0 * minutes, ended), st.integers(0, 200), st.booleans())
flags = st.booleans()


@st.composite
def inquiry(draw: st.DrawFn) -> InquiryCase:
    came, words, length, at = draw(decisions), tuple(draw(said)), draw(lengths), draw(instants)
    return InquiryCase(
        id="",
        at=at,
        came_as=came,
        ruled=came,
        gives=words[-1].gives if words else came.gives,
        by=f"person:{words[-1].by}" if words and words[-1].by else came.by,
        tier=draw(st.sampled_from(["hot", ""])),
        first_response=draw(flags),
        filtered=draw(flags),
        wall=length,
        business=length,
        answered=draw(flags),
        stopped_at=at + 2 * (at - MARCH) if at > MARCH else None,
        words=words,
        owners=((at, draw(st.sampled_from(["tia", "ana"]))),),
        awaited=AwaitedVerdict("tia", length, length, None) if draw(flags) else None,
        told=((draw(instants), "p", 1),),
    )


cases = st.lists(inquiry(), max_size=40)


def standing(one: InquiryCase) -> list[str]:
    """The verdicts that nobody has taken back."""
    found: list[str] = []
    for word in one.words:
        if word.by and word.takes_back:
            found = found[:-1]
        elif word.by:
            found.append(word.gives)
    return found


@given(cases)
def test_counts_are_what_a_recount_case_by_case_says(known: list[InquiryCase]) -> None:
    told = figures(*known)
    inside = [one for one in known if MARCH <= one.at < ASKED.until]
    assert told.classes == Counter(one.gives for one in inside)
    assert told.filter.share == Share(len([one for one in inside if one.filtered]), len(inside))
    right = wrong = 0
    for one in inside:
        if one.ruled.by.startswith("audit:") and standing(one):
            right += one.gives in ("vendor", "recruiting")
            wrong += one.gives not in ("vendor", "recruiting")
    assert told.filter.precision == Share(right, right + wrong)
    assert told.filter.kept.wrong == Share(wrong, right + wrong)
    old = filtered = 0
    for one in known:
        if one.at > MARCH + 30 * DAY or one.at >= ASKED.until:
            continue
        ruled_out = one.ruled.by in ("rule:a", "rule:b") and one.ruled.gives in ("vendor", "recruiting")
        before = [one.came_as.gives, *(word.gives for word in one.words if word.at <= (one.stopped_at or MARCH))][-1]
        soon = one.stopped_at is not None and one.stopped_at <= one.at + 30 * DAY
        old += one.filtered or ruled_out
        filtered += (one.filtered or ruled_out) and one.answered and soon and before in ("vendor", "recruiting")
    assert told.filter.contradicted == Share(filtered, old)
    given_, changed = 0, 0
    for one in inside:
        said = [word for word in one.words if word.by]
        given_ += sum(not word.takes_back for word in said)
        for place in range(len(said) - 1):
            changed += said[place].gives != said[place + 1].gives and not said[place].takes_back
    assert told.reversals == Share(changed, given_)
    assert sum(told.escalations.false.values()) == told.escalations.precision.of - told.escalations.precision.hits


@given(cases)
def test_shares_of_answers_are_the_product_limit_in_fractions_and_claimed_of_ten_and_more_only(
    known: list[InquiryCase],
) -> None:
    told = figures(*known).answers.business
    lengths = [
        one.business for one in known if MARCH <= one.at < ASKED.until and one.first_response and one.gives == "sales"
    ]
    for name, edge in (("5m", 300), ("15m", 900), ("60m", 3600)):
        left = Fraction(1)
        for at in sorted({one.seconds for one in lengths if one.seconds <= edge}):
            left *= 1 - Fraction(
                sum(one.ended and one.seconds == at for one in lengths), sum(one.seconds >= at for one in lengths)
            )
        seen = max((one.seconds for one in lengths), default=0.0)
        claimed = len(lengths) >= 10 and (edge <= seen or not left)
        assert told[name].of == len(lengths)
        assert told[name].value == (pytest.approx(float(1 - left)) if claimed else None)


@given(cases, st.randoms(use_true_random=False))
def test_the_order_in_which_inquiries_are_read_changes_nothing(known: list[InquiryCase], random: object) -> None:
    named = [replace(one, id=str(number)) for number, one in enumerate(known)]
    mixed = list(named)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert figures(*mixed) == figures(*named)


def test_one_stratum_is_the_plain_log_rank() -> None:
    one, other = ([Length(float(long), True) for long in some] for some in ((1, 3, 5, 9), (2, 6, 8, 12)))
    assert stratified_log_rank([(one, other)]) == log_rank(one, other)
    assert stratified_log_rank([(one, other), (one, other)]) != log_rank(one, other)
