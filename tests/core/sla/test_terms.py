"""What holds for a wait whose policy was chosen again, as it is found again from its due time alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.qualification.decision import Decision, Worth
from inboxwatch.core.sla.policy import Metric, StepTime
from inboxwatch.core.sla.terms import Qualified, course, ladder_start
from tests.support.facts import at, sla, weekdays

OFFICE = weekdays("09:00-12:00", "13:00-18:00")
TARGETS = ("15m", "2h", "8h", "15bm", "2bh", "8bh")
changes = st.lists(st.tuples(st.sampled_from(TARGETS), st.integers(1, 300)), min_size=1, max_size=4)


def said(length: str, after: int) -> Qualified:
    return Qualified(at("09:05") + timedelta(minutes=after), Decision(length, "person:tia"), Worth("", 0, ()))


@given(st.sampled_from(TARGETS), changes)
def test_steps_stand_where_they_stood_when_no_more_is_known_than_the_due_time(
    first: str, later: list[tuple[str, int]]
) -> None:
    policies = {length: replace(sla(length, calendar=OFFICE), name=length) for length in TARGETS}
    facts = [said(first, 0), *sorted((said(*one) for one in later), key=lambda one: one.at)]
    found = course(
        at("09:05"), Metric.FIRST_RESPONSE, facts, lambda one: policies[one.decision.gives] if one else None, ()
    )
    assert found is not None
    for term in found.terms:
        target, calendar = term.policy.first_response, term.policy.calendar
        start = ladder_start(at("09:05"), target, calendar, term.due_at)
        for share in ("25%", "50%", "100%", "100% + 30bm"):
            step = StepTime.parse(share)
            assert step.at(start, target, calendar) == step.at(term.ladder_from, target, calendar), (term, share)
        assert term.era or start == at("09:05")
