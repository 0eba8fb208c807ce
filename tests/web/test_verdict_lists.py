"""What waits to be judged on the pages: counted and listed apart from replies, and nowhere while there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.store import Transaction
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)


@pytest.fixture
def daemon(tmp_path: Path) -> InProcessDaemon:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind")
    daemon.mail("bo@buyer.test", "ana@acme.test", subject="Hello")
    return daemon


@pytest.fixture
async def client(daemon: InProcessDaemon) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client
    daemon.close()


def await_verdict(tx: Transaction) -> str:
    """The verdict that Bo's wait awaits by ten, an hour before its answer is due."""
    (row,) = tx.clocks.listed({}, None, 9)
    verdict = clock_id(row.started_by, Metric.VERDICT)
    due = row.started_at + HOUR
    tx.clocks.save([row._replace(id=verdict, metric=Metric.VERDICT, due_at=due, breached_at=due, next_step=None)])
    return verdict


async def page(client: TestClient[Any, Any], path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200
    return " ".join((await answer.text()).split())


async def test_pages_say_what_is_to_be_judged_above_what_is_to_be_answered(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    for path in ("/", "/waits"):
        assert "judge" not in (await page(client, path)).lower()
    verdict = daemon.engine.write(await_verdict)
    daemon.at += 1.5 * HOUR
    waits = await page(client, "/waits")
    assert "<b>1</b> to be judged, 1 overdue" in waits
    assert "<b>1</b> waiting" in waits
    assert waits.index("<h2>To be judged</h2>") < waits.index("<h2>Due next</h2>")
    alone = await page(client, "/waits?state=judge")
    assert alone.count('class="row"') == 1
    assert f'href="/waits/{verdict}"' in alone
    assert "No further reminders. Judge it, or give it to somebody who can." in alone
    start = await page(client, "/")
    assert "<b>1</b> to be judged" in start
    assert start.index("<h2>To be judged</h2>") < start.index("<h2>Save these now</h2>")
    assert start.count(f'href="/waits/{verdict}"') == 1
    own = await page(client, f"/waits/{verdict}")
    assert "Verdict" in own
    assert '<span class="state breached">overdue</span>' in own
