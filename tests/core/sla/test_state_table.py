"""The state tables at the head of the fold, row by row: every state, every fact, and what they become."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from inboxwatch.core.model import Delivery, Direction, Kind, MessageId, PersonId, ThreadId
from inboxwatch.core.proof import Proof, Standing
from inboxwatch.core.sla import fold as documented
from inboxwatch.core.sla.clock import Clock, State
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail, Party
from inboxwatch.core.sla.trust import Flag
from tests.support.facts import BO, CY, EVERY_STOP, action, at, bounce, buyer, id_of, ours, sla

OURS, BUYERS = "Our court", "The buyer's court"
Facts = tuple[Fact, ...]
NOW = at("10:30")
LATER = at("12:00")


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    court: str
    state: str
    facts: tuple[str, ...]
    becomes: str
    rules: str


def rows() -> Iterator[Row]:
    """The tables of the module's documentation."""
    court = ""
    for line in (documented.__doc__ or "").splitlines():
        court = next((one for one in (OURS, BUYERS) if line.startswith(one)), court)
        columns = re.split(r"\s{2,}", line.strip())
        if court and line.startswith("    ") and columns[0] != "state":
            state, facts, becomes, rules = columns
            yield Row(court, state, tuple(facts.split(", ")), becomes, rules)


STATES: dict[tuple[str, str], tuple[Facts, ...]] = {
    (OURS, "idle"): ((), (buyer("q0", at("9:00")), ours("a0", at("9:30")))),
    (OURS, "waiting"): ((buyer("q", at("10:00")),),),
    (BUYERS, "idle"): ((), (buyer("q", at("10:00")),)),
    (BUYERS, "following"): ((ours("o", at("10:00")),),),
}
"""What has happened in each state, in every way to come to it."""


def on_wait(court: str, kind: ActionKind, **details: Any) -> Action:
    """An action on the wait that is open in a court."""
    started, metric = ("q", Metric.FIRST_RESPONSE) if court == OURS else ("o", Metric.FOLLOW_UP)
    return action(kind, NOW, started, metric=metric, **details)


def on_lead(kind: ActionKind) -> Action:
    return Action(NOW, kind, "ana", lead=BO.lead)


def machine(kind: Kind) -> Mail:
    return buyer("m", NOW, kind=kind, owes_reply=False)


OF_A_WAIT = "dismissal of an earlier message only"
"""A fact that needs a wait of ours that is open."""
FACTS: dict[str, Callable[[str], Facts]] = {
    "inbound that owes a reply": lambda court: (buyer("n", NOW),),
    "inbound human that owes none": lambda court: (buyer("n", NOW, owes_reply=False),),
    "outbound human that reaches the side": lambda court: (ours("a", NOW),),
    "outbound human whose every copy bounced": lambda court: (ours("a", at("10:20")), bounce("a", NOW)),
    "outbound human to another side": lambda court: (ours("a", NOW, CY),),
    "outbound human that is not verified": lambda court: (replace(ours("a", NOW), proof=Proof(Standing.FAILED)),),
    "dismissal": lambda court: (on_wait(court, ActionKind.DISMISSED),),
    "dismissal that was taken back": lambda court: (
        on_wait(court, ActionKind.DISMISSED),
        replace(on_wait(court, ActionKind.REOPENED), at=at("10:40"), serial=9),
    ),
    OF_A_WAIT: lambda court: (
        buyer("n", at("10:20")),
        on_wait(court, ActionKind.DISMISSED, seen=frozenset({id_of("q")})),
    ),
    "acknowledgement": lambda court: (on_wait(court, ActionKind.ACKNOWLEDGED, until=LATER),),
    "snooze": lambda court: (on_wait(court, ActionKind.SNOOZED, until=LATER),),
    "gone quiet": lambda court: (on_wait(court, ActionKind.GONE_QUIET),),
    "closing that was taken back": lambda court: (
        on_wait(court, ActionKind.GONE_QUIET),
        replace(on_wait(court, ActionKind.REOPENED), at=at("10:40"), serial=9),
    ),
    "put off by a person": lambda court: (on_wait(court, ActionKind.PUT_OFF, until=LATER),),
    "assignment": lambda court: (on_wait(court, ActionKind.ASSIGNED, owner=PersonId("max")),),
    "meeting accepted": lambda court: (replace(machine(Kind.CALENDAR), effect="meeting_accepted"),),
    "meeting accepted in another thread": lambda court: (
        replace(on_lead(ActionKind.MEETING_ACCEPTED), until=at("10:20")),
    ),
    "opted out": lambda court: (replace(machine(Kind.AUTO_REPLY), effect="opted_out"),),
    "meeting accepted by another": lambda court: (
        replace(machine(Kind.CALENDAR), effect="meeting_accepted", own_address=False, sender=Party("cy@else.test")),
    ),
    "opted out in the lead's forged name": lambda court: (
        replace(machine(Kind.AUTO_REPLY), effect="opted_out", proof=Proof(Standing.FAILED)),
    ),
    "our own acceptance": lambda court: (ours("m", NOW, kind=Kind.CALENDAR, effect="meeting_accepted"),),
    "activity": lambda court: (on_lead(ActionKind.ACTIVITY),),
    "lead closed": lambda court: (on_lead(ActionKind.LEAD_CLOSED),),
    "vacation reply that names a day": lambda court: (replace(machine(Kind.AUTO_REPLY), away_until=LATER),),
    "auto-reply": lambda court: (machine(Kind.AUTO_REPLY),),
    "auto-reply of ours": lambda court: (ours("m", NOW, kind=Kind.AUTO_REPLY),),
    "bulk": lambda court: (machine(Kind.BULK),),
    "receipt": lambda court: (machine(Kind.RECEIPT),),
    "delay": lambda court: (replace(machine(Kind.BOUNCE), delivery=Delivery("delayed", MessageId("o"), frozenset())),),
    "internal": lambda court: (replace(ours("m", NOW), direction=Direction.INTERNAL, recipients=()),),
}
"""All that can happen, at 10:30."""


