"""A meeting that the lead accepted ends the lead's wait, in whatever thread invitation and answer stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from inboxwatch.core.model import Kind, LeadId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.meetings import accepted, answered_by_us
from inboxwatch.core.sla.timeline import Action, Mail, Party
from tests.support.facts import BO, CY, EVERY_STOP, at, buyer, fold, ours

DI = Party("di@buyer.test", LeadId("di@buyer.test"), "buyer.test")


def invites(when: str, *to: Party, uid: str = "u1", **more: Any) -> Mail:
    return ours(f"i-{when}", at(when), *to, kind=Kind.CALENDAR, meeting=uid, **more)


def accepts(when: str, sender: Party = BO, uid: str = "u1", **more: Any) -> Mail:
    words = {"kind": Kind.CALENDAR, "owes_reply": False, "effect": "meeting_accepted", "meeting": uid, **more}
    return buyer(f"y-{when}", at(when), sender, **words)


def only(*mails: Mail) -> Action:
    (found,) = accepted(mails)
    assert all(accepted(order) == [found] for order in permutations(mails))
    return found


def test_the_lead_who_was_asked_ends_the_wait_that_began_before_the_invitation() -> None:
    meeting = only(invites("10:30"), accepts("10:40"))
    (clock,) = fold(buyer("q", at("10:00")), meeting)
    assert (clock.state, clock.stop_reason, clock.stopped_by) == (State.ENDED, "meeting_accepted", "y-10:40")
    assert clock.stopped_at == at("10:40")


@pytest.mark.parametrize(
    "mails",
    [
        (accepts("10:40"),),
        (invites("10:30", uid="u2"), accepts("10:40")),
        (invites("10:30", CY), accepts("10:40")),
        (invites("10:30"), accepts("10:40", CY)),
        (invites("11:30"), accepts("10:40")),
        (invites("10:30"), accepts("10:40", uid="")),
        (invites("10:30", uid=""), accepts("10:40", uid="")),
        (accepts("10:30"), accepts("10:40")),
        (invites("10:30"), accepts("10:40", effect=None)),
        (invites("10:30"), accepts("10:40", Party("unknown@mail.test"))),
        (replace(accepts("10:30", CY), effect=None), accepts("10:40")),
    ],
)
def test_without_an_invitation_of_ours_to_that_side_under_that_uid_nothing_was_accepted(
    mails: tuple[Mail, ...],
) -> None:
    assert accepted(mails) == []


def test_a_colleague_of_whom_we_invited_may_accept_and_ends_what_they_asked() -> None:
    assert only(invites("10:30"), accepts("10:40", DI)).lead == DI.lead


def test_the_latest_invitation_before_the_answer_counts() -> None:
    assert only(invites("10:10"), invites("10:30"), invites("11:30"), accepts("10:40")).until == at("10:30")


def test_what_was_asked_after_the_invitation_is_still_owed() -> None:
    meeting = only(invites("10:30"), accepts("10:40"))
    asked, more = buyer("q", at("10:00")), buyer("more", at("10:35"))
    met, owed = fold(asked, more, meeting)
    assert (met.stop_reason, met.nudges, owed.started_by, owed.state) == ("meeting_accepted", 0, "more", State.RUNNING)
    assert [clock.state for clock in fold(more, meeting)] == [State.RUNNING]
    assert [clock.state for clock in fold(buyer("late", at("10:50")), meeting)] == [State.RUNNING]


def test_nobody_elses_wait_ends_and_none_where_the_condition_is_not_listed() -> None:
    meeting = only(invites("10:30"), accepts("10:40"))
    (clock,) = fold(buyer("q", at("10:00"), CY), meeting)
    assert clock.state is State.RUNNING
    (clock,) = fold(buyer("q", at("10:00")), meeting, stops=EVERY_STOP - {"meeting_accepted"})
    assert clock.state is State.RUNNING


def test_rule_50_an_invitation_of_ours_that_reaches_the_side_answers() -> None:
    (clock,) = fold(buyer("q", at("9:05")), invites("9:10"))
    assert (clock.state, clock.stop_reason, clock.stopped_at) == (State.ANSWERED, "answered", at("9:10"))
    (clock,) = fold(buyer("q", at("9:05")), invites("9:10", CY))
    assert clock.running, "it reached another side"
    (clock,) = fold(buyer("q", at("9:05")), invites("9:10", uid=""))
    assert clock.running, "a calendar part that invites to nothing"


@pytest.mark.parametrize(
    ("effect", "ending"),
    [("meeting_answered", (State.ANSWERED, "answered")), ("meeting_accepted", (State.ENDED, "meeting_accepted"))],
)
def test_rule_50_a_buyers_invitation_is_owed_an_answer_and_our_calendars_answer_is_one(
    effect: str, ending: tuple[State, str]
) -> None:
    asked = buyer("i", at("9:00"), kind=Kind.CALENDAR, meeting="u1", owes_reply=True)
    answer = ours("y", at("9:30"), kind=Kind.CALENDAR, effect=effect, meeting="u1")
    assert fold(asked)[0].running
    (clock,) = fold(asked, answer)
    assert ((clock.state, clock.stop_reason), clock.stopped_by) == (ending, "y")
    (told,) = answered_by_us([answer, asked])
    (clock,) = fold(asked, told)
    assert ((clock.state, clock.stop_reason), clock.stopped_by) == (ending, "y"), "in a thread of its own"
    (clock,) = fold(buyer("q", at("8:00")), asked, told)
    assert clock.running, "what was asked in words before is still owed"


@pytest.mark.parametrize(
    "answer",
    [
        ours("y", at("9:30"), kind=Kind.CALENDAR, effect="meeting_answered", meeting="u2"),
        ours("y", at("8:30"), kind=Kind.CALENDAR, effect="meeting_answered", meeting="u1"),
        ours("y", at("9:30"), CY, kind=Kind.CALENDAR, effect="meeting_answered", meeting="u1"),
        ours("y", at("9:30"), kind=Kind.CALENDAR, meeting="u1"),
    ],
)
def test_rule_50_our_answer_is_that_to_an_invitation_of_theirs_before_it(answer: Mail) -> None:
    assert answered_by_us([buyer("i", at("9:00"), kind=Kind.CALENDAR, meeting="u1"), answer]) == []
