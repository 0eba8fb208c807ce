"""The page of weak matches: what speaks for each, confirmed, taken back or split by one click."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch.core.mail.threads import SURE_ENOUGH
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.tables import WEAK
from tests.support.in_process_daemon import InProcessDaemon

ANA, BO = "ana@acme.test", "bo@buyer.test"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def daemon(tmp_path: Path, database: str) -> AsyncIterator[InProcessDaemon]:
    """Bo asked, and a mail of Ana's without a header that says so is taken for the answer."""
    daemon = InProcessDaemon(tmp_path, store=database)
    daemon.lead(BO, owner="ana", name="Bo Lind")
    daemon.mail(BO, ANA, subject="Prices <b>")
    daemon.mail(ANA, BO, subject="Re: Prices <b>", after=MINUTE)
    yield daemon
    daemon.close()


async def press(client: TestClient[Any, Any], page: str, verb: str, by: str = "max") -> str:
    """Presses the button of a page whose address ends so; returns the page that follows."""
    found = re.search(rf'action="(/matches/[^"]*/{verb})"', page)
    key = re.search(r'name="key" value="([^"]*)"', page)
    assert found
    assert key
    answer = await client.post(found[1], data={"by": by, "key": key[1]})
    return str(await answer.text())


async def test_each_is_shown_with_what_speaks_for_it_and_counted_on_every_page(client: TestClient[Any, Any]) -> None:
    page = await (await client.get("/matches")).text()
    assert "Matches to check: 1" in page
    assert "Its subject and the people are the same; no header names it." in page
    assert "Re: Prices &lt;b&gt;" in page
    assert '<span class="count">1<' in await (await client.get("/mailboxes")).text()


async def test_a_confirmation_is_taken_back_and_the_match_split_then(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    confirmed = await press(client, await (await client.get("/matches")).text(), "confirm")
    assert "Matches to check: 0" in confirmed
    undone = await press(client, confirmed, "undo")
    assert "Matches to check: 1" in undone
    split = await press(client, undone, "split")
    assert "Matches to check: 0" in split
    assert daemon.only_wait(BO), "the question waits again"
    with daemon.store.reading() as tx:
        rows = [row for row in tx.audit.page(AuditFilter(), 10) if row.deed.startswith("match.")]
    assert [row.deed for row in rows] == ["match.split", "match.undo", "match.confirm"]
    assert {row.by for row in rows} == {"max"}


async def test_a_split_is_taken_back_on_the_page_where_it_was_done(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    split = await press(client, await (await client.get("/matches")).text(), "split")
    wait = daemon.only_wait(BO)
    undone = await press(client, split, "undo")
    assert "It is to be reviewed again." in undone
    assert "Matches to check: 1" in undone
    told = await (await client.get(f"/waits/{wait}")).text()
    for text in ("answered", "said that a message is another matter", "took back that a message is another matter"):
        assert told.count(text) >= 1, text
    assert told.count("said that a message is another matter") == 1
    with daemon.store.reading() as tx:
        rows = [row.deed for row in tx.audit.page(AuditFilter(), 10) if row.deed.startswith("match.")]
    assert rows == ["match.undo", "match.split"]


async def test_only_what_was_said_is_taken_back(client: TestClient[Any, Any]) -> None:
    body = {"by": "max"}
    weak = (await (await client.get("/api/v1/matches")).json())["items"][0]["message_id"]
    assert (await client.post(f"/api/v1/matches/{weak}/undo", json=body)).status == 409
    assert (await client.post(f"/api/v1/matches/{weak}/confirm", json=body)).status == 200
    assert (await (await client.post(f"/api/v1/matches/{weak}/undo", json=body)).json())["confidence"] < SURE_ENOUGH
    assert (await client.post("/api/v1/matches/none@buyer.test/undo", json=body)).status == 404


def test_the_store_counts_as_weak_what_the_core_does() -> None:
    assert WEAK.endswith(f"< {SURE_ENOUGH}")
