"""Whatever somebody does or tries over HTTP or in Slack leaves a row: who, by which door, with what outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from inboxwatch import config as configuration
from inboxwatch.engine.audit import audit_view
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.actions import ActionRefused, Actor
from inboxwatch.notify.links import Grant, Links
from inboxwatch.store import audit_table
from inboxwatch.store.audit import AuditFilter
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.proxied_daemon import ANA, BEARER, BEN, HEADER, Proxied

Client = TestClient[Any, Any]
MAX = {HEADER: "max"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Client, Proxied]]:
    daemon = Proxied(tmp_path, "[127.0.0.1]", BEARER["Authorization"].removeprefix("Bearer "))
    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client, daemon
    daemon.close()


def rows(daemon: InProcessDaemon) -> list[dict[str, Any]]:
    """The log, oldest first."""
    with daemon.store.reading() as tx:
        return [audit_view(row) for row in tx.audit.page(AuditFilter(), 1000, after=0)]


def told(daemon: InProcessDaemon) -> list[tuple[Any, ...]]:
    return [(one["door"], one["by"], one["deed"], one["outcome"], one["status"]) for one in rows(daemon)]


async def test_a_deed_says_who_did_it_by_which_door(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    clock = f"/api/v1/clocks/{daemon.wait}"
    given = {"by": "max", "owner": "ben", "reason": "Secret words"}
    cli = BEARER | {"User-Agent": "inboxwatch-cli"}
    assert (await client.post(f"{clock}/assign", json=given, headers=BEARER)).status == 200
    assert (await client.post(f"{clock}/snooze", json={"by": "max", "for": "1h"}, headers=cli)).status == 200
    assert (await client.post(f"{clock}/acknowledge", json={}, headers=BEN)).status == 200
    link = Links(daemon.key, "").sign(Grant(daemon.wait, "dismiss", "ben", daemon.at + timedelta(hours=1)))
    assert (await client.post(f"/a/{link}", data={"reason": "spam"})).status == 200
    assert told(daemon) == [
        ("token", "max", "wait.assign", "done", None),
        ("cli", "max", "wait.snooze", "done", None),
        ("proxy", "ben", "wait.acknowledge", "done", None),
        ("link", "ben", "wait.dismiss", "done", None),
    ]
    assert {one["lead"] for one in rows(daemon)} == {"bo@buyer.test"}
    assert rows(daemon)[0]["owner"] == "ben"


async def test_what_is_refused_stays_on_record_and_changes_nothing(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    owner = daemon.owner
    clock = f"/api/v1/clocks/{daemon.wait}"
    assert (await client.post("/-/reload", headers=MAX)).status == 403
    assert (await client.post(f"{clock}/assign", json={"owner": "nobody"}, headers=ANA)).status == 422
    assert (await client.post(f"{clock}/acknowledge", json={"by": "eve<x>"}, headers=BEARER)).status == 422
    assert (await client.delete("/api/v1/leads/no@buyer.test", headers=BEARER)).status == 404
    assert (await client.put("/nothing", headers=BEARER)).status == 404
    assert told(daemon) == [
        ("proxy", "max", "config.reload", "refused", 403),
        ("proxy", "ana", "wait.assign", "refused", 422),
        ("token", None, "wait.acknowledge", "refused", 422),
        ("token", None, "lead.delete", "refused", 404),
        ("token", None, "PUT nothing", "refused", 404),
    ]
    assert daemon.owner == owner


async def test_every_route_that_changes_something_has_a_name_in_the_log(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    routes = client.app.router.routes() if client.app else ()
    for route in routes:
        if route.method in ("GET", "HEAD") or route.resource is None:
            continue
        path = route.resource.canonical.replace("{action}", "confirm" if "message" in str(route.resource) else "assign")
        for name in ("{clock}", "{message}", "{email}", "{id}", "{token}"):
            path = path.replace(name, "7")
        before = len(rows(daemon))
        await client.request(route.method, path, headers=BEARER, allow_redirects=False)
        new = rows(daemon)[before:]
        counted = path in ("/login", "/a/7")
        assert len(new) == (0 if counted else 1), path
        assert all(" " not in one["deed"] for one in new), path


async def test_sign_ins_that_fail_are_counted_and_not_listed(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path, token="sesame-open-please")
    async with TestClient(TestServer(make_app(daemon))) as client:
        for _ in range(2):
            assert (await client.post("/-/reload", headers={"Authorization": "Bearer wrong"})).status == 401
        assert (await client.post("/login", data={"token": "wrong"})).status == 403
        assert (await client.post("/login", data={"token": "sesame-open-please"}, allow_redirects=False)).status == 303
        assert told(daemon) == [("board", None, "sign_in", "done", None)]
    counted = {(one["door"], one["outcome"]): one["times"] for one in rows(daemon)}
    assert counted == {("board", "done"): 1, ("token", "refused"): 2, ("board", "refused"): 1}
    daemon.close()


async def test_presses_in_slack_are_noted_and_those_of_strangers_too(house: tuple[Client, Proxied]) -> None:
    _, daemon = house
    slack = NoticeActions(daemon)
    await slack.snooze(daemon.wait, Actor("slack", email="ana@acme.test"), timedelta(hours=1), "at lunch")
    with pytest.raises(ActionRefused):
        await slack.dismiss(daemon.wait, Actor("slack", email="eve@else.test"))
    assert told(daemon) == [
        ("slack", "ana", "wait.snooze", "done", None),
        ("slack", None, "wait.dismiss", "refused", None),
    ]


async def test_a_deed_that_is_rolled_back_leaves_no_row_of_its_doing(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    wait = daemon.wait
    await client.post(f"/api/v1/clocks/{wait}/dismiss", json={"by": "ana", "reason": "spam"}, headers=BEARER)
    again = await client.post(f"/api/v1/clocks/{wait}/dismiss", json={"by": "ana", "reason": "spam"}, headers=BEARER)
    assert again.status == 409
    assert [one[3:] for one in told(daemon)] == [("done", None), ("refused", 409)]


async def test_the_log_holds_no_word_address_or_secret(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    clock = f"/api/v1/clocks/{daemon.wait}"
    await client.post(f"{clock}/snooze", json={"by": "ana", "for": "1h", "reason": "Sunflower"}, headers=BEARER)
    await client.put("/api/v1/leads/cy@buyer.test", json={"name": "Cy", "owner": "ana"}, headers=BEARER)
    call = {"lead": "bo@buyer.test", "type": "call", "at": "2026-05-04T08:00:00Z", "by": "ana", "note": "Sunflower"}
    assert (await client.post("/api/v1/activities", json=call, headers=BEARER)).status == 200
    with daemon.store.reading() as tx:
        kept = str([tuple(row) for row in tx.connection.execute(select(audit_table.audit))])
    assert [one["deed"] for one in rows(daemon)] == ["wait.snooze", "lead.put", "activity.log"]
    for word in ("buyer.test", "Sunflower", "An offer", "Cy", BEARER["Authorization"].removeprefix("Bearer ")):
        assert word not in kept


async def pages(client: Client, query: str, headers: dict[str, str]) -> list[int]:
    """The ids of all rows, page by page."""
    found: list[int] = []
    token = ""
    while True:
        answer = await client.get(f"/api/v1/audit?{query}{token}", headers=headers)
        assert answer.status == 200, await answer.text()
        body = await answer.json()
        found += [one["id"] for one in body["items"]]
        if body["next"] is None:
            return found
        token = f"&next={body['next']}"


async def test_managers_read_it_by_time_person_and_lead_in_pages(house: tuple[Client, Proxied]) -> None:
    client, daemon = house
    clock = f"/api/v1/clocks/{daemon.wait}"
    for by in ("ana", "ben", "ana", "max", "ana"):
        await client.post(f"{clock}/snooze", json={"by": by, "for": "1h"}, headers=BEARER)
        daemon.at += timedelta(minutes=1)
    await client.put("/api/v1/leads/cy@buyer.test", json={"owner": "ana"}, headers=BEARER)
    assert await pages(client, "limit=2", BEN) == [6, 5, 4, 3, 2, 1]
    assert await pages(client, "limit=2&by=ana", MAX) == [5, 3, 1]
    assert await pages(client, "lead=Cy@buyer.test", BEN) == [6]
    assert await pages(client, "lead=bo@buyer.test&since=2026-05-04T09:01:00Z&until=2026-05-04T09:03:00Z", BEN) == [
        3,
        2,
    ]
    assert (await client.get("/api/v1/audit?since=yesterday", headers=BEN)).status == 422
    assert (await client.get("/api/v1/audit?door=cli", headers=BEN)).status == 422


async def test_a_rep_may_not_read_it_nor_all_that_people_did(tmp_path: Path) -> None:
    daemon = Proxied(tmp_path, "[127.0.0.1]", "sesame-open-please")
    text = daemon.path.read_text(encoding="utf-8").replace("admins: [ana, ben]", "admins: [ben]")
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    async with TestClient(TestServer(make_app(daemon))) as client:
        for path in ("/api/v1/audit", "/api/v1/deeds"):
            assert (await client.get(path, headers=ANA)).status == 403
            assert (await client.get(path, headers=BEN)).status == 200
    daemon.close()
