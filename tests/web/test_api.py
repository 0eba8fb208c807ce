"""The API of the contract, asked over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch.store.records import DeliveryState
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


async def test_health_needs_nothing_and_readiness_waits_for_every_mailbox(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200
    daemon.is_ready = False
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 503


async def test_a_scrape_has_the_text_format_and_the_present_figures(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = await answer.text()
    assert 'inboxwatch_clocks_open{mailbox="ana",owner="ana",tier="hot",state="running"} 1' in text
    assert "inboxwatch_build_info" in text


async def test_a_clock_has_all_that_the_contract_names(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "sales@acme.test", mailbox="sales")
    status, clock = await get(client, f"/api/v1/clocks/{daemon.only_wait('bo@buyer.test')}")
    assert status == 200
    assert clock["metric_state"] == "running"
    assert clock["next_step"] == {"step": 1, "round": 1, "at": "2026-05-04T10:00:00Z", "targets": ["ana"]}
    assert (clock["mailbox"], clock["team"], clock["policy"]) == ("sales", "emea", "default")
    assert clock["started_at"] == "2026-05-04T09:00:00Z"
    for name in ("warned_at", "breached_at", "acknowledged_until", "snoozed_until"):
        assert clock[name] is None
    assert (await get(client, "/api/v1/clocks/none"))[0] == 404


async def test_clocks_are_listed_by_what_they_are(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.lead("cy@other.test", owner="ben", tier="cold")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales", after=MINUTE)

    async def leads(**where: str) -> list[str]:
        status, answer = await get(client, "/api/v1/clocks", **where)
        assert status == 200
        return [item["lead"] for item in answer["items"]]

    assert await leads() == ["bo@buyer.test", "cy@other.test"]
    assert await leads(owner="ben") == ["cy@other.test"]
    assert await leads(team="emea") == ["bo@buyer.test", "cy@other.test"]
    assert await leads(team="emea", owner="ben") == ["cy@other.test"]
    assert await leads(team="nobody's") == []
    assert await leads(tier="hot") == ["bo@buyer.test"]
    assert await leads(mailbox="sales") == ["cy@other.test"]
    assert await leads(metric="next_response") == []
    assert await leads(lead="CY@other.test") == ["cy@other.test"]
    assert await leads(state="closed") == []
    daemon.mail("ana@acme.test", "bo@buyer.test", parent=asked)
    assert await leads(state="open") == ["cy@other.test"]
    assert await leads(state="closed") == ["bo@buyer.test"]


async def test_leads_are_searched_those_who_wait_first(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.lead("cy@other.test", owner="ben", name="Cyné Other")
    daemon.lead("di@other.test", owner="ben")
    daemon.mail("di@other.test", "ana@acme.test", after=HOUR)
    daemon.mail("bo@buyer.test", "ana@acme.test", after=HOUR)
    status, first = await get(client, "/api/v1/leads", search="TEST", limit="2")
    assert (status, first["count"]) == (200, 3)
    _, rest = await get(client, "/api/v1/leads", search="TEST", limit="2", next=first["next"])
    assert [item["email"] for item in first["items"] + rest["items"]] == [
        "di@other.test",
        "bo@buyer.test",
        "cy@other.test",
    ]
    assert rest["next"] is None
    waiting = first["items"][0]["waiting"]
    assert waiting == {
        "clock": daemon.only_wait("di@other.test"),
        "owner": "ben",
        "due_at": "2026-05-04T12:00:00Z",
    }
    _, found = await get(client, "/api/v1/leads", search="cyne oth")
    assert [(item["email"], item["waiting"]) for item in found["items"]] == [("cy@other.test", None)]
    assert (await get(client, "/api/v1/leads", search="cy", next="no token"))[0] == 422


async def test_pages_of_a_list_hold_each_item_once(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    for number in range(7):
        daemon.lead(f"b{number}@buyer{number}.test", owner="ana")
        daemon.mail(f"b{number}@buyer{number}.test", "ana@acme.test")
    for path, count in (("/api/v1/clocks", 7), ("/api/v1/leads", 8)):
        found, token = [], ""
        while True:
            status, page = await get(client, path, limit="3", **({"next": token} if token else {}))
            assert status == 200
            assert len(page["items"]) <= 3
            found += [item.get("id") or item["email"] for item in page["items"]]
            if page["next"] is None:
                break
            token = page["next"]
        assert len(found) == len(set(found)) == count


async def test_a_query_that_cannot_be_understood_is_refused(client: TestClient[Any, Any]) -> None:
    for params in (
        {"state": "old"},
        {"limit": "0"},
        {"limit": "many"},
        {"next": "x"},
        {"next": "W10"},
        {"next": "W1tb" * 1500},  # brackets, deeper than any reader goes
        {"onwer": "ana"},
    ):
        status, problem = await get(client, "/api/v1/clocks", **params)
        assert status == 422, params
        assert problem["detail"].split(":")[0] in (*params, "onwer")


async def test_acknowledging_takes_the_wait_and_rests_its_ladder(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    clock = daemon.only_wait("bo@buyer.test")
    status, answer = await send(
        client, "POST", f"/api/v1/clocks/{clock}/acknowledge", {"by": "ben", "reason": "calling"}
    )
    assert status == 200
    assert (answer["owner"], answer["metric_state"]) == ("ben", "acknowledged")
    assert answer["acknowledged_until"] == "2026-05-04T09:30:00Z"


@pytest.mark.parametrize(
    ("end", "until"),
    [
        ({"until": "2026-05-04T12:00:00+02:00"}, "2026-05-04T10:00:00Z"),
        ({"for": "90m"}, "2026-05-04T10:30:00Z"),
        ({"for": "10bh"}, "2026-05-05T09:00:00Z"),
    ],
)
async def test_a_wait_is_snoozed_until_an_instant_or_for_a_duration(
    client: TestClient[Any, Any], daemon: InProcessDaemon, end: dict[str, str], until: str
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    path = f"/api/v1/clocks/{daemon.only_wait('bo@buyer.test')}/snooze"
    status, answer = await send(client, "POST", path, {"by": "ana", **end})
    assert (status, answer["snoozed_until"], answer["metric_state"]) == (200, until, "snoozed")


async def test_a_wait_is_assigned_and_dismissed_with_a_reason(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    path = f"/api/v1/clocks/{daemon.only_wait('bo@buyer.test')}"
    status, answer = await send(client, "POST", f"{path}/assign", {"by": "max", "owner": "ben"})
    assert (status, answer["owner"]) == (200, "ben")
    status, answer = await send(client, "POST", f"{path}/dismiss", {"by": "max", "reason": "a thank-you note"})
    assert (status, answer["state"], answer["stop_reason"]) == (200, "dismissed", "dismissed")
    status, problem = await send(client, "POST", f"{path}/dismiss", {"by": "max", "reason": "again"})
    assert status == 409
    assert "over" in problem["detail"]


@pytest.mark.parametrize(
    ("action", "body", "fields"),
    [
        ("acknowledge", {}, {"by"}),
        ("acknowledge", {"by": "nobody"}, set()),
        ("acknowledge", {"by": "ana", "resaon": "x"}, {"resaon"}),
        ("snooze", {"by": "ana"}, {"body"}),
        ("snooze", {"by": "ana", "for": "2h", "until": "2026-05-04T12:00:00Z"}, {"body"}),
        ("snooze", {"by": "ana", "for": "2"}, {"for"}),
        ("snooze", {"by": "ana", "until": "2026-05-04T12:00:00"}, {"until"}),
        ("snooze", {"by": "ana", "until": "2020-05-04T12:00:00Z"}, set()),
        ("assign", {"by": "ana", "owner": "sales@acme.test"}, set()),
        ("assign", {"reason": 5}, {"by", "owner", "reason"}),
        ("dismiss", {"by": "ana"}, {"reason"}),
        ("dismiss", {"by": "ana", "reason": "  "}, {"reason"}),
        ("dismiss", [], set()),
    ],
)
async def test_a_body_is_refused_with_all_that_is_wrong_in_it(
    client: TestClient[Any, Any], daemon: InProcessDaemon, action: str, body: Any, fields: set[str]
) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    path = f"/api/v1/clocks/{daemon.only_wait('bo@buyer.test')}/{action}"
    status, problem = await send(client, "POST", path, body)
    assert status == 422
    assert {one["field"] for one in problem.get("problems", ())} == fields
    assert problem["title"] == "Unprocessable Entity"
    with daemon.store.reading() as tx:
        row = tx.clocks.get(daemon.only_wait("bo@buyer.test"))
    assert row is not None
    assert row.owner == "ana"


async def test_errors_are_problem_details(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    path = f"/api/v1/clocks/{daemon.only_wait('bo@buyer.test')}/dismiss"
    for answer, status in (
        (await client.get("/api/v1/nothing"), 404),
        (await client.post("/api/v1/clocks/none/dismiss", json={"by": "ana", "reason": "x"}), 404),
        (await client.delete("/api/v1/clocks"), 405),
        (await client.post(path, data=b"{", headers={"Content-Type": "application/json"}), 400),
        (await client.post(path, data=b"by=ana&reason=x"), 415),
        (await client.post(path, json={"by": "ana", "reason": "x" * 100_000}), 413),
    ):
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
        assert problem["type"] == "about:blank"
        assert problem["status"] == status
        assert problem["detail"]
    assert (await client.delete("/api/v1/clocks")).headers["Allow"]


async def test_history_says_who_owned_it_when_and_why(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    clock = daemon.only_wait("bo@buyer.test")
    daemon.passes(HOUR)
    daemon.engine.assign(clock, "max", daemon.at, owner="ben", reason="knows them")
    daemon.passes(HOUR)
    status, told = await get(client, f"/api/v1/clocks/{clock}/history")
    assert status == 200
    assert [(one["owner"], one["from"], one["until"], one["by"]) for one in told["ownership"]] == [
        ("ana", "2026-05-04T09:00:00Z", "2026-05-04T10:00:00Z", "routing"),
        ("ben", "2026-05-04T10:00:00Z", None, "max"),
    ]
    assert told["ownership"][0]["rule"] == "rule 1: lead.owner"
    assert told["ownership"][1]["reason"] == "knows them"
    assert [(one["step"], one["target"], one["reason"]) for one in told["tellings"]] == [
        (1, "ana", "warning"),
        (2, "ben", "breach"),
        (2, "max", "breach"),
    ]
    assert {(one["step"], one["target"], one["state"]) for one in told["deliveries"]} >= {(2, "max", "pending")}
    assert [one["direction"] for one in told["messages"]] == ["inbound"]
    assert (await get(client, "/api/v1/clocks/none/history"))[0] == 404


async def test_an_id_once_told_stays_valid(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    """An older message of the same wait arrives late: the wait has a new id, the old one still finds it."""
    daemon.mail("bo@buyer.test", "ana@acme.test", after=HOUR, parent="first@buyer.test")
    told = daemon.only_wait("bo@buyer.test")
    daemon.at -= HOUR
    daemon.mail("bo@buyer.test", "ana@acme.test", message_id="first@buyer.test")
    daemon.at += HOUR
    status, clock = await get(client, f"/api/v1/clocks/{told}")
    assert (status, clock["started_at"]) == (200, "2026-05-04T09:00:00Z")
    assert clock["id"] != told
    _, since = await get(client, f"/api/v1/clocks/{told}/history")
    assert (since["id"], told in since["aliases"]) == (clock["id"], True)


async def test_mailboxes_are_listed_with_their_health(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    status, answer = await get(client, "/api/v1/mailboxes")
    assert (status, answer["next"]) == (200, None)
    assert [(one["mailbox"], one["up"]) for one in answer["items"]] == [("ana", None), ("sales", None)]
    daemon.passes(MINUTE)
    assert [one["up"] for one in (await get(client, "/api/v1/mailboxes"))[1]["items"]] == [True, True]


async def test_dead_letters_are_listed_and_sent_again(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(HOUR)
    with daemon.store.transaction() as tx:
        (row,) = tx.deliveries.claim("desk", daemon.at, HOUR)
        tx.deliveries.settle([row.id], DeliveryState.DEAD, daemon.at, error="no such channel")
    _, answer = await get(client, "/api/v1/dead-letters")
    assert [(one["id"], one["error"]) for one in answer["items"]] == [(row.id, "no such channel")]
    assert (await send(client, "POST", f"/api/v1/dead-letters/{row.id}/resend"))[0] == 200
    assert (await get(client, "/api/v1/dead-letters"))[1]["items"] == []
    assert (await send(client, "POST", f"/api/v1/dead-letters/{row.id}/resend"))[0] == 404


async def test_a_reload_tells_what_is_wrong_with_the_config(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    assert await send(client, "POST", "/-/reload") == (200, {"reloaded": True})
    daemon.problems = ["mailboxes.ana.port: must be a whole number", "people: is required"]
    status, problem = await send(client, "POST", "/-/reload")
    assert (status, daemon.reloads) == (422, 2)
    assert problem["problems"][0] == {"field": "mailboxes.ana.port", "problem": "must be a whole number"}
    assert (await client.get("/-/reload")).status == 405
