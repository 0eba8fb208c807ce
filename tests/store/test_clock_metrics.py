"""What the store says of replies, of follow-ups and of verdicts, none of which is another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from inboxwatch.core.model import ClockId, Lead, LeadId, PersonId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.store import Transaction
from inboxwatch.store.period_waits import PeriodWaits
from inboxwatch.store.records import ClockRecord, NotifiedRecord
from inboxwatch.store.start_queries import DayBounds
from tests.support.stored_clocks import LENGTH, START, stopped, stored_clock

DAY, NOW = timedelta(days=1), START + 2 * LENGTH
TODAY = DayBounds(START - LENGTH, START + DAY, START + 2 * DAY)


def clocks(metric: Metric) -> list[ClockRecord]:
    """Running and overdue, ended in time and late, each in each way that a clock of this kind may end."""
    name = metric.value
    word = stored_clock(f"{name} judged", metric, answered_by=PersonId("ana"))
    return [
        stored_clock(f"{name} open", metric, due_at=START + 3 * LENGTH),
        stored_clock(f"{name} late", metric, breached_at=START + LENGTH),
        stopped(word, State.ANSWERED, "verdict", LENGTH / 2),
        stopped(word._replace(id=ClockId(f"{name} judged late")), State.ANSWERED, "verdict", 1.5 * LENGTH),
        stopped(stored_clock(f"{name} ended", metric), State.ENDED, "classified", 1.5 * LENGTH),
    ]


def keep(tx: Transaction, found: list[ClockRecord]) -> None:
    tx.clocks.save(found)
    given = [Action(START, ActionKind.ASSIGNED, "routing", row.id, row.lead, owner=row.owner) for row in found]
    tx.clocks.record_all([(one, "t1") for one in given])
    tx.clocks.record_notified([NotifiedRecord(row.id, 1, 1, "ana", NOW, "escalated", "ladder") for row in found])


def said_of_replies(tx: Transaction) -> Iterator[Any]:
    figures = tx.statistics.figures(NOW)
    yield figures.open, figures.oldest, figures.latency, figures.replies
    yield figures.breaches, figures.ownership, figures.held_once, figures.follow_ups
    yield tx.clocks.load("ana")
    yield tx.leads.find("", 9)[0][0].wait
    yield tx.board.waits({}, NOW, limit=99), tx.board.counts({}, NOW), tx.board.closed({}, NOW, limit=99)
    yield tx.board.due_between({}, NOW, NOW + DAY, offset=0, limit=99), tx.board.follow_ups({})
    yield tx.start.carried(None, {TODAY: ["ana"]}, (NOW, NOW + LENGTH, START))
    yield tx.start.on_time(None, [START - DAY], NOW), tx.start.coming(None, START, 99)
    yield tx.start.happened(None, START - DAY, NOW + DAY)
    waits = PeriodWaits(tx.connection)
    yield waits.left_over(NOW, NOW + DAY), waits.left_over_count(NOW, NOW + DAY)


def test_rule_44_what_is_said_of_replies_is_the_same_whatever_waits_to_be_judged(tx: Transaction) -> None:
    """Neither a wait to answer, nor load of whoever has it, nor a latency, nor a breach, nor a follow-up."""
    tx.leads.put([Lead(LeadId("bo@buyer.test"))], START)
    keep(tx, clocks(Metric.FIRST_RESPONSE))
    before = list(said_of_replies(tx))
    assert tx.clocks.load("ana") == 2
    keep(tx, clocks(Metric.VERDICT))
    for one, other in zip(before, said_of_replies(tx), strict=True):
        assert one == other


def test_what_waits_to_be_judged_is_found_by_itself(tx: Transaction) -> None:
    keep(tx, clocks(Metric.FIRST_RESPONSE))
    keep(tx, clocks(Metric.VERDICT))
    found = tx.board.waits({"owner": "ana"}, NOW, metric="verdict", limit=99)
    assert [row.id for row in found] == ["verdict late", "verdict open"]
    assert {row.state for row in tx.board.waits({}, NOW, metric="verdict", overdue=True, limit=99)} == {"running"}
