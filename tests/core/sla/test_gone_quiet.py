"""When a follow-up has been quiet for long enough (rule 40)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.gone_quiet import quiet_at
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from tests.support.facts import action, at, buyer, follow_ups, ours, sla

MONTH = timedelta(days=30)


def deed(kind: ActionKind, when: datetime, until: datetime | None = None) -> Action:
    return action(kind, when, "a", metric=Metric.FOLLOW_UP, until=until)


@pytest.mark.parametrize(
    ("deeds", "quiet"),
    [
        pytest.param([], at("10:00", 31), id="from its due time"),
        pytest.param([deed(ActionKind.ACKNOWLEDGED, at("9:00"), at("9:30"))], at("10:00", 31), id="not from before it"),
        pytest.param([deed(ActionKind.ASSIGNED, at("9:00", 11))], at("9:00", 41), id="from the last deed"),
        pytest.param([deed(ActionKind.SNOOZED, at("9:00", 2), at("9:00", 20))], at("9:00", 50), id="from a rest's end"),
    ],
)
def test_rule_40_a_follow_up_is_quiet_from_its_due_time_or_the_last_deed_on(
    deeds: list[Action], quiet: datetime
) -> None:
    assert quiet_at(at("10:00", 1), deeds, MONTH) == quiet


def test_a_message_that_was_received_before_it_was_closed_ends_it_whenever_it_is_read() -> None:
    closed = deed(ActionKind.GONE_QUIET, at("10:00", 31))
    policy = sla(follow_up="1d")
    (quiet,) = follow_ups(ours("a", at("10:00")), closed, buyer("q", at("10:00", 40)), policy=policy)
    (answered,) = follow_ups(ours("a", at("10:00")), closed, buyer("q", at("9:00", 31)), policy=policy)
    assert (quiet.state, quiet.stop_reason, quiet.stopped_at) == (State.ENDED, "gone_quiet", at("10:00", 31))
    assert (answered.state, answered.stopped_by) == (State.ANSWERED, "q")
