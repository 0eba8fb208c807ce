"""What forged, gamed and odd mail does to clocks, and what it must not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from inboxwatch.core.model import Delivery, Kind, MessageId
from inboxwatch.core.proof import Proof, Standing, combined
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.first_contact import first_contacts
from inboxwatch.core.sla.meetings import accepted
from inboxwatch.core.sla.timeline import Mail, Party
from inboxwatch.core.sla.trust import Flag
from tests.support.facts import BO, at, bounce, buyer, fold, follow_ups, ours, sla

FORGED, FOREIGN = Proof(Standing.FAILED, "dmarc=fail"), Proof(Standing.FOREIGN, "spf=pass of evil.test")
COLLEAGUE = Party("eve@buyer.test", BO.lead, BO.side)
STRANGER = Party("mallory@evil.test")
QUESTION = buyer("q", at("10:00"))


@pytest.mark.parametrize("proof", [FORGED, FOREIGN])
def test_an_answer_that_is_not_shown_to_be_ours_ends_nothing_and_is_flagged(proof: Proof) -> None:
    (clock,) = fold(QUESTION, ours("a", at("10:05"), proof=proof))
    assert (clock.state, clock.flags) == (State.RUNNING, (Flag.NOT_VERIFIED,))
    assert follow_ups(QUESTION, ours("a", at("10:05"), proof=proof), policy=sla(follow_up="1h")) == ()


@pytest.mark.parametrize("standing", [Standing.WITNESSED, Standing.VERIFIED, Standing.UNKNOWN])
def test_an_answer_counts_where_nothing_speaks_against_it(standing: Standing) -> None:
    (clock,) = fold(QUESTION, ours("a", at("10:05"), proof=Proof(standing)))
    assert (clock.state, clock.flags) == (State.ANSWERED, ())


def test_the_true_answer_after_a_forged_one_ends_the_wait_at_its_own_time_without_a_flag() -> None:
    for facts in permutations((QUESTION, ours("f", at("10:05"), proof=FORGED), ours("a", at("11:30")))):
        (clock,) = fold(*facts)
        assert (clock.stopped_by, clock.stopped_at, clock.flags) == ("a", at("11:30"), ())


def test_the_strongest_word_of_all_copies_holds_in_any_order() -> None:
    held = at("10:05")
    copies = [FORGED, Proof(Standing.WITNESSED, "in Sent", held), Proof(held_since=at("10:06")), FOREIGN]
    for order in permutations(copies):
        assert combined(order) == Proof(Standing.WITNESSED, "in Sent", held)
    assert combined([FORGED, Proof()]).failed, "a copy without a word does not outweigh a failure"


# What ends a wait is the lead's own word.


@pytest.mark.parametrize(("kind", "effect"), [(Kind.HUMAN, "opted_out"), (Kind.CALENDAR, "meeting_accepted")])
@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        ({}, True),
        ({"proof": Proof(Standing.VERIFIED)}, True),
        ({"proof": FOREIGN}, True),
        ({"proof": FORGED}, False),
        ({"own_address": False, "sender": STRANGER}, False),
        ({"own_address": False, "sender": COLLEAGUE}, False),
    ],
)
def test_only_the_leads_own_unforged_word_ends_a_wait(
    kind: Kind, effect: str, changed: dict[str, object], ends: bool
) -> None:
    word = replace(buyer("u", at("10:20"), kind=kind, owes_reply=False, effect=effect), **changed)  # type: ignore[arg-type]
    (clock,) = fold(QUESTION, word)
    assert (clock.state is State.ENDED) is ends


def test_who_asked_may_say_that_it_is_settled_though_another_of_the_company_is_the_lead() -> None:
    asked = replace(buyer("q", at("10:00"), COLLEAGUE), own_address=False)
    word = buyer("u", at("10:20"), COLLEAGUE, owes_reply=False, effect="opted_out", own_address=False)
    (clock,) = fold(asked, word)
    assert clock.stop_reason == "opted_out"


def test_our_own_acceptance_answers_the_buyers_invitation_and_no_question_in_words() -> None:
    accepted = ours("y", at("10:30"), kind=Kind.CALENDAR, effect="meeting_accepted")
    (clock,) = fold(QUESTION, accepted)
    assert clock.running
    moved = buyer("m", at("10:00"), kind=Kind.CALENDAR, owes_reply=True)
    (clock,) = fold(moved, accepted)
    assert (clock.stop_reason, clock.stopped_by) == ("meeting_accepted", "y")
    (clock,) = fold(moved, replace(accepted, proof=FORGED))
    assert clock.running


def test_a_calendars_answer_needs_the_uid_of_an_invitation_that_passed_between_us_and_no_forgery() -> None:
    yes = buyer("y", at("10:40"), kind=Kind.CALENDAR, owes_reply=False, effect="meeting_accepted", meeting="u1")
    invitation = ours("i", at("10:30"), kind=Kind.CALENDAR, meeting="u1")
    assert fold(QUESTION, yes)[0].running, "in the same thread, but nobody invited"
    assert [action.rule for action in accepted([invitation, yes])] == ["y"]
    assert accepted([replace(invitation, meeting="u2"), yes]) == []
    assert accepted([invitation, replace(yes, proof=FORGED)]) == []
    assert accepted([replace(invitation, proof=FORGED), yes]) == []


def test_a_forged_absence_of_the_buyer_moves_no_follow_up() -> None:
    policy = sla(follow_up="1h")
    away = buyer("v", at("10:10"), kind=Kind.AUTO_REPLY, owes_reply=False, away_until=at("12:00"))
    (moved,) = follow_ups(ours("o", at("10:00")), away, policy=policy)
    (kept,) = follow_ups(ours("o", at("10:00")), replace(away, proof=FORGED), policy=policy)
    (other,) = follow_ups(ours("o", at("10:00")), replace(away, own_address=False, sender=COLLEAGUE), policy=policy)
    assert [one.due_at for one in (moved, kept, other)] == [at("12:00"), at("11:00"), at("11:00")]


def test_only_a_mail_system_says_that_our_message_did_not_arrive() -> None:
    told = bounce("a", at("10:30"), BO.email)
    claimed = replace(told, delivery=Delivery("failed", MessageId("a"), frozenset({BO.email}), proven=False))
    assert fold(QUESTION, ours("a", at("10:05")), told)[0].reopened == "bounced"
    assert fold(QUESTION, ours("a", at("10:05")), claimed)[0].state is State.ANSWERED
    lead = BO.lead
    assert lead is not None
    assert first_contacts([ours("a", at("10:05")), told], lead)
    assert not first_contacts([ours("a", at("10:05")), claimed], lead)
    forged = ours("f", at("11:00"), proof=FORGED)
    assert first_contacts([ours("a", at("10:05")), told, forged], lead)[0].resolved_at is None


# Copies that are laid into Sent later, and other oddities.


def laid(held: timedelta) -> Mail:
    """An answer dated 10:05 whose first copy came so long after."""
    return ours("a", at("10:05"), proof=Proof(Standing.WITNESSED, held_since=at("10:05") + held))


def test_an_answer_laid_into_sent_days_after_its_date_keeps_the_breach_and_says_so() -> None:
    for facts in permutations((QUESTION, laid(timedelta(days=3)))):
        (clock,) = fold(*facts)
        assert (clock.stopped_at, clock.flags) == (at("10:05", day=3), (Flag.DATED_BACK,))
        assert clock.breached(at("10:06", day=3))


def test_a_copy_that_came_within_a_day_counts_from_its_own_time() -> None:
    (clock,) = fold(QUESTION, laid(timedelta(hours=23)))
    assert (clock.stopped_at, clock.flags) == (at("10:05"), ())


def test_in_a_mailbox_that_was_moved_the_date_is_believed() -> None:
    """A migration stamps the buyer's mail anew as well, so its server's stamp does not tell its time."""
    (clock,) = fold(replace(QUESTION, stamped=False), laid(timedelta(days=90)))
    assert (clock.stopped_at, clock.flags) == (at("10:05"), ())


def test_an_empty_answer_and_one_within_seconds_end_the_wait_and_are_flagged() -> None:
    soon = QUESTION.at + timedelta(seconds=2)
    (clock,) = fold(QUESTION, ours("a", soon, proof=Proof(empty=True)))
    assert clock.state is State.ANSWERED
    assert clock.flags == (Flag.EMPTY, Flag.WITHIN_SECONDS)
    (slow,) = fold(QUESTION, ours("a", QUESTION.at + timedelta(minutes=1)))
    assert slow.flags == ()


def test_an_answer_that_crosses_a_nudge_is_measured_from_what_it_answers() -> None:
    nudge, soon = buyer("n", at("10:30")), at("10:30") + timedelta(seconds=5)
    (crossed,) = fold(QUESTION, nudge, ours("a", soon, parent=MessageId("q")))
    (quick,) = fold(QUESTION, nudge, ours("a", soon, parent=MessageId("n")))
    assert (crossed.flags, quick.flags) == ((), (Flag.WITHIN_SECONDS,))
