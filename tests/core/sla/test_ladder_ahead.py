"""What is said of a ladder ahead is what it does, if nobody answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import EVERYTHING, advance, foreseen
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.holds import Hold
from inboxwatch.core.sla.policy import Reassign, Step, StepTime
from tests.support.facts import at, buyer, case, every, fold, person, roster, sla, weekdays

OFFICE = weekdays("09:00-12:00", "13:00-18:00")
PEOPLE = (person("ana", manager=PersonId("max")), person("ben", manager=PersonId("zoe")), person("max"), person("zoe"))
ROSTER = roster(*PEOPLE)


def steps(instants: list[int]) -> st.SearchStrategy[list[Step]]:
    """Steps at these minutes after the due time, in order."""
    told = st.lists(st.sampled_from(("owner", "manager", "fallback", "team_lead")), min_size=1, max_size=2, unique=True)
    moves = st.sampled_from((None, Reassign.FALLBACK, Reassign.TEAM_LEAD, PersonId("ben"), PersonId("zoe")))
    each = (
        st.builds(Step, st.just(StepTime.parse(f"100% + {at}m" if at else "100%")), told.map(tuple), moves)
        for at in sorted(instants)
    )
    return st.tuples(*each).map(list)


ladders = st.lists(st.sampled_from((0, 1, 20, 40, 60, 90, 200)), min_size=1, max_size=5).flatmap(steps)
minutes = st.integers(0, 400).map(lambda number: timedelta(minutes=number))


def waiting(ladder: list[Step], hold: tuple[timedelta, timedelta], *, in_hours: bool, times: int) -> Clock:
    repeat = every("45m", times) if times else None
    (clock,) = fold(
        buyer("q", at("10:00")), policy=sla("1h", calendar=OFFICE, steps=ladder, in_hours_only=in_hours, repeat=repeat)
    )
    start = at("10:00") + hold[0]
    return replace(clock, holds=(Hold(start, start + hold[1], "snoozed"),))


def done(clock: Clock, notified: set[StepKey], now: Any) -> list[tuple[Any, ...]]:
    """What a ladder does from now on, from one instant at which it must be looked at to the next."""
    told, when = [], now
    while when is not None:
        moved = advance(clock, case(), ROSTER, notified, when)
        clock = replace(clock, actions=(*clock.actions, *moved.assigned))
        if moved.notification is not None:
            notified |= {step.key for step in (*moved.passed, moved.notification.step)}
            told.append((when, moved.notification.step.key, moved.notification.targets, moved.owner))
        later = advance(clock, case(), ROSTER, notified, when).wake_at
        when = max(later, when) if later is not None else None
    return told


@given(ladders, st.tuples(minutes, minutes), minutes, st.booleans(), st.integers(0, 3))
def test_what_is_foreseen_of_a_ladder_is_what_it_does(
    ladder: list[Step], hold: tuple[timedelta, timedelta], asked: timedelta, in_hours: bool, times: int
) -> None:
    clock, now = waiting(ladder, hold, in_hours=in_hours, times=times), at("10:00") + asked
    given = advance(clock, case(), ROSTER, EVERYTHING, at("10:00"))
    clock = replace(clock, actions=given.assigned)
    owner, told = given.owner, []
    for one in foreseen(clock, case(), ROSTER, owner, set(), now):
        owner = one.moves_to or owner
        told.append((max(now, one.at), one.step.key, one.targets, owner))
    assert told == done(clock, set(), now)
