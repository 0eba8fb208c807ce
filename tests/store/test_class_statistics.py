"""Counters of classes and verdicts count what was known when it happened: no word of a person lowers one (rule 54)."""

from __future__ import annotations

from inboxwatch.core.model import Direction, LeadId, PersonId, ThreadId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.statistics.figures import Figures
from inboxwatch.core.statistics.teams import TeamLabels, in_teams
from inboxwatch.store import Transaction
from tests.support.class_counters import counters, fallen
from tests.support.stored_clocks import LENGTH, START, stopped, stored_clock
from tests.support.stored_inquiries import MINUTE, RULE, file, inquiry, judge, tell

NOW = START + 10 * LENGTH


def counted(tx: Transaction) -> Figures:
    return tx.statistics.figures(NOW)


def test_inquiries_are_counted_by_what_decided_them_as_they_came(tx: Transaction) -> None:
    inquiry(tx, "a", "vendor", RULE)
    inquiry(tx, "b", "unknown", "audit:link building")
    inquiry(tx, "c", "sales", "lead", held_back="link building")
    inquiry(tx, "d", "sales", "default")
    file(tx, "e", "ours", Direction.OUTBOUND, at=START - LENGTH)
    inquiry(tx, "e", "sales")
    told_before = inquiry(tx, "f", "unknown", "default", started_at=START - LENGTH)
    judge(tx, told_before, "support", minutes=-30)
    again = file(tx, "f", "later")
    tx.clocks.save([stored_clock("later", thread=ThreadId("f"), started_by=again, inquiry_class="support")])
    inquiry(tx, "g", "vendor")
    figures = counted(tx)
    assert {(about, by): count for (_, about, by), count in figures.inquiries.items()} == {
        ("vendor", "rule"): 2,
        ("unknown", "audit"): 1,
        ("sales", "lead"): 1,
        ("sales", "default"): 1,
        ("sales", "reply"): 1,
        ("unknown", "default"): 1,
        ("support", "person"): 1,
    }
    assert figures.rule_inquiries == {"link building": 3}


def test_rule_54_no_verdict_and_no_reversal_lowers_a_counter(tx: Transaction) -> None:
    late = inquiry(tx, "late", "unknown", "default", breached_at=START + LENGTH, breach_class="unknown")
    replied = inquiry(tx, "replied", "sales", "default", stop_class="sales")
    replied = stopped(replied, State.ANSWERED, "answered", 30 * MINUTE)
    filtered = inquiry(tx, "filtered", "vendor", RULE, contradicted=True, state=State.ENDED, stop_reason="filtered")
    tx.clocks.save([replied, filtered])
    tell(tx, late, "unknown", 10)
    waits = (late, replied, filtered)
    before = counted(tx)
    for minutes, (about, by) in enumerate([("support", "tia"), ("sales", "max"), ("vendor", "tia")], 70):
        for row in waits:
            judge(tx, row, about, by, minutes)
        after = counted(tx)
        assert fallen(before, after) == []
        before = after
    # Taken back after one of ours had answered: the wait is found to have been answered.
    end = START + 30 * MINUTE
    answered = filtered._replace(state=State.ANSWERED, reopened="reversed", stop_class="vendor", stopped_at=end)
    tx.clocks.save([answered._replace(contradicted=False, stop_reason="answered", inquiry_class="sales")])
    judge(tx, late, "unknown", "tia", 80, takes_back="default")
    assert fallen(before, counted(tx)) == []
    assert counted(tx).contradicted == {"link building": 1}


def test_verdicts_are_counted_with_what_was_before_and_none_that_takes_back(tx: Transaction) -> None:
    row = inquiry(tx, "a", "unknown", "default")
    judge(tx, row, "support", "tia", 5)
    judge(tx, row, "unknown", "tia", 6, takes_back="default")
    judge(tx, row, "sales", "max", 7)
    tx.clocks.record(
        Action(START + 8 * MINUTE, ActionKind.QUALIFIED, "source:crm", row.id, inquiry_class="sales", tier="hot"), "a"
    )
    judge(tx, row, "vendor", "max", 9)
    assert counted(tx).verdicts == {
        ("tia", "unknown", "support"): 1,
        ("max", "unknown", "sales"): 1,
        ("max", "sales", "vendor"): 1,
    }