def fold(court: str, facts: Facts) -> tuple[Clock, ...]:
    """The clocks of one side and court, without the record of actions that change nothing."""
    policy = sla("1h", follow_up="1h")
    clocks = Replay(ThreadId("t"), lambda wait: policy, EVERY_STOP).clocks(facts)
    follow_up = court == BUYERS
    wanted = (one for one in clocks if one.side == BO.side and (one.metric is Metric.FOLLOW_UP) == follow_up)
    return tuple(replace(clock, actions=()) for clock in wanted)


def opened(before: tuple[Clock, ...], after: tuple[Clock, ...]) -> bool:
    """A clock runs that did not before, and those before are as they were."""
    return after[:-1] == before and after[-1].running and after[-1].started_at == NOW


def kept(before: tuple[Clock, ...], after: tuple[Clock, ...]) -> bool:
    """The clock that ran runs on from its start."""
    (was, now) = before[-1], after[-1]
    return len(after) == len(before) and now.running and (now.id, now.started_at) == (was.id, was.started_at)


def stopped(state: State) -> Callable[[tuple[Clock, ...], tuple[Clock, ...]], bool]:
    """The clock that ran has stopped at the fact."""
    return lambda before, after: len(after) == len(before) and (after[-1].state, after[-1].stopped_at) == (state, NOW)


def held(before: tuple[Clock, ...], after: tuple[Clock, ...]) -> bool:
    return kept(before, after) and len(after[-1].holds) == 1


BECOMES: dict[str, Callable[[tuple[Clock, ...], tuple[Clock, ...]], bool]] = {
    "unchanged": lambda before, after: after == before,
    "waiting": opened,
    "following": opened,
    "waiting with its start unchanged": lambda before, after: (
        kept(before, after) and after[-1].due_at == before[-1].due_at and after[-1].nudges == 1
    ),
    "waiting and held": held,
    "waiting and flagged": lambda before, after: kept(before, after) and after[-1].flags == (Flag.NOT_VERIFIED,),
    "following and held": held,
    "following and due later": lambda before, after: kept(before, after) and after[-1].due_at == LATER,
    "following and due then": lambda before, after: (
        kept(before, after) and (after[-1].due_at, after[-1].round) == (LATER, 2)
    ),
    "answered": stopped(State.ANSWERED),
    "dismissed": stopped(State.DISMISSED),
    "ended": stopped(State.ENDED),
    "dismissed and waiting for the rest": lambda before, after: (
        [clock.state for clock in after] == [State.DISMISSED, State.RUNNING] and after[1].started_by == "n"
    ),
    "ended and following anew": lambda before, after: (
        stopped(State.ENDED)(before, after[:-1]) and after[-1].running and after[-1].started_at == NOW
    ),
}


def transitions() -> Iterator[tuple[str, str, str, str]]:
    """(court, state, fact, becomes) of every row, `any` and `anything else` spelled out."""
    table = list(rows())
    for court, state in STATES:
        known = {fact: row.becomes for row in table if (row.court, row.state) == (court, state) for fact in row.facts}
        (rest,) = (row for row in table if (row.court, row.state, row.facts) == (court, "any", ("anything else",)))
        for fact in FACTS:
            if fact != OF_A_WAIT or (court, state) == (OURS, "waiting"):
                yield court, state, fact, known.get(fact, rest.becomes)


@pytest.mark.parametrize(("court", "state", "fact", "becomes"), list(transitions()))
def test_a_fact_in_a_state_becomes_what_the_table_says(court: str, state: str, fact: str, becomes: str) -> None:
    for before in STATES[court, state]:
        after = fold(court, (*before, *FACTS[fact](court)))
        assert BECOMES[becomes](fold(court, before), after), after


def test_the_tables_speak_of_known_states_facts_and_rules_and_of_each_pair_once() -> None:
    table = list(rows())
    named = [(row.court, row.state, fact) for row in table for fact in row.facts]
    assert len(named) == len(set(named))
    assert {(row.court, row.state) for row in table} == {*STATES, (OURS, "any"), (BUYERS, "any")}
    assert {fact for _, _, fact in named} <= {*FACTS, "anything else"}
    assert {row.becomes for row in table} == BECOMES.keys()
    assert all(1 <= int(rule) <= 40 for row in table for rule in row.rules.split(", "))
