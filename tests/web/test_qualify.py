"""A person's verdict in the running daemon: said over HTTP, by what it changes, and refused where it says nothing."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch import config as configuration
from inboxwatch.commands.backtest import run_replay
from inboxwatch.core.model import MessageId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.engine.deed_lines import deed_page
from tests.support.api_requests import Answer, get, send
from tests.support.in_process_daemon import MONDAY
from tests.support.triage_daemon import BO, INFO, TriageDaemon

Client = TestClient[Any, Any]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[TriageDaemon]:
    """Bo, a stranger, writes at 09:05; `b@jobs` at 09:15 is filtered."""
    daemon = TriageDaemon(tmp_path)
    daemon.letter("q@buyer", minutes=5)
    daemon.letter("b@jobs", minutes=10, sender="x@jobs.test", subject="Backlinks for you")
    yield daemon
    daemon.close()


def wait(message: str, metric: Metric = Metric.FIRST_RESPONSE) -> str:
    return clock_id(MessageId(message), metric)


async def says(client: Client, gives: str, of: str = "q@buyer", by: str = "tia", **more: str) -> Answer:
    """Somebody says what the wait is that a message began."""
    return await send(client, "POST", f"/api/v1/clocks/{wait(of)}/qualify", {"by": by, "class": gives, **more})


async def undoes(client: Client, of: str = "q@buyer", by: str = "tia") -> Answer:
    return await send(client, "POST", f"/api/v1/clocks/{wait(of)}/undo-verdict", {"by": by})


async def listed(client: Client, **where: str) -> list[str]:
    """The messages that began the waits which the API lists."""
    _, found = await get(client, "/api/v1/clocks", **where)
    return [one["started_by"] for one in found["items"]]


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


async def test_a_verdict_chooses_policy_due_time_and_owner_again_and_ends_its_clock(
    client: Client, daemon: TriageDaemon
) -> None:
    assert await listed(client, metric="verdict", state="open") == ["q@buyer"]
    assert await listed(client, **{"class": "unknown"}, metric="first_response") == ["q@buyer"]
    status, before = await get(client, f"/api/v1/clocks/{wait('q@buyer')}")
    assert (before["class"], before["class_by"], before["owner"]) == ("unknown", "default", "tia")
    status, clock = await says(client, "support", reason="login trouble")
    assert status == 200
    assert (clock["class"], clock["class_by"], clock["policy"]) == ("support", "person:tia", "care")
    assert (clock["started_at"], clock["due_at"]) == ("2026-05-04T09:05:00Z", "2026-05-04T17:05:00Z")
    assert (clock["owner"], clock["score"], clock["score_lines"]) == ("cas", 0, [])
    assert await listed(client, metric="verdict", state="open") == []
    _, verdict = await get(client, f"/api/v1/clocks/{wait('q@buyer', Metric.VERDICT)}")
    assert (verdict["state"], verdict["stop_reason"], verdict["answered_by"]) == ("answered", "verdict", "tia")
    assert (verdict["owner"], verdict["breached"]) == ("tia", False)


async def test_the_same_is_said_once_and_another_word_holds_from_its_instant(
    client: Client, daemon: TriageDaemon
) -> None:
    verdict = wait("q@buyer", Metric.VERDICT)
    status, clock = await send(client, "POST", f"/api/v1/clocks/{verdict}/qualify", {"by": "tia", "class": "Support"})
    assert (status, clock["id"]) == (200, wait("q@buyer"))
    status, refused = await says(client, "support", by="max")
    assert (status, refused["detail"]) == (409, "that is what it is already, says Tia Dorn: support")
    status, clock = await says(client, "sales", by="max", tier="hot")
    assert (status, clock["class_by"], clock["tier"], clock["owner"]) == (200, "person:max", "hot", "ana")
    assert (await says(client, "sales"))[0] == 409, "no tier named says nothing new"
    assert (await says(client, "sales", owner="ben"))[1]["owner"] == "ben"
    status, clock = await send(client, "POST", "/api/v1/clocks/q@buyer/qualify", {"by": "tia", "class": "support"})
    assert (status, clock["class"], clock["tier"]) == (200, "support", "hot"), "a Message-ID names its wait"


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"class": "unknown"}, 422, "class: `unknown` is what nobody has judged: say what it is, one of "),
        ({"class": "sails"}, 422, "class: 'sails' is no class of the config; known are "),
        ({"class": "sales", "by": "nobody"}, 422, "by: 'nobody' is no person of the config"),
        ({"class": "sales", "owner": "care"}, 422, "owner: 'care' is no person of the config"),
        ({"class": "vendor", "owner": "ana"}, 409, "owner: the wait is over"),
        ({}, 422, "class: is required"),
    ],
)
async def test_what_cannot_be_said_is_refused_and_changes_nothing(
    client: Client, daemon: TriageDaemon, body: dict[str, str], status: int, detail: str
) -> None:
    answer = await send(client, "POST", f"/api/v1/clocks/{wait('q@buyer')}/qualify", {"by": "tia"} | body)
    assert (answer[0], answer[1]["detail"][: len(detail)]) == (status, detail)
    assert await listed(client, **{"class": "unknown"}, metric="first_response") == ["q@buyer"]


async def test_there_must_be_an_inquiry_to_judge_and_a_verdict_to_take_back(
    client: Client, daemon: TriageDaemon
) -> None:
    assert (await says(client, "sales", of="nothing"))[0] == 404
    daemon.letter("a@acme", minutes=5, sender=INFO, to=BO, parent="q@buyer")
    follow_up = clock_id(MessageId("a@acme"), Metric.FOLLOW_UP)
    body = {"by": "tia", "class": "sales"}
    assert (await send(client, "POST", f"/api/v1/clocks/{follow_up}/qualify", body))[0] == 409
    assert (await undoes(client))[0] == 409


async def test_what_was_filtered_is_listed_and_runs_again_from_its_start_by_one_word(
    client: Client, daemon: TriageDaemon
) -> None:
    assert await listed(client, **{"class": "vendor"}, state="closed") == ["b@jobs"]
    daemon.passes(minutes(45))
    status, clock = await says(client, "sales", of="b@jobs", by="max")
    assert (status, clock["state"], clock["reopened"], clock["owner"]) == (200, "running", "reversed", "ana")
    assert (clock["started_at"], clock["due_at"]) == ("2026-05-04T09:15:00Z", "2026-05-04T11:15:00Z")
    status, clock = await undoes(client, of="b@jobs")
    assert (clock["stop_reason"], clock["class_by"], clock["stopped_by"]) == (
        "filtered",
        "rule:link building",
        "tia",
    )
    assert (await undoes(client, of="b@jobs"))[0] == 409


async def test_of_a_wait_that_is_over_the_class_alone_changes(client: Client, daemon: TriageDaemon) -> None:
    daemon.letter("a@acme", minutes=5, sender=INFO, to=BO, parent="q@buyer")
    _, before = await get(client, f"/api/v1/clocks/{wait('q@buyer')}")
    _, after = await says(client, "vendor")
    assert {name for name in after if after[name] != before[name]} == {"class", "class_by"}
    _, again = await undoes(client)
    assert again == before


async def test_a_verdict_for_the_sender_decides_what_they_write_later_until_it_is_taken_back(
    client: Client, daemon: TriageDaemon
) -> None:
    await says(client, "recruiting", scope="sender")
    daemon.letter("q2@buyer", minutes=5, subject="Another matter", sender="bo+x@buyer.test")
    _, clock = await get(client, f"/api/v1/clocks/{wait('q2@buyer')}")
    assert (clock["class_by"], clock["stop_reason"]) == ("person:tia", "filtered")
    await undoes(client)
    daemon.letter("q3@buyer", minutes=5, subject="A third matter")
    _, clock = await get(client, f"/api/v1/clocks/{wait('q3@buyer')}")
    assert (clock["class"], clock["class_by"]) == ("unknown", "default")


def paged(daemon: TriageDaemon, since: datetime, limit: int) -> list[str]:
    """The deeds read some rows at a time."""
    lines: list[str] = []
    page = daemon.engine.read(deed_page, daemon.rules, since, daemon.at + minutes(1), limit)
    while True:
        lines += map(json.dumps, page.lines)
        if page.since is None:
            return lines
        page = daemon.engine.read(deed_page, daemon.rules, page.since, daemon.at + minutes(1), limit)


async def test_deeds_that_are_exported_replay_to_the_same_clocks(client: Client, daemon: TriageDaemon) -> None:
    def at_wait(message: str, action: str, **body: str) -> Any:
        return send(client, "POST", f"/api/v1/clocks/{wait(message)}/{action}", {"by": "tia", **body})

    daemon.lead("di@other.test", owner="ana")
    daemon.letter("d@other", minutes=2, sender="di@other.test", subject="Prices")
    daemon.letter("e@else", minutes=2, sender="ed@else.test", subject="A thank you")
    await at_wait("q@buyer", "acknowledge")
    daemon.passes(minutes(5))
    await says(client, "support", owner="cas", reason="login trouble")
    await says(client, "sales", of="b@jobs", tier="hot")
    await at_wait("e@else", "dismiss", reason="a thank-you note")
    daemon.passes(minutes(5))
    await undoes(client)
    await says(client, "recruiting", of="e@else", scope="sender")
    await at_wait("d@other", "snooze", **{"for": "2h"})
    await at_wait("d@other", "assign", owner="ben")
    daemon.passes(minutes(5))
    await at_wait("e@else", "reopen")
    daemon.letter("f@else", minutes=5, sender="ed@else.test", subject="A new matter")
    async with client.get("/api/v1/deeds", params={"since": "2026-05-04T00:00:00Z"}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
        text = await answer.text()
    told = [(one["deed"], one["message"], one.get("owner")) for one in map(json.loads, text.splitlines())]
    assert told[:3] == [("acknowledge", "q@buyer", None), ("verdict", "q@buyer", "cas"), ("verdict", "b@jobs", None)]
    assert [one[0] for one in told[3:]] == ["dismiss", "undo", "verdict", "snooze", "assign", "reopen"]
    assert paged(daemon, since=MONDAY, limit=1) == paged(daemon, since=MONDAY, limit=4) == text.splitlines()
    deeds = daemon.letters.parent / "deeds.jsonl"
    deeds.write_text(text, encoding="utf-8")
    (daemon.letters.parent / "leads.csv").write_text("email,owner\ndi@other.test,ana\n", encoding="utf-8")
    config = daemon.path.with_name("again.yaml")
    config.write_text(daemon.path.read_text().replace("leads: {}", "leads: {known: {source: csv, path: leads.csv}}"))
    out = io.StringIO()
    loaded = configuration.load(config)
    await asyncio.to_thread(run_replay, [daemon.letters], loaded, [], daemon.at, out, deeds=deeds)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one for one in lines if one["type"] == "problem"] == []
    replayed = {one["id"]: one for one in lines if one["type"] == "clock"}
    _, found = await get(client, "/api/v1/clocks", limit="100")
    assert {one["id"] for one in found["items"]} == set(replayed)
    for clock in found["items"]:
        same = {name: clock[name] for name in replayed[clock["id"]] if name in clock and name != "thread"}
        assert same == {name: value for name, value in replayed[clock["id"]].items() if name in same}
