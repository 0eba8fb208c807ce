"""Rules 20 and 22 to 32 of the clock: who owns a wait, and what its ladder owes at an instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import EVERYTHING, advance, assignment_at, resolve
from inboxwatch.core.ownership.people import Team
from inboxwatch.core.ownership.reasons import OnLeave, OutOfHours, SeenAway, StepReached
from inboxwatch.core.ownership.routing import RoutingRule, ToLeadOwner, ToMailboxOwner, ToPerson, ToTeam
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import StepKey, StepReason, ladder, plan
from inboxwatch.core.sla.policy import Reassign, SLAPolicy, Step, StepTime
from inboxwatch.core.sla.timeline import ActionKind
from tests.support.facts import action, at, bounce, buyer, case, every, fold, ours, person, roster, sla, weekdays

LADDER = [("50%", "owner"), ("100%", "owner", "manager"), ("100% + 30m", "manager")]


TEN = at("10:00")


def wait(policy: SLAPolicy, *facts: object, start: datetime = TEN) -> Clock:
    """A wait that began at 10:00 under a policy."""
    (clock,) = fold(buyer("q", start), *facts, policy=policy)  # type: ignore[arg-type]  # facts
    return clock


def told_over_time(clock: Clock, until: datetime) -> list[tuple[datetime, int, int, StepReason]]:
    """What a ladder tells if nobody answers and every wake-up is heeded."""
    notified: set[StepKey] = set()
    now: datetime | None = clock.started_at
    notifications = []
    while now is not None and now <= until:
        owed = plan(clock, notified, now)
        if owed.step is not None:
            notified |= {step.key for step in owed.passed} | {owed.step.key}
            notifications.append((now, owed.step.number, owed.step.round, owed.step.reason))
        assert owed.wake_at is None or owed.wake_at > now
        now = owed.wake_at
    return notifications


def test_a_ladder_tells_each_step_at_its_time_and_repeats_the_last() -> None:
    clock = wait(sla("1h", steps=LADDER, repeat=every("1h", 2)))
    assert told_over_time(clock, at("23:00")) == [
        (at("10:30"), 1, 1, StepReason.WARNING),
        (at("11:00"), 2, 1, StepReason.BREACH),
        (at("11:30"), 3, 1, StepReason.ESCALATED),
        (at("12:30"), 3, 2, StepReason.REPEATED),
        (at("13:30"), 3, 3, StepReason.REPEATED),
    ]


def test_rule_20_a_step_due_at_night_is_told_at_opening_once() -> None:
    office = weekdays("09:00-17:00")
    clock = wait(sla("4h", calendar=office, steps=[("100%", "owner")]), start=at("20:00"))
    (notified,) = told_over_time(clock, at("23:00", day=1))
    assert (clock.due_at, notified[0]) == (at("24:00"), at("09:00", day=1))


def test_rule_20_a_step_due_exactly_at_closing_is_told_then() -> None:
    office = weekdays("09:00-17:00")
    clock = wait(sla("2bh", calendar=office, steps=[("100%", "owner")]), start=at("15:00"))
    assert told_over_time(clock, at("23:00", day=1)) == [(at("17:00"), 1, 1, StepReason.BREACH)]


def test_rule_20_a_policy_may_tell_at_any_hour() -> None:
    policy = sla("4h", calendar=weekdays("09:00-17:00"), steps=[("100%", "owner")], in_hours_only=False)
    assert told_over_time(wait(policy, start=at("20:00")), at("23:00", day=1))[0][0] == at("24:00")


def test_rule_28_after_a_gap_only_the_highest_due_step_is_told() -> None:
    owed = plan(wait(sla("1h", steps=LADDER)), frozenset(), at("15:00"))
    assert owed.step is not None
    assert (owed.step.number, [step.number for step in owed.passed]) == (3, [1, 2])


def test_rule_28_the_reassignments_of_skipped_steps_still_apply_in_order() -> None:
    steps = [
        Step(StepTime.parse("50%"), ("owner",), PersonId("max")),
        Step(StepTime.parse("100%"), ("owner",)),
    ]
    moved = advance(wait(sla("1h", steps=steps)), case(), roster(), frozenset(), at("15:00"))
    assert moved.notification is not None
    assert (moved.notification.targets, moved.owner) == (("max",), "max")
    assert [action.owner for action in moved.assigned] == ["ana", "max"]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=30).map(sorted))
def test_rules_28_and_29_whenever_one_looks_no_step_is_told_twice_and_none_out_of_order(minutes: list[int]) -> None:
    clock = wait(sla("1h", steps=LADDER, repeat=every("45m", 3)))
    notified: set[StepKey] = set()
    order = []
    for minute in minutes:
        now = clock.started_at + timedelta(minutes=minute)
        owed = plan(clock, notified, now)
        if owed.step is not None:
            assert owed.step.key not in notified
            assert owed.step.notify_at <= now
            notified |= {step.key for step in owed.passed} | {owed.step.key}
            order.append(owed.step.key)
        due = [step for step in ladder(clock) if step.notify_at <= now]
        assert not due or due[-1].key in notified
    assert order == sorted(order)


def test_an_answered_wait_owes_nothing() -> None:
    clock = wait(sla("1h", steps=LADDER), ours("a", at("10:05")))
    assert plan(clock, frozenset(), at("15:00")).step is None


def test_rule_31_a_step_waits_for_a_blind_mailbox_and_then_says_that_it_cannot_verify() -> None:
    clock = wait(sla("1h", steps=LADDER))
    blind_since = at("10:10")
    held = plan(clock, frozenset(), at("10:31"), blind_since)
    assert (held.step, held.look, held.wake_at) == (None, True, at("10:45"))
    sent = plan(clock, frozenset(), at("10:45"), blind_since)
    assert sent.step is not None
    assert sent.step.reason is StepReason.UNVERIFIED


def test_rule_31_steps_that_fall_due_within_the_grace_of_another_do_not_hold_it_back() -> None:
    clock = wait(sla("1h", steps=[("50%", "owner"), ("60%", "owner"), ("70%", "manager")], blind_grace="15m"))
    held = plan(clock, frozenset(), at("10:44"), at("10:10"))
    sent = plan(clock, frozenset(), at("10:45"), at("10:10"))
    assert (held.step, held.wake_at) == (None, at("10:45"))
    assert sent.step is not None
    assert (sent.step.number, sent.step.reason) == (3, StepReason.UNVERIFIED)


def test_rule_31_a_mailbox_read_past_the_step_verifies_it() -> None:
    owed = plan(wait(sla("1h", steps=LADDER)), frozenset(), at("10:31"), at("10:31"))
    assert owed.step is not None
    assert (owed.step.reason, owed.look) == (StepReason.WARNING, False)


def test_rule_32_an_acknowledgement_holds_the_ladder_and_expires() -> None:
    taken = action(ActionKind.ACKNOWLEDGED, at("10:05"), "q", until=at("10:35"))
    notified = told_over_time(wait(sla("1h", steps=LADDER), taken), at("23:00"))
    assert [(when, step) for when, step, _, _ in notified] == [(at("10:35"), 1), (at("11:00"), 2), (at("11:30"), 3)]


def test_rule_32_a_reply_beats_an_acknowledgement_in_any_order_of_arrival() -> None:
    taken = action(ActionKind.ACKNOWLEDGED, at("10:05"), "q", until=at("10:35"))
    answer = ours("a", at("10:10"))
    assert wait(sla(), taken, answer) == wait(sla(), answer, taken)
    assert not wait(sla(), taken, answer).running


def test_while_an_answer_seemed_to_have_arrived_the_ladder_rested() -> None:
    clock = wait(sla("1h", steps=LADDER), ours("a", at("10:20")), bounce("a", at("11:10"), "bo@buyer.test"))
    assert told_over_time(clock, at("11:15")) == [(at("11:10"), 2, 1, StepReason.BREACH)]


def test_rule_22_a_wait_has_an_owner_from_its_start() -> None:
    moved = advance(wait(sla()), case(), roster(), EVERYTHING, at("10:00"))
    (given_to,) = moved.assigned
    assert (given_to.owner, given_to.at, given_to.by) == ("ana", at("10:00"), "routing")


def test_rule_22_the_first_owner_had_it_from_the_start_also_where_the_start_moved_back() -> None:
    given_at_ten = advance(wait(sla()), case(), roster(), EVERYTHING, at("10:00")).assigned
    held = assignment_at(given_at_ten, at("9:30"))
    assert held is not None
    assert held.owner == "ana"


def test_rule_23_the_first_rule_that_matches_and_names_a_person_wins_and_says_so() -> None:
    rules = (
        RoutingRule(ToPerson(PersonId("max")), {"tier": frozenset({"hot"})}),
        RoutingRule(ToLeadOwner()),
        RoutingRule(ToMailboxOwner()),
    )
    cool = advance(wait(sla()), case(None, mailbox_owner=PersonId("ana")), roster(rules=rules), EVERYTHING, at("10:00"))
    hot = advance(wait(sla()), case(facts={"tier": "Hot"}), roster(rules=rules), EVERYTHING, at("10:00"))
    assert (cool.owner, cool.assigned[0].rule) == ("ana", "rule 3: mailbox.owner")
    assert (hot.owner, hot.assigned[0].rule) == ("max", "rule 1: max")


def test_rule_24_who_is_on_leave_is_passed_over_with_the_reason() -> None:
    away = person("ana", leave=((date(2026, 5, 4), date(2026, 5, 8)),))
    rules = (RoutingRule(ToLeadOwner()), RoutingRule(ToPerson(PersonId("eve"))))
    moved = advance(
        wait(sla()), case(), roster(away, person("eve"), person("max"), rules=rules), EVERYTHING, at("10:00")
    )
    assert moved.owner == "eve"
    assert moved.handovers[0].reasons == (OnLeave(PersonId("ana"), date(2026, 5, 4), date(2026, 5, 8)),)


def test_rule_24_nobody_left_means_the_fallback_at_once() -> None:
    away = person("ana", leave=((date(2026, 5, 4), date(2026, 5, 8)),))
    moved = advance(wait(sla()), case(), roster(away, person("max")), EVERYTHING, at("10:00"))
    assert (moved.owner, moved.nobody_left) == ("max", True)


def test_rule_24_an_owner_seen_to_be_away_is_relieved_at_once() -> None:
    first = advance(wait(sla()), case(), roster(), EVERYTHING, at("10:00"))
    clock = replace(wait(sla()), actions=first.assigned)
    rules = (RoutingRule(ToLeadOwner()), RoutingRule(ToPerson(PersonId("max"))))
    seen = roster(rules=rules, seen_away=lambda who, when: SeenAway(who, at("10:15")) if who == "ana" else None)
    moved = advance(clock, case(), seen, EVERYTHING, at("10:20"))
    assert moved.owner == "max"
    assert moved.handovers[0].reasons[0] == SeenAway(PersonId("ana"), at("10:15"))


def test_rule_24_a_persons_own_choice_is_not_undone_by_routing() -> None:
    by_hand = action(ActionKind.ASSIGNED, at("10:05"), "q", by="max", owner=PersonId("ana"))
    seen = roster(seen_away=lambda who, when: SeenAway(who, at("10:15")) if who == "ana" else None)
    moved = advance(wait(sla(), by_hand), case(), seen, EVERYTHING, at("10:20"))
    assert (moved.owner, moved.assigned) == ("ana", ())


def test_rule_24_who_does_not_work_before_the_answer_is_due_is_passed_over() -> None:
    late_shift = weekdays("18:00-22:00")
    people = (person("ana", calendar=late_shift), person("max", calendar=weekdays("08:00-18:00")))
    moved = advance(wait(sla("1h")), case(), roster(*people), EVERYTHING, at("10:00"))
    assert moved.owner == "max"
    (reason,) = moved.handovers[0].reasons
    assert reason == OutOfHours(PersonId("ana"), at("18:00"))


def test_a_weekend_does_not_make_everybody_absent() -> None:
    office = weekdays("09:00-17:00")
    people = (person("ana", calendar=office), person("max", calendar=office))
    saturday = at("12:00", day=5)
    moved = advance(wait(sla("1bh", calendar=office), start=saturday), case(), roster(*people), EVERYTHING, saturday)
    assert moved.owner == "ana"


def test_a_team_gives_to_the_able_with_the_fewest_open_waits_or_in_turn() -> None:
    people = (
        person("ana", skills=frozenset({"enterprise"}), languages=("en", "es")),
        person("eve", skills=frozenset({"enterprise"}), languages=("en",)),
        person("max"),
    )
    teams = {"emea": Team("emea", (PersonId("ana"), PersonId("eve"), PersonId("max")))}
    by_load = (RoutingRule(ToTeam("emea", frozenset({"enterprise"}))),)
    in_turn = (RoutingRule(ToTeam("emea", by="round_robin")),)
    load = {"ana": 3, "eve": 1, "max": 0}.__getitem__

    def owner(rules: tuple[RoutingRule, ...], turn: int = 0, **facts: str) -> str:
        known = roster(*people, rules=rules, teams=teams, load=load, assignments=lambda team: turn)
        return advance(wait(sla()), case(facts=facts), known, EVERYTHING, at("10:00")).owner

    assert owner(by_load) == "eve"
    assert owner(by_load, language="es") == "ana"
    assert [owner(in_turn, turn) for turn in range(4)] == ["ana", "eve", "max", "ana"]


def test_rule_25_reassignment_does_not_move_the_buyers_clock() -> None:
    by_hand = action(ActionKind.ASSIGNED, at("10:30"), "q", owner=PersonId("max"))
    clock = wait(sla(), by_hand)
    assert (clock.started_at, clock.due_at) == (at("10:00"), at("11:00"))


def test_rule_26_the_owner_at_any_instant_is_known_with_the_reason() -> None:
    steps = [("50%", "owner"), Step(StepTime.parse("100%"), ("owner",), Reassign.FALLBACK)]
    clock = wait(sla("1h", steps=steps))
    first = advance(clock, case(), roster(), frozenset(), at("10:00"))
    clock = replace(clock, actions=first.assigned)
    second = advance(clock, case(), roster(), frozenset(), at("11:00"))
    history = (*first.assigned, *second.assigned)
    before, after = assignment_at(history, at("10:59")), assignment_at(history, at("11:00"))
    assert before is not None
    assert after is not None
    assert (before.owner, before.rule) == ("ana", "rule 1: lead.owner")
    assert (after.owner, after.by) == ("max", "escalation")
    assert second.handovers[0].reasons == (StepReached(2, "standard"),)


def test_targets_are_resolved_before_the_steps_own_reassignment() -> None:
    steps = [Step(StepTime.parse("100%"), ("owner", "manager"), Reassign.FALLBACK)]
    moved = advance(wait(sla("1h", steps=steps)), case(), roster(), frozenset(), at("11:00"))
    assert moved.notification is not None
    assert (moved.notification.targets, moved.owner) == (("ana", "max"), "max")


def test_reassigning_to_next_routes_again_without_the_present_owner() -> None:
    rules = (RoutingRule(ToLeadOwner()), RoutingRule(ToPerson(PersonId("eve"))))
    steps = [Step(StepTime.parse("100%"), ("owner",), Reassign.NEXT)]
    people = (person("ana"), person("eve"), person("max"))
    moved = advance(wait(sla("1h", steps=steps)), case(), roster(*people, rules=rules), frozenset(), at("11:00"))
    assert moved.owner == "eve"


def test_targets_name_people_and_channels_each_once() -> None:
    known = roster()
    assert resolve(("owner", "manager", "slack:#sales"), PersonId("ana"), case(), known) == (
        "ana",
        "max",
        "slack:#sales",
    )
    assert resolve(("manager", "fallback", "team_lead"), PersonId("max"), case(team="emea"), known) == ("max",)


def test_a_follow_up_is_told_once_to_its_owner() -> None:
    from tests.support.facts import follow_ups

    (clock,) = follow_ups(ours("a", at("10:00")), policy=sla(follow_up="1d", steps=LADDER, repeat=every("1h", 5)))
    assert [(step.due_at, step.notify) for step in ladder(clock)] == [(at("10:00", day=1), ("owner",))]
