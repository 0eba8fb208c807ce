"""Mail of leads that was not taken for a person's: listed with what decided it, and what people say of it holds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.engine.refused import Refused
from inboxwatch.store.records import KindFactRecord
from tests.support.batched_daemon import BO, BatchedDaemon, minutes
from tests.support.explained import explained as explained_text

NEWS = "List-Id: <news.buyer.test>\r\nList-Unsubscribe: <https://buyer.test/u>"
AWAY = "Auto-Submitted: auto-replied (vacation)"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, f"sqlite:///{tmp_path / 'store.db'}")
    yield daemon
    daemon.close()


def kinds(daemon: BatchedDaemon) -> dict[str, str]:
    with daemon.store.reading() as tx:
        rows = [tx.mail.row(one) for one in ("one@buyer.test", "two@buyer.test", "away@buyer.test", "three@buyer.test")]
    return {row.message_id.partition("@")[0]: row.kind.value for row in rows if row is not None}


def explained(daemon: BatchedDaemon, message: str) -> str:
    with daemon.store.reading() as tx:
        return explained_text(tx, daemon.engine.rules, message, daemon.at)


def reads_news(daemon: BatchedDaemon) -> None:
    daemon.reads(
        daemon.asks("one@buyer.test", 0, subject="Spring", extra=NEWS),
        daemon.asks("two@buyer.test", 10, subject="Summer", extra=NEWS),
        daemon.asks("away@buyer.test", 20, subject="Away", extra=AWAY),
    )


def test_the_wait_of_what_a_person_wrote_after_all_starts_at_its_own_time_and_its_due_step_leaves(
    daemon: BatchedDaemon,
) -> None:
    reads_news(daemon)
    assert daemon.clocks() == []
    daemon.passes(minutes(90))
    daemon.engine.say_human("one@buyer.test", "max", daemon.at, reason="Bo writes with a tool")
    assert kinds(daemon) == {"one": "human", "two": "bulk", "away": "auto_reply"}
    (clock,) = daemon.clocks()
    assert (clock.started_by, daemon.at - clock.started_at) == ("one@buyer.test", minutes(90))
    assert (clock.state, clock.owner, clock.first_sight) == ("running", "ana", False)
    daemon.passes(timedelta(0))
    assert daemon.steps() == [(1, 1, "ana")]
    told = explained(daemon, "one@buyer.test")
    assert "max said of it that a person writes, in spite of list-id" in told
    assert "a person writes <one@buyer.test>, said max: Bo writes with a tool" in told


def test_what_is_said_of_a_sender_holds_for_filed_and_later_mailings_and_leaves_vacations_alone(
    daemon: BatchedDaemon,
) -> None:
    reads_news(daemon)
    daemon.passes(minutes(90))
    daemon.engine.say_human("two@buyer.test", "max", daemon.at, sender=True)
    daemon.reads(
        daemon.asks("three@buyer.test", 95, subject="Autumn", sender="bo+news@buyer.test", extra=NEWS),
        daemon.asks("away2@buyer.test", 96, subject="Away", extra=AWAY),
    )
    assert kinds(daemon) == {"one": "human", "two": "human", "away": "auto_reply", "three": "human"}
    assert "max said of the sender that a person writes" in explained(daemon, "three@buyer.test")
    # Who was not looked at is old mail: what is overdue of it is shown and pages nobody.
    first = next(clock for clock in daemon.clocks() if clock.started_by == "one@buyer.test")
    assert first.first_sight


def test_it_can_be_taken_back_and_everything_is_as_before(daemon: BatchedDaemon) -> None:
    reads_news(daemon)
    before = kinds(daemon)
    daemon.engine.say_human("one@buyer.test", "max", daemon.at, sender=True)
    daemon.engine.unsay_human("one@buyer.test", "ana", daemon.at, sender=True)
    assert kinds(daemon) == before | {"one": "human"}
    daemon.engine.unsay_human("one@buyer.test", "ana", daemon.at)
    assert kinds(daemon) == before
    assert daemon.clocks() == []
    assert "the mail decides again whether a person writes <one@buyer.test>, said ana" in explained(
        daemon, "one@buyer.test"
    )
    with pytest.raises(Refused, match="nobody has said anything of this message"):
        daemon.engine.unsay_human("one@buyer.test", "ana", daemon.at)


def test_it_outlives_that_the_mail_is_read_again_and_another_process(daemon: BatchedDaemon) -> None:
    reads_news(daemon)
    daemon.engine.say_human("one@buyer.test", "max", daemon.at)
    daemon.restarts()
    for mailbox in ("ana", "sales"):
        daemon.reads(daemon.asks("one@buyer.test", 0, subject="Spring", extra=NEWS), mailbox=mailbox)  # type: ignore[arg-type]
    assert kinds(daemon)["one"] == "human"
    assert [clock.started_by for clock in daemon.clocks()] == ["one@buyer.test"]


def test_only_people_of_the_config_may_and_only_of_mail_to_us_that_is_there(daemon: BatchedDaemon) -> None:
    reads_news(daemon)
    daemon.reads(daemon.replies("ours@acme.test", 30, "one@buyer.test"))
    for message, by, why in (
        ("one@buyer.test", "nobody", "is no person of the config"),
        ("none@buyer.test", "max", "no message of a lead has the id"),
        ("ours@acme.test", "max", "only what was written to us"),
    ):
        with pytest.raises(Refused, match=why):
            daemon.engine.say_human(message, by, daemon.at)
    with daemon.store.reading() as tx:
        assert tx.kinds.said() == []


async def test_the_api_lists_them_newest_first_by_pages_and_filters(
    daemon: BatchedDaemon, client: TestClient[Any, Any]
) -> None:
    reads_news(daemon)
    path = "/api/v1/kinds"
    seen: list[tuple[str, str]] = []
    token = None
    while True:
        page = {"limit": "1"} | ({"next": token} if token else {})
        answer = await (await client.get(path, params=page)).json()
        seen += [(one["message_id"], one["kind"]) for one in answer["items"]]
        token = answer["next"]
        if token is None:
            break
    assert seen == [("away@buyer.test", "auto_reply"), ("two@buyer.test", "bulk"), ("one@buyer.test", "bulk")]

    async def names(**where: str) -> list[str]:
        answer = await client.get(path, params=where)
        assert answer.status == 200
        return [one["message_id"] for one in (await answer.json())["items"]]

    assert await names(kind="auto_reply") == ["away@buyer.test"]
    assert await names(mailbox="sales") == []
    assert await names(since=(daemon.at + minutes(5)).isoformat()) == ["away@buyer.test", "two@buyer.test"]
    assert (await client.get(path, params={"kind": "human"})).status == 422
    assert (await client.get(path, params={"since": "yesterday"})).status == 422
    (newest,) = (await (await client.get(path, params={"limit": "1"})).json())["items"]
    assert newest["machine"] == ["auto-submitted: auto-replied"]
    said = await client.post(f"{path}/{quote('one@buyer.test', safe='')}/confirm", json={"by": "max", "sender": True})
    assert (said.status, (await said.json())["kind"]) == (200, "human")
    assert (await client.post(f"{path}/one@buyer.test/confirm", json={"by": "max", "kind": "bulk"})).status == 422
    listed = (await (await client.get(f"{path}/said")).json())["items"]
    assert {(one["message_id"], one["sender"], one["by"]) for one in listed} == {
        ("one@buyer.test", None, "max"),
        ("one@buyer.test", BO, "max"),
    }
    assert (await client.post(f"{path}/one@buyer.test/undo", json={"by": "ana", "sender": True})).status == 200
    assert (await client.post(f"{path}/one@buyer.test/undo", json={"by": "ana", "sender": True})).status == 409


async def test_the_commands_list_confirm_and_undo(daemon: BatchedDaemon, client: TestClient[Any, Any]) -> None:
    reads_news(daemon)
    text = daemon.path.read_text(encoding="utf-8")
    daemon.path.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{client.port}"), encoding="utf-8")

    async def command(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, ["kinds", *words, "-c", str(daemon.path)])
        return done.exit_code, done.output

    code, told = await command("list", "--kind", "bulk", "--since", "2020-01-01", "--json")
    listed = [json.loads(line) for line in told.splitlines()]
    assert (code, [one["message_id"] for one in listed]) == (0, ["two@buyer.test", "one@buyer.test"])
    assert listed[0]["machine"] == ["list-id"]
    code, told = await command("confirm", "<one@buyer.test>", "human", "--by", "ana", "--sender")
    assert code == 0
    assert "one@buyer.test: human" in told
    assert kinds(daemon)["two"] == "human"
    assert (await command("confirm", "two@buyer.test", "bulk", "--by", "ana"))[0] != 0
    assert "ana" in (await command("said"))[1]
    assert (await command("undo", "one@buyer.test", "--by", "ana", "--sender"))[0] == 0
    assert kinds(daemon)["two"] == "bulk"
    code, told = await command("undo", "two@buyer.test", "--by", "ana")
    assert code == 1
    assert "nobody has said anything" in told


async def test_the_board_shows_them_escaped_and_its_button_says_it(
    daemon: BatchedDaemon, client: TestClient[Any, Any]
) -> None:
    daemon.reads(daemon.asks("a/b+c%d@buyer.test", 0, subject="<script>alert(1)</script>", extra=NEWS))
    page = await (await client.get("/review")).text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    key = re.search(r'name="key" value="([^"]*)"', page)
    action = re.search(r'action="(/review/kinds/[^"]*/confirm)"', page)
    assert key
    assert action
    form = {"by": "ana", "sender": "yes", "key": key[1]}
    refused = await client.post(action[1], data=form | {"by": ""}, allow_redirects=False)
    assert refused.status == 422
    assert (await client.post(action[1], data=form | {"key": "forged"}, allow_redirects=False)).status == 403
    done = await client.post(action[1], data=form, allow_redirects=False)
    assert (done.status, done.headers["Location"]) == (303, "/review?done=confirm")
    page = await (await client.get("/review?done=confirm")).text()
    assert "whatever comes from bo@buyer.test" in page
    with daemon.store.reading() as tx:
        assert {fact.name for fact in tx.kinds.said()} == {"a/b+c%d@buyer.test", BO}
        assert all(isinstance(fact, KindFactRecord) for fact in tx.kinds.said())
    undo = re.search(r'action="(/review/kinds/[^"]*/undo)"', page)
    assert undo
    assert (await client.post(undo[1], data=form, allow_redirects=False)).status == 303
    assert (await client.get("/review?before=x.y")).status == 404


async def test_the_board_has_buttons_for_weak_matches(daemon: BatchedDaemon, client: TestClient[Any, Any]) -> None:
    daemon.reads(daemon.asks("first@buyer.test", 0, subject="Prices"))
    daemon.reads(daemon.asks("guessed@buyer.test", 5, subject="Re: Prices"))
    page = await (await client.get("/review")).text()
    key = re.search(r'name="key" value="([^"]*)"', page)
    split = re.search(r'formaction="(/review/matches/[^"]*/split)"', page)
    assert key
    assert split
    done = await client.post(split[1], data={"by": "ana", "key": key[1]}, allow_redirects=False)
    assert done.status == 303
    with daemon.store.reading() as tx:
        first, guessed = tx.mail.row("first@buyer.test"), tx.mail.row("guessed@buyer.test")
    assert first
    assert guessed
    assert first.thread != guessed.thread
