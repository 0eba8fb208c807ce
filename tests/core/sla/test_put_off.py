"""When a follow-up is due that a person put off to a day of theirs (rule 40)."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations

import pytest

from inboxwatch.core.model import Kind
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import ladder, plan
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact
from tests.support.facts import action, at, buyer, follow_ups, ours, sla, weekdays

OFFICE = weekdays("09:00-17:00", zone="America/New_York")
"""Monday 9:00 there is 13:00 UTC."""


def put_off(when: datetime, until: datetime) -> Action:
    return action(ActionKind.PUT_OFF, when, "a", metric=Metric.FOLLOW_UP, until=until)


def followed(*facts: Fact) -> Clock:
    policy = sla(follow_up="1d", calendar=OFFICE, in_hours_only=False)
    (clock,) = follow_ups(ours("a", at("13:00")), *facts, policy=policy)
    return clock


@pytest.mark.parametrize(
    ("until", "due"),
    [
        pytest.param(at("15:30", 3), at("15:30", 3), id="in hours: just then"),
        pytest.param(at("11:00", 3), at("13:00", 3), id="before the opening: at the opening"),
        pytest.param(at("22:30", 3), at("13:00", 3), id="after the end of a day: at its opening"),
        pytest.param(at("03:00", 4), at("13:00", 3), id="late in the evening there, whatever the date in UTC"),
        pytest.param(at("15:30", 5), at("13:00", 7), id="on a day without hours: at the next opening"),
        pytest.param(at("22:30", 0), at("13:00", 1), id="on an evening whose day has begun: at the next opening"),
        pytest.param(at("14:00", 0), at("14:00", 0), id="earlier than before"),
    ],
)
def test_rule_40_a_follow_up_that_a_person_puts_off_is_due_then(until: datetime, due: datetime) -> None:
    clock = followed(put_off(at("13:30"), until))
    assert (clock.due_at, clock.running) == (due, True)


def test_the_last_word_of_a_person_holds_and_an_absence_after_it_only_ever_moves_back() -> None:
    first, second = put_off(at("14:00"), at("14:00", 9)), put_off(at("15:00"), at("14:00", 2))
    away = buyer("ooo", at("16:00"), kind=Kind.AUTO_REPLY, away_until=at("14:00", 3))
    back = buyer("back", at("17:00"), kind=Kind.AUTO_REPLY, away_until=at("14:00", 1))
    said: list[Fact] = [first, second, away, back]
    dues = {followed(*facts).due_at for facts in permutations(said)}
    assert followed(first, second).due_at == at("14:00", 2)
    assert dues == {at("14:00", 3)}
    assert followed(away, put_off(at("16:30"), at("14:00", 1))).due_at == at("14:00", 1)


def test_rule_40_each_day_to_which_it_is_put_off_is_told_once() -> None:
    clock = followed(put_off(at("13:30", 1), at("15:00", 3)))
    (step,) = ladder(clock)
    assert (step.key, step.notify_at, step.notify) == ((0, 2, 1), at("15:00", 3), ("owner",))
    told_before = {(0, 1, 1)}
    assert plan(clock, told_before, at("14:59", 3)).step is None
    assert plan(clock, told_before, at("15:00", 3)).step == step
    assert plan(clock, told_before | {step.key}, at("16:00", 3)).step is None


def test_one_that_was_missed_before_it_was_put_off_stays_a_breach() -> None:
    missed, kept = followed(put_off(at("13:30", 1), at("15:00", 3))), followed(put_off(at("13:00", 1), at("15:00", 3)))
    assert (missed.missed_at, missed.breached(at("14:00", 1))) == (at("13:00", 1), True)
    assert (kept.missed_at, kept.breached(at("14:00", 1))) == (None, False)


def test_what_is_said_of_another_follow_up_moves_none() -> None:
    later = ours("b", at("14:00"))
    policy = sla(follow_up="1d")
    _, second = follow_ups(ours("a", at("13:00")), later, put_off(at("15:00"), at("15:00", 3)), policy=policy)
    assert second.due_at == at("14:00", 1)