def test_clocks_of_verdicts_have_families_of_their_own(tx: Transaction) -> None:
    """A breach is his who had the wait just before it was due, and whoever has it by now."""
    wait = inquiry(tx, "a", "unknown", "default", owner=PersonId("ana"))
    later = Action(START + 3 * LENGTH, ActionKind.ASSIGNED, "max", wait.id, wait.lead, owner=PersonId("ana"))
    tx.clocks.record(later, wait.thread)
    verdict = stored_clock("v", Metric.VERDICT, thread=wait.thread, started_by=wait.started_by, owner=PersonId("ana"))
    tx.clocks.save([verdict._replace(inquiry_class="unknown", breached_at=START + LENGTH)])
    other = inquiry(tx, "b", "unknown", "default")
    given = stored_clock("w", Metric.VERDICT, thread=other.thread, started_by=other.started_by, owner=PersonId("tia"))
    tx.clocks.save([stopped(given._replace(inquiry_class="unknown"), State.ANSWERED, "verdict", 10 * MINUTE)])
    figures = counted(tx)
    assert figures.verdict_open == {("ana", "breached"): 1}
    assert figures.verdict_breaches == {"tia": 1}
    assert {key: (sum(one.counts), one.total) for key, one in figures.verdict_latency.items()} == {
        ("tia", "wall"): (1, 600.0),
        ("tia", "business"): (1, 600.0),
    }
    assert sum(figures.breaches.values()) == 0
    team = in_teams(figures, TeamLabels({"tia": "triage"}, {}))
    assert (team.verdict_breaches, set(team.verdict_open)) == ({"triage": 1}, {("no team", "breached")})


def test_a_step_is_false_by_what_people_said_after_it_and_stays_so(tx: Transaction) -> None:
    sales = inquiry(tx, "a", "sales", "default")
    tell(tx, sales, "sales", 10)
    tell(tx, sales, "sales", 40, step=2)
    judge(tx, sales, "support", minutes=20)
    dismissed = inquiry(tx, "b", "unknown", "default")
    tell(tx, dismissed, "unknown", 10)
    tx.clocks.record(Action(START + LENGTH, ActionKind.DISMISSED, "ana", dismissed.id, reason="spam"), dismissed.thread)
    support = inquiry(tx, "c", "support", "rule:help")
    tell(tx, support, "support", 10)
    judge(tx, support, "order")
    passed = inquiry(tx, "d", "sales", "default")
    tell(tx, passed, "sales", 10, reason="passed")
    judge(tx, passed, "support")
    answered = inquiry(tx, "e", "sales", "default", stop_class="sales")
    tx.clocks.save([stopped(answered, State.ANSWERED, "answered", 5 * MINUTE)])
    tell(tx, answered, "sales", 10, step=3)
    assert counted(tx).false_escalations == {("sales", 1): 2, ("sales", 3): 1}


def test_waits_and_replies_are_counted_by_their_class_then(tx: Transaction) -> None:
    inquiry(tx, "a", "support", "rule:help")
    replied = inquiry(tx, "b", "unknown", "default", stop_class="unknown")
    tx.clocks.save([stopped(replied, State.ANSWERED, "answered", 2 * LENGTH)._replace(inquiry_class="support")])
    figures = counted(tx)
    assert figures.class_open == {("support", "running"): 1}
    assert figures.class_replies == {("unknown", "false"): 1}


def test_without_classes_nothing_is_counted(tx: Transaction) -> None:
    tx.clocks.save([stored_clock("a"), stored_clock("v", Metric.VERDICT)])
    figures = counted(tx)
    assert not any(counters(figures).values())
    assert (figures.verdict_open, figures.class_open, figures.verdict_latency) == ({}, {}, {})


def test_what_reports_hold_is_of_sales_alone_as_known_now(tx: Transaction) -> None:
    """What was left over from before a period, and the inquiries of the table of outcomes."""
    for name, about in (("a", "sales"), ("b", "support"), ("c", "unknown"), ("d", "vendor")):
        inquiry(tx, name, about, "default", lead=LeadId(f"{name}@buyer.test"))
    judge(tx, inquiry(tx, "e", "unknown", "default", lead=LeadId("e@buyer.test")), "sales")
    tx.clocks.save([stored_clock("f", lead=LeadId("f@buyer.test"), thread=ThreadId("f"))])
    later = START + LENGTH
    assert [row.id for row in tx.waits.left_over(later, NOW)] == ["a", "e", "f"], "and what was never asked"
    assert tx.waits.left_over_count(later, NOW) == 3
    assert {row.lead[0] for row in tx.waits.inquiries(START, NOW)} == {"a", "e", "f"}
