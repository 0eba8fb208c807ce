"""Every page and list is served from either store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon


async def test_every_page_and_list_is_served_from_either_store(tmp_path: Path, database: str) -> None:
    daemon = InProcessDaemon(tmp_path, follow_up="16bh", store=database)
    daemon.lead("bo@buyer.test", owner="ana", tier="hot", name="Bo Buyer")
    daemon.lead("cy@other.test", owner="ben")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    over = daemon.only_wait("bo@buyer.test")
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=timedelta(hours=3))
    daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    news = daemon.mail("bo@buyer.test", "ana@acme.test", subject="Our news", extra="List-Id: <news.buyer.test>")
    daemon.engine.say_human(news, "max", daemon.at, sender=True)
    daemon.engine.unsay_human(news, "max", daemon.at, sender=True)
    daemon.engine.unsay_human(news, "max", daemon.at)
    daemon.engine.say_human(asked, "max", daemon.at)
    daemon.passes(timedelta(hours=1))
    clock = daemon.only_wait("cy@other.test")
    daemon.engine.snooze(clock, "ben", daemon.at, until=daemon.at + timedelta(hours=1))
    shown = {
        "/waits": "cy@other.test",
        "/waits?owner=ben&team=emea&state=snoozed&mailbox=sales&lead=cy@other.test": "cy@other.test",
        "/waits?state=overdue": "Nothing matches these filters.",
        "/waits?state=closed&page=1": "Bo Buyer",
        "/follow-ups": "Bo Buyer",
        f"/waits/{clock}": "snoozed",
        f"/waits/{over}": "answered",
        "/leads/bo@buyer.test": "Waits before",
        "/leads?q=BO+buyer": "1 lead matches",
        "/mailboxes": "sales@acme.test",
        "/review?kind=bulk&mailbox=ana": "Our news",
        "/api/v1/kinds?kind=bulk&mailbox=ana&since=2020-01-01T00:00:00Z": "list-id",
        "/api/v1/kinds/said": "max",
        "/metrics": 'state="snoozed"} 1',
        "/api/v1/clocks?state=closed&owner=ana&tier=hot&lead=bo@buyer.test": over,
        f"/api/v1/clocks/{clock}": clock,
        f"/api/v1/clocks/{clock}/history": "snoozed",
        "/api/v1/leads": "Bo Buyer",
        "/api/v1/leads/cy@other.test": clock,
        "/api/v1/mailboxes": "sales@acme.test",
        "/api/v1/dead-letters": "[]",
    }
    async with TestClient(TestServer(make_app(daemon))) as client:
        for path, text in shown.items():
            answer = await client.get(path, headers={"Accept": "text/html"})
            assert answer.status == 200, path
            assert text in await answer.text(), path
        put = await client.put("/api/v1/leads/di@third.test", json={"owner": "ana"})
        assert put.status == 200
    with daemon.store.reading() as tx:
        before = tx.board.pulse()
    daemon.mail("di@third.test", "ana@acme.test")
    with daemon.store.reading() as tx:
        assert tx.board.pulse() != before
    daemon.close()
