"""A follow-up that is put off stands under its new day by every door, and is told on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.actions import ActionRefused, Actor
from inboxwatch.web import make_app
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

HOUR = timedelta(hours=1)
BO = "bo@buyer.test"


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[InProcessDaemon]:
    """Ana wrote to Bo on Monday 9:00, and follows up on Tuesday at 9:00."""
    daemon = InProcessDaemon(tmp_path, follow_up="24h", store=database)
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    daemon.mail("ana@acme.test", BO)
    yield daemon
    daemon.close()


def told(daemon: InProcessDaemon) -> list[tuple[int, str]]:
    """(round, target) of every step that was told."""
    with daemon.store.reading() as tx:
        return [(one.round, one.target) for one in tx.clocks.notifications([daemon.only_follow_up(BO).id])]


async def test_rule_40_a_follow_up_that_is_put_off_stands_under_its_new_day_everywhere(daemon: InProcessDaemon) -> None:
    clock = daemon.only_follow_up(BO).id
    daemon.passes(25 * HOUR)
    assert told(daemon) == [(1, "ana")]
    async with TestClient(TestServer(make_app(daemon))) as client:
        body = {"by": "max", "for": "2d", "reason": "asks for time"}
        answer = await client.post(f"/api/v1/clocks/{clock}/put-off", json=body)
        moved = await answer.json()
        assert (moved["due_at"], moved["snoozed_until"]) == ("2026-05-07T10:00:00Z", None)
        assert (moved["breached"], moved["metric_state"]) == (True, "running")
        days = (await (await client.get("/api/v1/follow-ups")).json())["items"]
        assert [(item["day"], item["owner"], item["count"]) for item in days] == [("2026-05-07", "ana", 1)]
        past = await (await client.get(f"/api/v1/clocks/{clock}/history")).json()
        (fact,) = (one for one in past["acts"] if one["deed"] == "put_off")
        assert (fact["by"], fact["until"], fact["reason"]) == ("max", "2026-05-07T10:00:00Z", "asks for time")
        daemon.at += 24 * HOUR
        said = (await NoticeActions(daemon).lookup(Actor("link", person="max"), "follow-ups tomorrow")).lines
        assert said[0].startswith("Tomorrow: 1 follow-up. Ana Diaz 1.")
        daemon.passes(23 * HOUR)
        assert told(daemon) == [(1, "ana")]
        daemon.passes(HOUR)
        assert told(daemon) == [(1, "ana"), (2, "ana")]


async def test_only_follow_ups_are_put_off_and_only_to_what_lies_ahead(daemon: InProcessDaemon) -> None:
    clock = daemon.only_follow_up(BO).id
    async with TestClient(TestServer(make_app(daemon))) as client:
        past = {"by": "max", "until": "2026-05-04T08:00:00Z"}
        assert (await client.post(f"/api/v1/clocks/{clock}/put-off", json=past)).status == 422
        assert (await client.post(f"/api/v1/clocks/{clock}/put-off", json={"by": "max"})).status == 422
        daemon.mail(BO, "ana@acme.test", after=HOUR)
        reply = daemon.only_wait(BO)
        assert (await client.post(f"/api/v1/clocks/{reply}/put-off", json={"by": "max", "for": "1d"})).status == 409


async def test_a_press_in_slack_moves_it_for_whom_it_concerns_and_a_second_choice_counts(
    daemon: InProcessDaemon,
) -> None:
    clock, actions = daemon.only_follow_up(BO).id, NoticeActions(daemon)
    text = daemon.path.read_text(encoding="utf-8")
    stranger = "  zoe: {name: Zoe Fox, email: zoe@acme.test}\nteams:"
    daemon.path.write_text(text.replace("teams:", stranger, 1), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    with pytest.raises(ActionRefused, match="Ana Diaz"):
        await actions.put_off(clock, Actor("link", person="zoe"), 72 * HOUR)
    done = await actions.put_off(clock, Actor("link", person="ben"), 72 * HOUR)
    assert done.sentence == "Ben Ito follows up Thu 7 May 09:00 UTC."
    await actions.put_off(clock, Actor("link", person="ben"), 72 * HOUR)
    await actions.put_off(clock, Actor("link", person="ben"), 48 * HOUR)
    with daemon.store.reading() as tx:
        done_by = [one.kind for one in tx.clocks.actions([daemon.only_follow_up(BO).thread], [])[done.clock.thread]]
    assert done_by.count(ActionKind.PUT_OFF) == 2
    assert daemon.only_follow_up(BO).due_at == MONDAY + 48 * HOUR
    with pytest.raises(ActionRefused, match="say why"):
        await actions.stop(clock, Actor("link", person="ben"))
    stopped = await actions.stop(clock, Actor("link", person="ben"), "no budget")
    assert stopped.sentence == "Ben Ito stopped following up (no budget)."


async def test_a_follow_up_is_ended_over_the_api_by_a_call_or_a_word(daemon: InProcessDaemon) -> None:
    clock = daemon.only_follow_up(BO).id
    async with TestClient(TestServer(make_app(daemon))) as client:
        assert (await client.post(f"/api/v1/clocks/{clock}/stop", json={"by": "ana"})).status == 422
        body = {"by": "ana", "reason": "no budget"}
        stopped = await (await client.post(f"/api/v1/clocks/{clock}/stop", json=body)).json()
        assert (stopped["state"], stopped["stop_reason"]) == ("dismissed", "dismissed")
        await client.post(f"/api/v1/clocks/{clock}/reopen", json={"by": "ana"})
        called = await (await client.post(f"/api/v1/clocks/{clock}/activity", json={"by": "ana"})).json()
        assert (called["state"], called["stop_reason"]) == ("ended", "activity")
