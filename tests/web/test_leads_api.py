"""Leads and what was done for them, asked and told over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.support.api_requests import get, send
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana", tier="hot", name="Bo Buyer", company="Buyer Ltd")
    yield daemon
    daemon.close()


async def test_a_lead_answers_the_three_questions(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    status, lead = await get(client, "/api/v1/leads/bo@buyer.test")
    assert (status, lead["owner_now"], lead["open"], lead["next_step"]) == (200, "ana", [], None)
    assert lead["sla"]["first_response"] == "2h"
    assert [step["at"] for step in lead["sla"]["steps"]] == ["50%", "100%", "100% + 30m"]
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(3 * HOUR)
    status, lead = await get(client, "/api/v1/leads/BO@buyer.test")
    assert (status, lead["owner_now"], len(lead["open"])) == (200, "max", 1)
    assert (await get(client, "/api/v1/leads/nobody@buyer.test"))[0] == 404


async def test_a_lead_is_pushed_changed_and_forgotten(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    path = "/api/v1/leads/Di@third.test"
    body = {"name": "Di", "company": "Third", "owner": "ben", "tier": "warm", "region": "north"}
    status, lead = await send(client, "PUT", path, body)
    assert status == 200
    assert (lead["email"], lead["source"], lead["attributes"]) == ("di@third.test", "api", {"region": "north"})
    daemon.mail("di@third.test", "ana@acme.test")
    status, lead = await get(client, path)
    assert (lead["owner_now"], lead["tier"]) == ("ben", "warm")
    status, lead = await send(client, "PUT", path, body | {"tier": "hot"})
    assert (status, lead["tier"]) == (200, "hot")
    status, _ = await send(client, "PUT", "/api/v1/leads/ed@fourth.test", {})
    assert status == 200
    assert (await get(client, path))[1]["tier"] == "hot"
    status, problem = await send(client, "DELETE", path)
    assert (status, "1 open wait" in problem["detail"]) == (409, True)
    assert (await send(client, "DELETE", f"{path}?with_open_waits=true"))[0] == 200
    assert (await get(client, path))[0] == 404
    assert (await get(client, "/api/v1/leads/ed@fourth.test"))[0] == 200


async def test_who_is_forgotten_is_named_nowhere_in_the_api(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    path = "/api/v1/leads/bo@buyer.test/forget"
    daemon.mail("bo@buyer.test", "ana@acme.test", subject="Prices of the large press")
    wait = daemon.only_wait("bo@buyer.test")
    assert (await send(client, "POST", path, {"by": "nobody"}))[0] == 422
    assert (await send(client, "POST", path, {"by": "max"}))[0] == 409
    status, would = await send(client, "POST", path, {"by": "max", "dry_run": True})
    assert (status, would["erased"]["messages"], would["open_waits"]) == (200, 1, [wait])
    status, done = await send(client, "POST", path, {"by": "max", "reason": "17", "with_open_waits": True})
    assert (status, done["erased"], done["open_waits"]) == (200, would["erased"], [wait])
    pages = [f"/api/v1/clocks/{wait}", f"/api/v1/clocks/{wait}/history", "/api/v1/clocks?state=closed", "/api/v1/leads"]
    for page in [*pages, f"/waits/{wait}", "/"]:
        answer = await client.get(page)
        assert answer.status == 200, page
        told = (await answer.text()).lower()
        assert [word for word in ("bo@buyer", "bo lind", "large press") if word in told] == [], page
    assert (await send(client, "POST", path, {"by": "max"}))[0] == 404


async def test_a_closed_lead_ends_his_waits(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    path = "/api/v1/leads/di@third.test"
    await send(client, "PUT", path, {"owner": "ben"})
    daemon.mail("di@third.test", "ana@acme.test")
    clock = daemon.only_wait("di@third.test")
    await send(client, "PUT", path, {"owner": "ben", "status": "won"})
    assert (await get(client, f"/api/v1/clocks/{clock}"))[1]["stop_reason"] == "lead_closed"


async def test_a_lead_kept_by_another_source_is_changed_there(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    for method, body in (("PUT", {"owner": "ben"}), ("DELETE", None)):
        status, problem = await send(client, method, "/api/v1/leads/bo@buyer.test", body)
        assert status == 409
        assert "'known'" in problem["detail"]
    assert (await get(client, "/api/v1/leads/bo@buyer.test"))[1]["owner"] == "ana"


@pytest.mark.parametrize(
    ("email", "body"),
    [
        ("di@third.test", {"owner": "sales@acme.test"}),
        ("di@third.test", {"status": "maybe"}),
        ("di@third.test", {"email": "other@third.test"}),
        ("di@third.test", {"region": 5}),
        ("no-address", {}),
        ("di@", {}),
        ("d%20i@third.test", {}),
        ("ben@acme.test", {}),
    ],
)
async def test_a_lead_that_cannot_be_is_refused(client: TestClient[Any, Any], email: str, body: Any) -> None:
    assert (await send(client, "PUT", f"/api/v1/leads/{email}", body))[0] == 422


async def test_a_logged_call_ends_the_wait(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    clock = daemon.only_wait("bo@buyer.test")
    daemon.at += HOUR
    body = {"lead": "bo@buyer.test", "type": "call", "at": "2026-05-04T09:45:00Z", "by": "ana", "note": "agreed"}
    status, answer = await send(client, "POST", "/api/v1/activities", body)
    assert (status, answer["lead"], answer["at"]) == (200, "bo@buyer.test", "2026-05-04T09:45:00Z")
    ended = (await get(client, f"/api/v1/clocks/{clock}"))[1]
    assert (ended["state"], ended["stop_reason"], ended["stopped_at"]) == ("ended", "activity", "2026-05-04T09:45:00Z")
    for change, status in (
        ({"lead": "x@y.test"}, 404),
        ({"type": "fax"}, 422),
        ({"at": "2026-05-05T00:00:00Z"}, 422),
        ({"by": "x"}, 422),
    ):
        assert (await send(client, "POST", "/api/v1/activities", body | change))[0] == status


async def test_an_activity_with_an_id_counts_once_however_often_it_is_sent(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.at += HOUR
    body = {"lead": "bo@buyer.test", "type": "call", "at": "2026-05-04T09:45:00Z", "by": "ana", "id": "00T-1"}
    first = await send(client, "POST", "/api/v1/activities", body)
    assert (first[0], first[1]["id"]) == (200, "00T-1")
    daemon.mail("bo@buyer.test", "ana@acme.test", after=MINUTE)
    wait = daemon.only_wait("bo@buyer.test")
    again = await send(client, "POST", "/api/v1/activities", body | {"lead": "Bo@buyer.test", "note": ""})
    assert (again[0], {**again[1], "threads": 1}) == (200, first[1])
    assert daemon.only_wait("bo@buyer.test") == wait
    assert len(daemon.logged("bo@buyer.test")) == 1
    assert (await send(client, "POST", "/api/v1/activities", body | {"id": "00T-2"}))[0] == 200
    assert len(daemon.logged("bo@buyer.test")) == 2


@pytest.mark.parametrize(
    "other",
    [{"at": "2026-05-04T09:46:00Z"}, {"type": "meeting"}, {"by": "ben"}, {"note": "agreed"}, {"lead": "cy@other.test"}],
)
async def test_an_id_of_an_activity_stands_for_what_was_first_sent_with_it(
    client: TestClient[Any, Any], daemon: InProcessDaemon, other: dict[str, str]
) -> None:
    daemon.lead("cy@other.test")
    daemon.at += HOUR
    body = {"lead": "bo@buyer.test", "type": "call", "at": "2026-05-04T09:45:00Z", "by": "ana", "id": "00T-1"}
    assert (await send(client, "POST", "/api/v1/activities", body))[0] == 200
    assert (await send(client, "POST", "/api/v1/activities", body | other))[0] == 409
    assert (await send(client, "POST", "/api/v1/activities", body))[0] == 200
    assert len(daemon.logged("bo@buyer.test")) == 1
    assert daemon.logged("cy@other.test") == []


async def test_a_call_told_too_late_to_undo_a_breach_is_the_same_when_told_again(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(3 * HOUR)
    body = {"lead": "bo@buyer.test", "type": "call", "at": "2026-05-04T09:45:00Z", "by": "ana", "id": "00T-1"}
    first = await send(client, "POST", "/api/v1/activities", body)
    daemon.at += HOUR
    assert await send(client, "POST", "/api/v1/activities", body) == first
    assert [action.at for action in daemon.logged("bo@buyer.test")] == [daemon.at - HOUR]
