"""How well inquiries are qualified, over real HTTP: from the rows of the store to the figures."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch.config.config import ReportMailConfig
from inboxwatch.core.calendar_period import CalendarPeriod, Every
from inboxwatch.core.model import Direction, ShownFigures
from inboxwatch.core.ownership.routing import RoutingRule, ToTeam
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.engine.report.mailed import pages_of, story_of
from inboxwatch.engine.report.schedule import ReportOrder
from inboxwatch.engine.report.summary import summary
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.stored_clocks import LENGTH, START, stopped, stored_clock
from tests.support.stored_inquiries import MINUTE, RULE, file, inquiry, judge, tell

Client = TestClient[Any, Any]
AUDIT = "audit:link building"
ARMED = {"sales": True, "unknown": True, "support": True, "vendor": False}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.at = START + timedelta(days=40)
    to_triage = RoutingRule(ToTeam("emea"), {"class": frozenset({"unknown"})})
    daemon.config = replace(daemon.config, qualification=Qualification(ARMED), rules=(to_triage, *daemon.config.rules))
    yield daemon
    daemon.close()


async def told(client: Client, **asked: str) -> Any:
    async with client.get("/api/v1/qualification", params={"since": "2026-05-01T00:00:00Z"} | asked) as answer:
        return await answer.json(content_type=None) if answer.status == 200 else answer.status


def filtered(tx: Transaction, name: str, **changes: Any) -> ClockRecord:
    row = inquiry(tx, name, "vendor", RULE, class_by=RULE)
    over = stopped(row._replace(owner=None), State.ENDED, "filtered", timedelta(0), **changes)
    tx.clocks.save([over])
    return over


def answered(tx: Transaction, row: ClockRecord, minutes: float) -> None:
    tx.clocks.save([stopped(row, State.ANSWERED, "answered", minutes * MINUTE)])


async def test_what_is_filtered_is_measured_by_the_audit_and_by_what_contradicts_it(
    client: Client, daemon: InProcessDaemon
) -> None:
    with daemon.store.transaction() as tx:
        for number in range(20):
            filtered(tx, f"f{number}", contradicted=number < 3)
        file(tx, "f0", "our answer", Direction.OUTBOUND, at=START + timedelta(days=30))
        file(tx, "f1", "our late answer", Direction.OUTBOUND, at=START + timedelta(days=31))
        for number in range(12):
            judge(tx, inquiry(tx, f"a{number}", "unknown", AUDIT), "support" if number < 3 else "vendor")
        inquiry(tx, "open", "unknown", AUDIT)
        for number in range(10):
            answered(
                tx, inquiry(tx, f"s{number}", "sales", "lead", held_back="" if number else "link building"), number
            )
    found = await told(client)
    (rule,) = found["rules"]
    assert {name: rule[name] for name in ("rule", "inquiries", "filtered", "audited", "held_back", "corrected")} == {
        "rule": "link building", "inquiries": 34, "filtered": 20, "audited": 13, "held_back": 1, "corrected": 0,
    }  # fmt: skip
    assert (rule["judged"], rule["right"], rule["precision"]) == (12, 9, 0.75)
    # The third was contradicted by a list that named the sender: that counts, whenever it was.
    assert (rule["contradicted"]["x"], rule["contradicted"]["n"], found["contradicted"]["x"]) == (2, 20, 2)
    assert (found["inquiries"], found["filtered"]["x"], found["filtered"]["n"]) == (43, 20, 43)
    kept = found["sales_kept"]
    assert (kept["sales"], kept["filtered"], kept["share"], kept["lost_at_most"]) == (10, 20, 10 / 15, 10)
    assert [found["answered_within"]["wall"][name]["share"] for name in ("5m", "15m")] == pytest.approx([0.6, 1.0])
    assert found["shadow"]["armed"] == ["vendor"]


async def test_verdicts_are_measured_with_those_that_are_awaited(client: Client, daemon: InProcessDaemon) -> None:
    with daemon.store.transaction() as tx:
        for number in range(12):
            wait = inquiry(tx, f"w{number}", "unknown", "default", owner="ana")
            verdict = stored_clock(
                f"v{number}", Metric.VERDICT, thread=wait.thread, started_by=wait.started_by, owner="ben"
            )
            tx.clocks.save([verdict])
            if number < 10:
                judge(tx, wait, "sales", by="ben", minutes=number + 1)
                tx.clocks.save([stopped(verdict, State.ANSWERED, "verdict", (number + 1) * MINUTE)])
            if number < 2:
                tell(tx, wait, "sales", 90)
            if number < 1:
                judge(tx, wait, "support", by="dora", minutes=120)
    found = await told(client)
    times = found["time_to_verdict"]
    assert (times["n"], times["judged"], times["in_target"]["x"], times["in_target"]["n"]) == (12, 10, 10, 12)
    assert times["wall_seconds"] == {"median": 360.0, "p90": None}
    assert list(times["triagers"]) == ["ben"]
    assert (found["reversals"]["x"], found["reversals"]["n"]) == (1, 11)
    assert {who: (one["x"], one["n"]) for who, one in found["reversals"]["triagers"].items()} == {
        "ben": (1, 10),
        "dora": (0, 1),
    }
    # Tia, whose they were, is none of the triage.
    assert (found["unqualified_later"]["x"], found["unqualified_later"]["n"]) == (1, 10)
    assert found["escalations"]["false"] == {"answered_before": 0, "dismissed": 0, "not_sales": 1}
    assert found["triaged"]["triaged"]["n"] == 9
    assert "not assigned by chance" in found["triaged"]["note"]
    daemon.config = replace(daemon.config, figures=ShownFigures.TEAMS)
    assert set((await told(client))["reversals"]["triagers"]) == {"emea", "no team"}


async def test_in_shadow_it_says_what_would_be_filtered_and_how_much_of_it_was_answered(
    client: Client, daemon: InProcessDaemon
) -> None:
    daemon.config = replace(daemon.config, qualification=Qualification(ARMED | {"vendor": True}))
    with daemon.store.transaction() as tx:
        for number in range(12):
            row = inquiry(tx, f"v{number}", "vendor", RULE, class_by=RULE)
            if number < 3:
                answered(tx, row, 5)
    found = await told(client)
    assert found["shadow"]["armed"] == []
    assert {name: (one["x"], one["n"]) for name, one in found["shadow"]["classes"].items()} == {"vendor": (3, 12)}
    assert found["shadow"]["rules"]["link building"]["share"] == 0.25
    assert found["filtered"]["x"] == 0


async def test_what_was_overdue_before_it_was_known_to_be_support_is_listed(
    client: Client, daemon: InProcessDaemon
) -> None:
    with daemon.store.transaction() as tx:
        row = inquiry(tx, "late", "unknown", "default", breached_at=START + LENGTH, breach_class="unknown")
        judge(tx, row, "support", minutes=65)
        inquiry(tx, "help", "support", "rule:help", breached_at=START + LENGTH, breach_class="support")
    found = await told(client)
    assert found["overdue_before_known"] == [
        {"id": "late", "class": "support", "was": "unknown", "breached_at": "2026-05-04T13:00:00Z"}
    ]


@pytest.mark.parametrize(
    "asked", [{"since": "soon"}, {"since": "2027-01-01T00:00:00Z"}, {"class": "sales"}, {"team": "none"}]
)
async def test_what_cannot_be_asked_is_refused(client: Client, asked: dict[str, str]) -> None:
    assert await told(client, **asked) == 422


async def test_without_classes_there_is_nothing_to_ask(client: Client, daemon: InProcessDaemon) -> None:
    daemon.config = replace(daemon.config, qualification=None)
    assert await told(client) == 404


async def shown(client: Client, lang: str = "en") -> str:
    """The words of the report on the board."""
    async with client.get("/report", params={"period": "2026-05", "lang": lang}) as answer:
        assert answer.status == 200
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", await answer.text())).split())


async def test_a_report_holds_sales_alone_and_tells_what_moved_and_what_was_overdue_before(
    client: Client, daemon: InProcessDaemon
) -> None:
    with daemon.store.transaction() as tx:
        for number in range(12):
            answered(tx, inquiry(tx, f"s{number}", "sales", "lead"), 4)
        inquiry(tx, "new", "unknown", "default")
        filtered(tx, "spam")
        row = inquiry(tx, "late", "unknown", "default", breached_at=START + LENGTH, breach_class="unknown")
        judge(tx, row, "support", minutes=65)
        moved = inquiry(tx, "moved", "sales", "default")
        answered(tx, moved, 30)
        judge(tx, moved._replace(state=State.ANSWERED, stopped_at=START + 30 * MINUTE), "support", minutes=40)
    page = await shown(client)
    assert "first replies on time 12 of 12" in page
    assert "In the period: sales 12, support 2, unknown 1, vendor 1." in page
    assert "A later verdict has moved 1 inquiry into the figures of sales or out of them." in page
    assert re.search(r"Overdue before it was known .* bo@buyer.test support then: unknown tia Mon 4 May 13:00", page)
    assert "Filtered 6% 1 of 16" in page
    mail = ReportMailConfig("all", Every.MONTH, 0, 0, ZoneInfo("UTC"), "", ())
    order = ReportOrder(mail, CalendarPeriod.parse("2026-05", daemon.at.date()), daemon.at, missed=False)
    with daemon.store.reading() as tx:
        story = story_of(tx, daemon.config, order, daemon.at)
    pages = pages_of(story, order, "", daemon.at)
    for text in (pages.text, pages.html):
        assert "sales 12, support 2, unknown 1, vendor 1" in text
        assert "Filtered: 1 of 16" in text
    assert json.loads(summary(story))["qualification"]["moved"] == 1
    assert "wurde nicht zufällig bestimmt" in await shown(client, "de")
    assert "no se asignó al azar" in await shown(client, "es")
    daemon.config = replace(daemon.config, qualification=None)
    assert "How inquiries were qualified" not in await shown(client)
