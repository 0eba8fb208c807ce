"""What the daemon counts, tells and lists while an inquiry waits to be judged, and after people have judged it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.core.statistics.figures import Figures, Holding
from inboxwatch.engine.explanation import explain
from inboxwatch.notify import ChannelSettings, NoticeType, Receipt
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.notify.render import Renderer
from inboxwatch.web.history import history
from tests.support.facts import at
from tests.support.qualified_desk import QualifiedDesk
from tests.support.qualified_house import ANA, BO, House

HELD = Holding("info", "tia", "")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[QualifiedDesk]:
    """A stranger writes at 9:05: to be judged by 9:20, to be answered by 11:05."""
    house = House(tmp_path)
    house.letter("q@x", "9:05")
    house.letter("a@x", "11:30", sender=ANA, to=BO, answers="q@x", subject="Re: Question")
    desk = QualifiedDesk(house)
    desk.now = at("9:06")
    desk.read("q@x")
    yield desk
    desk.close()


def figures(desk: QualifiedDesk) -> Figures:
    with desk.store.reading() as tx:
        return tx.statistics.figures(desk.now)


def counters(desk: QualifiedDesk) -> dict[str, Any]:
    """What may never fall."""
    names = ("latency", "replies", "breaches", "ownership", "escalations", "held_once")
    return {name: value for name, value in asdict(figures(desk)).items() if name in names}


def headlines(desk: QualifiedDesk) -> list[tuple[str, str]]:
    """(reader, first line) of what leaves now."""
    told = []
    while rows := desk.engine.claim("desk", desk.now):
        if (composed := desk.engine.render(rows, desk.now)) is not None:
            line = Renderer(ChannelSettings().zone).line("headline.txt", composed.notice, None)
            told.append((composed.rows[0].target, line))
            desk.engine.sent(composed.rows, Receipt(), desk.now)
    return told


def test_rule_44_a_verdict_that_is_late_is_no_breach_no_load_and_one_wait(desk: QualifiedDesk) -> None:
    desk.passes("10:00")
    assert desk.clock("verdict").breached_at == at("9:20")
    now = figures(desk)
    assert list(now.open.values()) == [1]
    assert (now.breaches, now.latency, now.ownerless) == ({}, {}, 0)
    with desk.store.reading() as tx:
        assert tx.clocks.load("tia") == 1
    assert headlines(desk) == [
        ("tia", "To be judged: bo@buyer.test wrote 55 min ago, overdue by 40 min, owner Tia Dorn"),
    ]


def test_no_counter_falls_when_people_say_afterwards_what_it_was_about(desk: QualifiedDesk) -> None:
    """Breached as unknown at 11:05, sales and hot at 11:10, answered at 11:30, support at 11:40."""
    desk.passes("11:08")
    known = counters(desk)
    assert list(known["breaches"].values()) == [1]
    for when, gives, tier in (("11:10", "support", ""), ("11:12", "sales", "hot")):
        desk.passes(when)
        before = counters(desk)
        desk.judge(gives, "q@x", tier=tier)
        after = counters(desk)
        assert after["breaches"] == before["breaches"] == known["breaches"], "tia's, of no tier"
        assert after["escalations"].items() >= known["escalations"].items()
        assert all(after["ownership"][key]["total"] >= one["total"] for key, one in before["ownership"].items())
    desk.passes("11:31")
    desk.read("a@x")
    answered = counters(desk)
    assert [(reply.owner, reply.tier) for reply in figures(desk).replies] == [("ana", "hot")]
    desk.passes("11:40")
    desk.judge("support", "q@x")
    assert counters(desk) == answered
    assert desk.clock().inquiry_class == "support"


def test_rule_54_neither_a_verdict_that_filters_nor_its_reversal_lowers_who_held_waits_how_long(
    desk: QualifiedDesk,
) -> None:
    desk.engine.assign(desk.clock().id, "tia", desk.now, owner="cas")
    said = ("9:30", "vendor"), ("9:31", "sales"), ("9:45", "recruiting"), ("9:46", "vendor"), ("9:50", "sales")
    for when, gives in said:
        desk.passes(when)
        before = figures(desk).ownership
        desk.judge(gives, "q@x")
        after = figures(desk).ownership
        fell = [key for key, one in before.items() if key not in after or sum(after[key].counts) < sum(one.counts)]
        assert not fell, (when, gives)
    assert {key: sum(one.counts) for key, one in figures(desk).ownership.items()} == {("tia", ""): 1}
    assert desk.clock().owner == "cas", "by hand, and not yet to its end"


def test_what_is_known_for_support_at_once_is_in_no_figure_of_sales(desk: QualifiedDesk) -> None:
    desk.house.letter("s@x", "9:07", "I cannot log in", sender="cy@far.test")
    desk.house.letter("n@x", "9:08", "Backlinks?", sender="di@far.test")
    desk.now = at("9:10")
    before = figures(desk)
    desk.read("s@x", "n@x")
    desk.passes("9:15")
    now = figures(desk)
    assert (now.open, now.held_once) == (before.open, before.held_once) == ({(HELD, "running"): 1}, {HELD})
    with desk.store.reading() as tx:
        assert [row.lead for row in tx.board.waits({}, desk.now, limit=9)] == [BO, "cy@far.test"], "lists show both"


def test_who_was_told_hears_that_it_was_judged_and_the_seller_of_a_reply(desk: QualifiedDesk) -> None:
    desk.passes("9:20")
    assert [reader for reader, _ in headlines(desk)] == ["tia"]
    desk.passes("9:30")
    desk.judge("sales", "q@x", tier="hot")
    desk.passes("9:38")
    told = headlines(desk)
    assert ("tia", "Judged: bo@buyer.test, judged after 25 min by Tia Dorn") in told
    assert ("ana", "bo@buyer.test has waited 33 min for Ana Diaz: due in 7 min") in told
    desk.passes("9:46")
    with desk.store.reading() as tx:
        steps = tx.deliveries.for_clocks([row.id for row in desk.clocks()])
    keys = [one.key.split("/", 1)[1] for one in steps if one.type is NoticeType.ESCALATION]
    assert keys == ["1/1/tia", "era1/1/1/ana", "era1/2/1/ana"]


def test_a_verdicts_story_ends_with_it_and_its_owner_is_who_had_the_wait_before(desk: QualifiedDesk) -> None:
    desk.passes("9:15")
    desk.judge("support", "q@x")
    desk.passes("9:20")
    with desk.store.reading() as tx:
        told = explain(tx, desk.engine.rules, desk.clock("verdict").id, desk.now)
        owners = [one.owner for one in history(tx, desk.clock("verdict").id).ownership]
    assert told is not None
    lines = "\n".join(explanation_lines(told))
    assert "Owner: tia by routing: rule 1" in lines
    assert "owner cas" not in lines
    assert (owners, desk.clock().owner) == (["tia"], "cas")


def test_a_dismissal_by_whoever_was_told_of_the_verdict_ends_wait_and_verdict(desk: QualifiedDesk) -> None:
    desk.passes("9:21")
    verdict = desk.clock("verdict")
    desk.engine.acknowledge(verdict.id, "tia", desk.now)
    assert desk.clock().acknowledged_until == desk.clock("verdict").acknowledged_until is not None
    desk.engine.dismiss(verdict.id, "tia", desk.now)
    assert (desk.clock().state, desk.clock("verdict").state) == ("dismissed", "ended")
