"""Rules 1 to 16, 35 and 40 of the clock: when a wait starts, ends, and what it measures."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.model import Direction, Kind, LeadId, MessageId
from inboxwatch.core.sla.clock import Clock, State
from inboxwatch.core.sla.first_contact import first_contacts
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail, Party
from tests.support.facts import BO, CY, action, at, bounce, buyer, fold, follow_ups, id_of, ours, sla, weekdays

NOW = at("23:00")


def test_rule_01_a_nudge_changes_neither_start_nor_due_time() -> None:
    (clock,) = fold(buyer("q", at("10:00")), buyer("nudge", at("10:30")))
    assert (clock.started_at, clock.due_at, clock.nudges) == (at("10:00"), at("11:00"), 1)


def test_rule_02_the_earliest_answer_to_the_side_ends_the_wait_and_more_answers_add_nothing() -> None:
    (clock,) = fold(buyer("q", at("10:00")), ours("a2", at("10:40")), ours("a1", at("10:20")))
    assert (clock.state, clock.stopped_by, clock.stopped_at) == (State.ANSWERED, "a1", at("10:20"))


def test_rule_02_an_answer_to_another_side_does_not_end_the_wait() -> None:
    (clock,) = fold(buyer("q", at("10:00")), ours("a", at("10:20"), CY))
    assert clock.running


def test_rule_02_an_answer_to_a_colleague_of_the_buyer_ends_the_wait() -> None:
    colleague = Party("di@buyer.test", None, None)
    (clock,) = fold(buyer("q", at("10:00"), recipients=(colleague,)), ours("a", at("10:20"), colleague))
    assert clock.state is State.ANSWERED


def test_rule_03_every_wait_is_kept() -> None:
    waits = fold(
        *(buyer("q1", at("9:00")), ours("a1", at("9:05"))),
        *(buyer("q2", at("10:00")), ours("a2", at("11:00"))),
        *(buyer("q3", at("12:00")), ours("a3", at("12:10"))),
    )
    assert [clock.waited(NOW) for clock in waits] == [timedelta(minutes=m) for m in (5, 60, 10)]


def test_rule_04_an_open_wait_has_its_age() -> None:
    (clock,) = fold(buyer("q", at("10:00")))
    assert clock.waited(at("10:00", day=3)) == timedelta(days=3)


def test_rule_05_waits_are_first_responses_until_one_was_answered() -> None:
    waits = fold(
        buyer("q1", at("9:00")),
        action(ActionKind.DISMISSED, at("9:30"), "q1"),
        buyer("q2", at("10:00")),
        ours("a", at("10:30")),
        buyer("q3", at("11:00")),
        policy=sla("1h", "2h"),
    )
    assert [(clock.metric, clock.due_at) for clock in waits] == [
        (Metric.FIRST_RESPONSE, at("10:00")),
        (Metric.FIRST_RESPONSE, at("11:00")),
        (Metric.NEXT_RESPONSE, at("13:00")),
    ]


def test_rule_06_a_late_answer_stays_a_breach_and_one_at_the_due_instant_is_in_time() -> None:
    (late,) = fold(buyer("q", at("10:00")), ours("a", at("11:01")))
    (in_time,) = fold(buyer("q", at("10:00")), ours("a", at("11:00")))
    assert (late.breached(NOW), in_time.breached(NOW)) == (True, False)


def test_rule_07_internal_mail_does_not_stop_the_clock_and_a_colleague_is_credited() -> None:
    note = Mail(at("10:10"), MessageId("n"), Direction.INTERNAL, Kind.HUMAN, Party("ana@acme.test"))
    (clock,) = fold(buyer("q", at("10:00")), note, ours("a", at("10:20"), author="max"))
    assert (clock.stopped_by, clock.answered_by) == ("a", "max")


def test_rule_08_our_own_automation_is_no_answer() -> None:
    waits = fold(
        buyer("q", at("10:00")),
        ours("auto", at("10:01"), kind=Kind.AUTO_REPLY),
        ours("seq", at("10:02"), kind=Kind.BULK),
    )
    assert [clock.running for clock in waits] == [True]


def test_rule_09_auto_replies_and_bulk_mail_of_a_buyer_start_nothing() -> None:
    assert fold(buyer("v", at("10:00"), kind=Kind.AUTO_REPLY), buyer("n", at("10:05"), kind=Kind.BULK)) == ()


def test_rule_09_a_bounced_answer_reopens_the_wait_from_its_original_start() -> None:
    (clock,) = fold(buyer("q", at("10:00")), ours("a", at("10:20")), bounce("a", at("10:25"), "bo@buyer.test"))
    assert (clock.running, clock.started_at, clock.due_at, clock.reopened) == (
        True,
        at("10:00"),
        at("11:00"),
        "bounced",
    )


def test_rule_09_a_bounce_of_one_copy_leaves_an_answer_that_reached_another_of_the_side() -> None:
    di = Party("di@buyer.test", LeadId("di@buyer.test"), "buyer.test")
    (clock,) = fold(buyer("q", at("10:00")), ours("a", at("10:20"), BO, di), bounce("a", at("10:25"), "bo@buyer.test"))
    assert clock.state is State.ANSWERED


def test_rule_09_a_delayed_notification_is_no_failure() -> None:
    (clock,) = fold(buyer("q", at("10:00")), ours("a", at("10:20")), bounce("a", at("10:25"), action="delayed"))
    assert clock.state is State.ANSWERED


def test_rule_09_a_bounce_of_our_first_message_is_a_failed_first_contact_until_another_reaches_the_lead() -> None:
    lead = LeadId("bo@buyer.test")
    failed = [ours("hello", at("9:00")), bounce("hello", at("9:01"), "bo@buyer.test")]
    (open_one,) = first_contacts(failed, lead)
    (closed,) = first_contacts([*failed, ours("again", at("12:00"))], lead)
    assert (open_one.message, open_one.failed_at, open_one.resolved_at) == ("hello", at("9:01"), None)
    assert closed.resolved_at == at("12:00")


def test_rule_09_a_bounce_after_the_lead_was_reached_is_no_failed_first_contact() -> None:
    facts = [ours("hello", at("9:00")), ours("more", at("10:00")), bounce("more", at("10:01"), "bo@buyer.test")]
    assert first_contacts(facts, LeadId("bo@buyer.test")) == ()


def test_rule_11_a_calendar_acceptance_ends_the_wait_and_a_decline_starts_one() -> None:
    (ended,) = fold(buyer("q", at("10:00")), buyer("yes", at("10:30"), kind=Kind.CALENDAR, effect="meeting_accepted"))
    assert (ended.state, ended.stop_reason) == (State.ENDED, "meeting_accepted")
    (declined,) = fold(buyer("no", at("10:00"), kind=Kind.CALENDAR, owes_reply=True))
    assert declined.started_by == "no"


def test_rule_12_an_answer_never_precedes_its_question() -> None:
    question = buyer("q", at("10:00"))
    (clock,) = fold(question, ours("a", at("9:58"), parent=question.id))
    assert (clock.stopped_at, clock.waited(NOW)) == (at("10:00"), timedelta())


def test_rule_15_a_late_message_moves_the_start_back_and_the_old_id_stays_valid() -> None:
    (before,) = fold(buyer("q2", at("10:30")))
    (after,) = fold(buyer("q2", at("10:30")), buyer("q1", at("10:00")))
    assert after.started_at == at("10:00")
    assert before.id in after.ids


def test_rule_16_dismissing_ends_this_wait_only_and_the_next_message_starts_a_fresh_one() -> None:
    first, second = fold(
        buyer("q1", at("9:00")), action(ActionKind.DISMISSED, at("9:30"), "q1"), buyer("q2", at("15:00"))
    )
    assert (first.state, first.stop_reason, first.answered_by) == (State.DISMISSED, "dismissed", None)
    assert (second.started_at, second.due_at) == (at("15:00"), at("16:00"))


def test_rule_16_a_dismissal_leaves_the_message_that_the_person_had_not_seen() -> None:
    gone = action(ActionKind.DISMISSED, at("9:30"), "q1", seen=frozenset({id_of("q1")}))
    # Received before the action, read after it: one before and one behind the message that he knew.
    first, second = fold(buyer("q1", at("9:00")), gone, buyer("q0", at("8:50")), buyer("q2", at("9:20")))
    assert (first.state, first.started_by, second.state, second.started_by) == ("running", "q0", "dismissed", "q1")
    assert (first.ids & second.ids, first.nudges, second.nudges) == (frozenset(), 1, 0)


def test_rule_16_a_dismissal_that_is_taken_back_leaves_the_wait_its_start_and_its_breach() -> None:
    gone, back = action(ActionKind.DISMISSED, at("10:20"), "q"), action(ActionKind.REOPENED, at("11:30"), "q", serial=2)
    (clock,) = fold(buyer("q", at("10:00")), gone, back)
    assert (clock.started_at, clock.due_at, clock.reopened) == (at("10:00"), at("11:00"), "reversed")
    assert clock.running and clock.breached(at("11:30"))
    assert (clock.held_until(at("11:00")), clock.held_until(at("11:30"))) == (at("11:30"), None)
    assert [one.kind for one in clock.actions] == ["dismissed", "reopened"]


def test_rule_16_what_came_while_a_wait_seemed_dismissed_is_part_of_it() -> None:
    gone, back = action(ActionKind.DISMISSED, at("10:20"), "q"), action(ActionKind.REOPENED, at("11:30"), "q", serial=2)
    (clock,) = fold(buyer("q", at("10:00")), gone, buyer("more", at("10:40")), back)
    assert (clock.id, clock.nudges, id_of("more") in clock.aliases) == (id_of("q"), 1, True)
    (clock,) = fold(buyer("q", at("10:00")), gone, ours("a", at("10:40")), back)
    assert (clock.state, clock.stopped_at) == (State.ANSWERED, at("10:40"))


def test_rule_16_only_the_last_dismissal_is_taken_back_and_a_later_one_holds() -> None:
    deeds = [(ActionKind.DISMISSED, "10:10"), (ActionKind.REOPENED, "10:15"), (ActionKind.DISMISSED, "10:30")]
    facts = [action(kind, at(time), "q", serial=number) for number, (kind, time) in enumerate(deeds)]
    (clock,) = fold(buyer("q", at("10:00")), *facts)
    assert (clock.state, clock.stopped_at) == (State.DISMISSED, at("10:30"))


def test_two_companies_in_one_thread_are_two_sides_with_a_wait_each() -> None:
    one, other = fold(buyer("q1", at("9:00"), BO), buyer("q2", at("9:10"), CY), ours("a", at("9:20"), BO))
    assert (one.lead, one.state) == (BO.lead, State.ANSWERED)
    assert (other.lead, other.state) == (CY.lead, State.RUNNING)


def test_a_stranger_who_writes_in_the_thread_is_on_the_side_that_he_answers_beside() -> None:
    stranger = Party("private@mail.test")
    more = buyer("more", at("9:10"), stranger, parent=MessageId("q"))
    (clock,) = fold(buyer("q", at("9:00")), more, ours("a", at("9:20"), stranger))
    assert (clock.nudges, clock.state) == (1, State.ANSWERED)


def test_rule_35_each_stop_condition_ends_the_wait_by_name() -> None:
    lead = BO.lead
    actions: dict[str, Fact] = {
        "activity": Action(at("10:30"), ActionKind.ACTIVITY, "ana", lead=lead),
        "lead_closed": Action(at("10:30"), ActionKind.LEAD_CLOSED, "known", lead=lead),
        "opted_out": buyer("stop", at("10:30"), effect="opted_out"),
        "meeting_accepted": buyer("yes", at("10:30"), kind=Kind.CALENDAR, effect="meeting_accepted"),
    }
    for reason, fact in actions.items():
        (clock,) = fold(buyer("q", at("10:00")), fact)
        assert (clock.state, clock.stop_reason, clock.stopped_at) == (State.ENDED, reason, at("10:30"))


def test_rule_35_a_condition_that_is_not_listed_ends_nothing() -> None:
    (clock,) = fold(
        buyer("q", at("10:00")),
        Action(at("10:30"), ActionKind.ACTIVITY, "ana", lead=BO.lead),
        stops=frozenset({"answered"}),
    )
    assert clock.running


def test_rule_35_a_call_that_ends_no_wait_acknowledges_it() -> None:
    called = Action(at("10:30"), ActionKind.ACTIVITY, "ana", lead=BO.lead)
    (clock,) = fold(buyer("q", at("10:00")), called, stops=frozenset({"answered"}))
    assert [(hold.start, hold.end, hold.why, hold.by) for hold in clock.holds] == [
        (at("10:30"), at("11:00"), "acknowledged", "ana")
    ]
    of_others = fold(buyer("q", at("10:00"), CY), called, buyer("later", at("10:40")), stops=frozenset({"answered"}))
    assert [clock.holds for clock in of_others] == [(), ()]


def test_rule_40_our_last_word_starts_a_clock_in_the_buyers_court() -> None:
    policy = sla(follow_up="2d")
    (clock,) = follow_ups(buyer("q", at("9:00")), ours("a", at("10:00")), policy=policy)
    assert (clock.metric, clock.started_by, clock.due_at) == (Metric.FOLLOW_UP, "a", at("10:00", day=2))


def test_rule_40_the_buyers_word_a_further_one_of_ours_or_a_call_ends_the_follow_up() -> None:
    policy = sla(follow_up="2d")
    (answered,) = follow_ups(ours("a", at("10:00")), buyer("q", at("11:00")), policy=policy)
    first, second = follow_ups(ours("a", at("10:00")), ours("b", at("11:00")), policy=policy)
    called = Action(at("11:00"), ActionKind.ACTIVITY, "ana", lead=BO.lead)
    (logged,) = follow_ups(ours("a", at("10:00")), called, policy=policy)
    assert (answered.state, answered.stopped_by) == (State.ANSWERED, "q")
    assert (first.stop_reason, second.running) == ("followed_up", True)
    assert logged.stop_reason == "activity"


def test_rule_40_an_absence_until_a_date_moves_the_follow_up() -> None:
    policy = sla(follow_up="8bh", calendar=weekdays("09:00-17:00"))
    away = buyer("ooo", at("10:05"), kind=Kind.AUTO_REPLY, away_until=at("00:00", day=7))
    (clock,) = follow_ups(ours("a", at("10:00")), away, policy=policy)
    assert clock.due_at == at("09:00", day=7)


def test_a_wait_is_measured_in_business_time_beside_wall_time() -> None:
    office = weekdays("08:00-12:00", "13:30-18:00")
    (clock,) = fold(buyer("q", at("17:00")), ours("a", at("11:00", day=1)), policy=sla("4bh", calendar=office))
    assert (clock.due_at, clock.breached(NOW)) == (at("11:00", day=1), False)
    assert (clock.waited(NOW), clock.waited_business(NOW)) == (timedelta(hours=18), timedelta(hours=4))


def test_an_acknowledgement_is_kept_with_the_wait_and_ends_with_it() -> None:
    taken = action(ActionKind.ACKNOWLEDGED, at("10:05"), "q", until=at("10:35"))
    (clock,) = fold(buyer("q", at("10:00")), taken, ours("a", at("10:20")))
    assert [(hold.why, hold.end) for hold in clock.holds] == [("acknowledged", at("10:20"))]


# Rule 14: the fold does not depend on order, doubles or batches.

MINUTES = st.integers(0, 600)
PEOPLE = st.sampled_from([BO, CY, Party("di@buyer.test", LeadId("di@buyer.test"), "buyer.test")])


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """A thread of up to twelve facts, many at one instant, with answers, bounces, actions and parents."""
    facts: list[Fact] = []
    for number in range(draw(st.integers(1, 12))):
        when = at("8:00") + timedelta(minutes=draw(MINUTES))
        earlier = [fact.id for fact in facts if isinstance(fact, Mail)]
        parent = draw(st.sampled_from([None, *earlier]))
        match draw(st.sampled_from(["buyer", "buyer", "ours", "ours", "bounce", "auto", "deed"])):
            case "buyer":
                facts.append(buyer(f"m{number}", when, draw(PEOPLE), parent=parent))
            case "ours":
                facts.append(ours(f"m{number}", when, draw(PEOPLE), parent=parent))
            case "bounce":
                facts.append(bounce(draw(st.sampled_from(earlier or [MessageId("none")])), when))
            case "auto":
                facts.append(buyer(f"m{number}", when, draw(PEOPLE), kind=Kind.AUTO_REPLY))
            case _:
                on = draw(st.sampled_from(earlier or [MessageId("none")]))
                facts.append(
                    action(draw(st.sampled_from([ActionKind.DISMISSED, ActionKind.ACKNOWLEDGED])), when, on, until=when)
                )
    return facts


@given(histories(), st.randoms(use_true_random=False))
def test_rule_14_any_order_and_any_doubles_give_the_same_clocks(facts: list[Fact], chance: object) -> None:
    shuffled = [*facts, *facts[: len(facts) // 2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert fold(*shuffled) == fold(*facts)


@given(histories())
def test_rules_1_to_6_hold_for_every_history(facts: list[Fact]) -> None:
    waits = fold(*facts)
    inbound = {fact.id: fact for fact in facts if isinstance(fact, Mail) and fact.owes_reply}
    for clock in waits:
        assert clock.started_by in inbound
        assert clock.stopped_at is None or clock.stopped_at >= clock.started_at
        assert clock.due_at == clock.started_at + timedelta(hours=1)
    for side in {clock.side for clock in waits}:
        _never_two_at_once([clock for clock in waits if clock.side == side])
    ids = [clock.id for clock in waits]
    assert len(ids) == len(set(ids))


def _never_two_at_once(waits: list[Clock]) -> None:
    for earlier, later in pairwise(waits):
        assert earlier.stopped_at is not None
        assert earlier.stopped_at <= later.started_at


def test_an_id_is_of_the_message_alone() -> None:
    (clock,) = fold(buyer("q", at("10:00")))
    assert clock.id == id_of("q")
