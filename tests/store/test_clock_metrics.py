"""What the store says of replies, of follow-ups and of verdicts, none of which is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from inboxwatch.core.model import ClockId, Lead, LeadId, PersonId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.store import Transaction
from inboxwatch.store.period_waits import PeriodWaits
from inboxwatch.store.records import ClockRecord, NotifiedRecord
from inboxwatch.store.start_queries import Carried, DayBounds
from tests.support.stored_clocks import LENGTH, START, stopped, stored_clock

DAY, NOW = timedelta(days=1), START + 2 * LENGTH
TODAY = DayBounds(START - LENGTH, START + DAY, START + 2 * DAY)


def clocks(metric: Metric, about: str = "") -> list[ClockRecord]:
    """Running and overdue, ended in time and late, each in each way that a clock of this kind may end."""
    name = f"{metric.value} {about}".strip()
    plain = stored_clock(name, metric, inquiry_class=about, stop_class=about, breach_class=about)

    def named(more: str, **changes: Any) -> ClockRecord:
        return plain._replace(id=ClockId(f"{name} {more}"), **changes)

    return [
        named("open", due_at=START + 3 * LENGTH),
        named("late", breached_at=START + LENGTH),
        stopped(named("judged", answered_by=PersonId("ana")), State.ANSWERED, "verdict", LENGTH / 2),
        stopped(named("judged late", answered_by=PersonId("ana")), State.ANSWERED, "verdict", 1.5 * LENGTH),
        stopped(named("ended"), State.ENDED, "classified", 1.5 * LENGTH),
    ]


def keep(tx: Transaction, found: list[ClockRecord]) -> None:
    """The clocks, each with an assignment that its end or another one has ended, and with a step that was told."""
    tx.clocks.save(found)
    plain = Action(START, ActionKind.ASSIGNED, "routing")
    for row in found:
        given = replace(plain, clock=row.id, lead=row.lead, inquiry_class=row.inquiry_class, tier=row.tier)
        again = replace(given, at=START + LENGTH / 4)
        tx.clocks.record_all([(replace(one, owner=row.owner), "t1") for one in (given, again)])
        told = NotifiedRecord(row.id, 1, 1, "ana", NOW, "escalated", "ladder", inquiry_class=row.inquiry_class)
        tx.clocks.record_notified([told])


def counters(tx: Transaction) -> Iterator[Any]:
    figures = tx.statistics.figures(NOW)
    yield figures.latency, figures.replies, figures.breaches
    yield figures.ownership, figures.held_once, figures.escalations


def carried(tx: Transaction) -> list[Carried]:
    return tx.start.carried(None, {TODAY: ["ana"]}, (NOW, NOW + LENGTH, START))


def said_of_replies(tx: Transaction) -> Iterator[Any]:
    figures = tx.statistics.figures(NOW)
    yield figures.open, figures.oldest, figures.latency, figures.replies
    yield figures.breaches, figures.ownership, figures.held_once, figures.follow_ups
    yield tx.clocks.load("ana")
    yield tx.leads.find("", 9)[0][0].wait
    yield tx.board.waits({}, NOW, limit=99), tx.board.counts({}, NOW), tx.board.closed({}, NOW, limit=99)
    yield tx.board.due_between({}, NOW, NOW + DAY, offset=0, limit=99), tx.board.follow_ups({})
    yield [one._replace(to_judge=0, to_judge_overdue=0) for one in carried(tx)]
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
    assert tx.start.to_judge(["ana"], 99) == found
    assert tx.board.to_judge({"owner": "ana", "state": "warned"}, NOW) == (2, 1)
    assert tx.board.to_judge({"owner": "ben"}, NOW) == (0, 0)
    assert [(one.to_judge, one.to_judge_overdue) for one in carried(tx)] == [(2, 1)]


def test_figures_of_sales_hold_what_is_unknown_yet_and_no_other_class(tx: Transaction) -> None:
    """A first reply of support, or a follow-up of it, is in none: neither while it runs nor once it is over."""
    for about in ("", "sales", "unknown"):
        keep(tx, clocks(Metric.FIRST_RESPONSE, about))
    before = tx.statistics.figures(NOW)
    assert sum(before.open.values()) == 6
    assert sum(before.replies.values()) == 6
    assert sum(before.breaches.values()) == 9
    assert sum(sum(tally.counts) for tally in before.ownership.values()) == 24
    assert sum(before.escalations.values()) == 15
    keep(tx, clocks(Metric.FIRST_RESPONSE, "support") + clocks(Metric.FOLLOW_UP, "support"))
    after = tx.statistics.figures(NOW)
    assert replace(after, class_open=before.class_open, class_replies=before.class_replies, inquiries={}) == replace(
        before, inquiries={}
    )


def test_who_was_filtered_is_no_new_lead_and_whoever_asks_is(tx: Transaction) -> None:
    spam = stopped(stored_clock("spam", lead=LeadId("spam@far.test")), State.ENDED, "filtered", timedelta(0))
    tx.clocks.save([spam, stored_clock("asked"), stored_clock("judged", Metric.VERDICT, lead=LeadId("cy@far.test"))])
    assert tx.start.happened(None, START - DAY, NOW).new_leads == 1


def test_no_counter_falls_whatever_is_said_of_a_wait_afterwards(tx: Transaction) -> None:
    """Breached and answered as unknown, then support: it stays where it was counted."""
    keep(tx, found := clocks(Metric.FIRST_RESPONSE, "unknown"))
    before = list(counters(tx))
    judged = [row._replace(inquiry_class="support", breach_tier=row.tier) for row in found]
    tx.clocks.save([row._replace(tier="") if row.state is State.RUNNING else row for row in judged])
    assert list(counters(tx)) == before
    assert not tx.statistics.figures(NOW).open
