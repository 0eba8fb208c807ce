"""Leads pushed in bulk, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch.config.config import LeadsConfig
from inboxwatch.settings import Settings
from inboxwatch.store.audit import AuditFilter
from tests.support.in_process_daemon import InProcessDaemon

Client = TestClient[Any, Any]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer")
    yield daemon
    daemon.close()


async def push(client: Client, **body: Any) -> Any:
    async with client.post("/api/v1/leads", json=body) as answer:
        return await answer.json(content_type=None) if answer.status == 200 else answer.status


async def lead(client: Client, email: str) -> Any:
    async with client.get(f"/api/v1/leads/{email}") as answer:
        return await answer.json() if answer.status == 200 else answer.status


def done(put: int = 0, deleted: int = 0) -> dict[str, Any]:
    return {"put": put, "deleted": deleted, "refused": [], "unowned": []}


async def test_leads_are_put_and_dropped_in_bulk_and_the_same_push_again_changes_nothing(
    client: Client, daemon: InProcessDaemon
) -> None:
    di = {"email": "Di@third.test", "owner": "Ben@acme.test", "tier": "warm", "class": "sales", "aliases": ["d@t.test"]}
    body = {"put": [di, {"email": "ed@fourth.test", "opportunity_at": "2026-05-01", "closed_at": "2026-05-02T09:00Z"}]}
    assert await push(client, **body) == done(put=2)
    found = await lead(client, "d@t.test")
    assert (found["email"], found["source"], found["owner"], found["attributes"]) == (
        "di@third.test",
        "api",
        "ben",
        {"class": "sales"},
    )
    with daemon.store.reading() as tx:
        before = tx.leads.all()
    assert await push(client, **body) == done(put=2)
    with daemon.store.reading() as tx:
        assert tx.leads.all() == before
    assert await push(client, delete=["ED@fourth.test", "nobody@known.test"]) == done(deleted=1)
    assert await push(client, delete=["ed@fourth.test"]) == done()
    assert await lead(client, "ed@fourth.test") == 404


async def test_what_cannot_be_used_is_refused_by_its_place_and_holds_back_nothing_else(client: Client) -> None:
    body = {
        "put": [
            {"email": "no address"},
            {"email": "di@third.test"},
            {"name": "nobody"},
            "di@third.test",
            {"email": "ann@acme.test"},
            {"email": "bo@buyer.test", "status": "gone"},
            {"email": "DI@third.test", "tier": "hot"},
            {"email": "ed@fourth.test", "status": "maybe"},
            {"email": "ed@fourth.test", "opportunity_at": "soon"},
            {"email": "fay@fifth.test", "owner": "00G5e000001 Queue"},
        ],
        "delete": ["bo@buyer.test", 7, "di@third.test"],
    }
    answer = await push(client, **body)
    assert (answer["put"], answer["deleted"]) == (2, 0)
    refused = [(one["list"], one["index"], one["problem"].partition(":")[0]) for one in answer["refused"]]
    assert [one[:2] for one in refused] == [
        *(("put", index) for index in (0, 2, 3, 4, 5, 6, 7, 8)),
        *(("delete", index) for index in (0, 1, 2)),
    ]
    assert "'known'" in answer["refused"][8]["problem"]
    assert answer["refused"][5]["problem"] == "has the address of item 1"
    assert "'soon' is no date" in answer["refused"][7]["problem"]
    assert answer["unowned"] == [{"index": 9, "owner": "00G5e000001 Queue"}]
    assert (await lead(client, "bo@buyer.test"))["owner"] == "ana"
    assert (await lead(client, "fay@fifth.test"))["owner"] is None


async def test_what_is_pushed_of_another_sources_lead_fills_what_that_leaves_empty(
    client: Client, daemon: InProcessDaemon
) -> None:
    listed = {"known": LeadsConfig("known", "csv", object, Settings())}
    daemon.config = replace(daemon.config, leads=listed)
    assert await push(client, put=[{"email": "bo@buyer.test", "name": "Bob", "owner": "ben", "score": "80"}]) == done(1)
    found = await lead(client, "bo@buyer.test")
    assert (found["source"], found["name"], found["owner"], found["attributes"]) == (
        "known",
        "Bo Buyer",
        "ana",
        {"score": "80"},
    )
    assert await push(client, delete=["bo@buyer.test"]) == done(deleted=1)
    assert (await lead(client, "bo@buyer.test"))["attributes"] == {}


async def test_a_push_is_bounded(client: Client) -> None:
    many = [{"email": f"p{number}@third.test", "note": "x" * 1500} for number in range(1000)]
    assert await push(client, put=many) == done(put=1000)
    assert await push(client, put=many[:600], delete=[f"q{number}@third.test" for number in range(401)]) == 422
    assert await push(client, put=[one | {"note": "x" * 3000} for one in many]) == 413
    assert await push(client, put={"email": "di@third.test"}) == 422
    assert await push(client, put=[], by="ana") == 422


async def test_a_pushed_lead_that_is_won_ends_the_wait(client: Client, daemon: InProcessDaemon) -> None:
    assert await push(client, put=[{"email": "di@third.test"}]) == done(put=1)
    daemon.mail("di@third.test", "ana@acme.test")
    wait = daemon.only_wait("di@third.test")
    assert await push(client, put=[{"email": "di@third.test", "status": "won"}]) == done(put=1)
    with daemon.store.reading() as tx:
        assert (over := tx.clocks.get(wait)) is not None
        assert over.stop_reason == "lead_closed"


async def test_who_is_dropped_keeps_mail_and_waits(client: Client, daemon: InProcessDaemon) -> None:
    await push(client, put=[{"email": "di@third.test"}])
    daemon.mail("di@third.test", "ana@acme.test")
    assert await push(client, delete=["di@third.test"]) == done(deleted=1)
    assert daemon.only_wait("di@third.test")


async def test_who_was_forgotten_does_not_come_back_by_a_push(client: Client, daemon: InProcessDaemon) -> None:
    await push(client, put=[{"email": "di@third.test"}])
    async with client.post("/api/v1/leads/di@third.test/forget", json={"by": "max"}) as answer:
        assert answer.status == 200
    answer = await push(client, put=[{"email": "di@third.test"}, {"email": "ed@fourth.test"}])
    assert (answer["put"], [one["index"] for one in answer["refused"]]) == (1, [0])
    assert "forgotten" in answer["refused"][0]["problem"]
    assert await lead(client, "di@third.test") == 404
    daemon.mail("di@third.test", "sales@acme.test", mailbox="sales", after=timedelta(hours=1))
    assert (await push(client, put=[{"email": "di@third.test", "tier": "hot"}])) == done(put=1)


async def test_a_push_leaves_a_row_and_one_for_each_lead_that_it_drops(client: Client, daemon: InProcessDaemon) -> None:
    leads = [{"email": f"p{number}@third.test"} for number in range(3)]
    await push(client, put=leads)
    await push(client, put=[leads[0] | {"tier": "hot"}, *leads[1:]], delete=["p9@third.test"])
    await push(client, delete=["p1@third.test"])
    with daemon.store.reading() as tx:
        rows = tx.audit.page(AuditFilter(), 9)
        dropped = tx.mail.key("p1@third.test")
    told = [(row.deed, row.times, row.lead) for row in reversed(rows)]
    assert told == [
        ("lead.push", 3, None),
        ("lead.push", 1, None),
        ("lead.drop", 1, dropped),
        ("lead.push", 1, None),
    ]
