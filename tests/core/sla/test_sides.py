"""Whose side people in a thread are on: told by its whole mail, whatever came in first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.model import LeadId, MessageId, ThreadId
from inboxwatch.core.sla.clock import Clock, State
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.timeline import Mail, Party
from tests.support.facts import BO, CY, EVERY_STOP, at, bounce, buyer, fold, ours, sla

SU = Party("su@parts.test")
TOM = Party("tom@parts.test")
PAL = Party("pal@mail.test")
DI = Party("di@eu.buyer.test")


def asks(id_: str, when: str, sender: Party = BO, *to: Party, parent: str = "", **more: Any) -> Mail:
    return buyer(id_, at(when), sender, recipients=to, parent=MessageId(parent) if parent else None, **more)


def writes(id_: str, when: str, *to: Party, parent: str = "", **more: Any) -> Mail:
    return ours(id_, at(when), *to, parent=MessageId(parent) if parent else None, **more)


QUESTION = asks("q", "9:00")
FORWARD = writes("f", "9:10", SU, parent="q")


@pytest.mark.parametrize("third", [SU, Party("4711@drop.test"), Party("ana.private@mail.test")])
def test_mail_to_whom_we_alone_chose_is_no_answer_to_the_buyer(third: Party) -> None:
    (clock,) = fold(QUESTION, writes("f", "9:10", third, parent="q"))
    assert clock.state is State.RUNNING


@pytest.mark.parametrize(
    "talk",
    [
        (FORWARD, asks("s", "9:30", SU, parent="f")),
        (FORWARD, asks("s", "9:30", SU, parent="f"), writes("t", "9:40", SU, parent="s")),
        (FORWARD, asks("s", "9:30", SU, parent="q")),
        (FORWARD, asks("s", "9:30", SU, BO, parent="f"), writes("t", "9:40", SU, parent="s")),
        (FORWARD, asks("s", "9:30", TOM, parent="f"), writes("t", "9:40", TOM, parent="s")),
        (FORWARD, asks("s", "9:30", SU, TOM, parent="f"), writes("t", "9:40", TOM, parent="s")),
        (FORWARD, asks("n", "9:20", BO, SU), writes("t", "9:40", SU, parent="f")),
    ],
)
def test_what_third_parties_and_we_say_to_each_other_is_no_business_of_the_buyers(talk: tuple[Mail, ...]) -> None:
    facts = (QUESTION, *talk)
    assert all(fold(*order) == fold(*facts) for order in permutations(facts))
    (clock,) = fold(*facts)
    assert (clock.lead, clock.state, clock.started_at) == (BO.lead, State.RUNNING, at("9:00"))
    assert clock.nudges == sum(mail.sender == BO for mail in talk)


def test_a_third_party_in_cc_beside_the_buyer_starts_nothing_and_the_copy_to_the_buyer_answers() -> None:
    (clock,) = fold(QUESTION, writes("a", "9:10", BO, SU, parent="q"), asks("s", "9:30", SU, BO, parent="a"))
    assert (clock.state, clock.stopped_by) == (State.ANSWERED, "a")


@pytest.mark.parametrize(
    ("said", "colleague"),
    [
        ((asks("q", "9:00", BO, PAL),), PAL),
        ((QUESTION, asks("n", "9:05", PAL, BO, parent="elsewhere")), PAL),
        ((QUESTION, asks("n", "9:05", PAL, parent="q")), PAL),
        ((QUESTION, asks("n", "9:05", PAL), asks("m", "9:06", BO, parent="n")), PAL),
        ((QUESTION, asks("n", "9:05", DI)), DI),
        ((QUESTION, writes("f", "9:05", DI, parent="q"), asks("n", "9:06", DI, parent="f")), DI),
        ((QUESTION, asks("n", "9:05", PAL, SU, parent="q")), SU),
    ],
)
def test_the_company_and_whoever_the_buyer_knows_of_or_brings_in_are_the_buyers_side(
    said: tuple[Mail, ...], colleague: Party
) -> None:
    facts = (*said, writes("a", "9:30", colleague))
    assert all(fold(*order) == fold(*facts) for order in permutations(facts))
    clock = fold(*facts)[-1]
    assert (clock.lead, clock.state, clock.stopped_by) == (BO.lead, State.ANSWERED, "a")


def test_who_answers_what_we_wrote_to_the_buyer_alone_writes_for_the_buyer() -> None:
    waits = fold(QUESTION, writes("a", "9:10", BO, parent="q"), asks("n", "9:30", PAL, parent="a"))
    assert [(clock.started_by, clock.state) for clock in waits] == [("q", State.ANSWERED), ("n", State.RUNNING)]


def test_who_stands_beside_the_buyer_in_our_answer_to_a_mail_that_nobody_read_may_have_come_with_it() -> None:
    answer = writes("a", "9:10", BO, PAL, parent="before-we-looked")
    assert [clock.started_by for clock in fold(answer, asks("n", "9:30", PAL, parent="a"))] == ["n"]
    earlier = asks("before-we-looked", "8:00")
    assert [clock.started_by for clock in fold(earlier, answer, asks("n", "9:30", PAL, parent="a"))] == [earlier.id]


def test_who_writes_in_the_thread_without_the_buyers_knowledge_is_not_the_buyer() -> None:
    (clock,) = fold(QUESTION, asks("n", "9:05", PAL), writes("t", "9:10", PAL, parent="n"))
    assert (clock.state, clock.nudges) == (State.RUNNING, 0)


def test_known_leads_are_their_own_side_though_we_chose_them() -> None:
    waits = fold(QUESTION, writes("f", "9:10", CY, parent="q"), asks("n", "9:20", CY, parent="f"))
    assert [(clock.lead, clock.state) for clock in waits] == [(BO.lead, State.RUNNING), (CY.lead, State.RUNNING)]


def test_a_bounce_brings_nobody_in() -> None:
    lost = replace(bounce("f", at("9:20"), SU.email), recipients=(SU,))
    (clock,) = fold(QUESTION, FORWARD, lost, writes("t", "9:40", Party("mailer-daemon@relay.test")))
    assert (clock.state, clock.nudges) == (State.RUNNING, 0)


# Strangers who are provisional leads.


def provisional(party: Party) -> Party:
    return replace(party, lead=LeadId(party.email), side=party.email.rpartition("@")[2])


def refold(facts: tuple[Mail, ...], *strangers: Party) -> tuple[Clock, ...]:
    """The waits where some of the people are provisional leads."""
    known = {party.email: provisional(party) for party in strangers}

    def seen(mail: Mail) -> Mail:
        recipients = tuple([known.get(one.email, one) for one in mail.recipients])
        return replace(mail, sender=known.get(mail.sender.email, mail.sender), recipients=recipients)

    leads = {LeadId(party.email) for party in strangers}
    return Replay(ThreadId("t"), lambda wait: sla(), EVERY_STOP, leads).clocks([seen(mail) for mail in facts])


def test_a_thread_of_a_stranger_is_the_strangers_own() -> None:
    facts = (asks("n", "9:00", PAL), writes("f", "9:10", SU, parent="n"), asks("s", "9:20", SU, parent="f"))
    (clock,) = refold(facts, PAL, SU)
    assert (clock.lead, clock.state) == (PAL.email, State.RUNNING)
    (clock,) = refold((*facts, writes("a", "9:30", PAL, parent="n")), PAL, SU)
    assert (clock.state, clock.stopped_by) == (State.ANSWERED, "a")


def test_strangers_to_whom_we_wrote_first_are_each_their_own() -> None:
    facts = (writes("o", "9:00", PAL, SU), asks("n", "9:10", PAL, parent="o"), asks("m", "9:20", SU, parent="o"))
    assert [clock.lead for clock in refold(facts, PAL, SU)] == [PAL.email, SU.email]


EVERYBODY = st.sampled_from([BO, CY, DI, PAL, SU, TOM])


@st.composite
def talks(draw: st.DrawFn) -> tuple[Mail, ...]:
    """Up to ten mails between us, two buyers and strangers, who answer each other."""
    mails: list[Mail] = []
    for number in range(draw(st.integers(1, 10))):
        when = at("8:00") + timedelta(minutes=draw(st.integers(0, 300)))
        parent = draw(st.sampled_from([None, MessageId("unread"), *(mail.id for mail in mails)]))
        people = draw(st.lists(EVERYBODY, min_size=1, max_size=3, unique=True))
        if draw(st.booleans()):
            mails.append(buyer(f"m{number}", when, people[0], recipients=tuple(people[1:]), parent=parent))
        else:
            mails.append(ours(f"m{number}", when, *people, parent=parent))
    return tuple(mails)


@given(talks(), st.sets(st.sampled_from([PAL, SU, TOM])))
def test_that_a_stranger_is_a_provisional_lead_changes_no_wait_of_a_known_one(
    facts: tuple[Mail, ...], strangers: set[Party]
) -> None:
    """Whether they are one depends on which mail was read first."""
    known = [clock for clock in refold(facts, *strangers) if clock.lead in (BO.lead, CY.lead)]
    assert [(clock.id, clock.state, clock.nudges) for clock in known] == [
        (clock.id, clock.state, clock.nudges) for clock in refold(facts)
    ]
