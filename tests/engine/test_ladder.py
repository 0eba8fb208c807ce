"""The whole ladder of a wait, told by name and clock time: what happened, and what follows if nobody answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.engine.explanation import explain
from inboxwatch.engine.ladder import ladder_of
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.notify.ladder_words import ladder_sentence
from inboxwatch.web import make_app
from tests.support.chromium import BO, HOUR, MINUTE
from tests.support.in_process_daemon import InProcessDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(61 * MINUTE)
    yield daemon
    daemon.close()


def sentences(daemon: InProcessDaemon) -> list[str]:
    with daemon.store.reading() as tx:
        row = tx.clocks.get(daemon.only_wait(BO))
        assert row is not None
        steps = ladder_of(tx, daemon.rules, row, daemon.at)
    return [ladder_sentence(step, f"{step.at:%H:%M}") for step in steps]


def test_steps_that_were_told_stand_before_those_that_follow_each_with_whose_it_is_then(
    daemon: InProcessDaemon,
) -> None:
    told = "10:01: told in time: Ana Diaz"
    assert sentences(daemon) == [
        told,
        "Ana Diaz, Max Ode are told at 11:00",
        "Max Ode is told at 11:30, it moves to Max Ode",
    ]
    daemon.engine.snooze(daemon.only_wait(BO), "ana", daemon.at, until=daemon.at + 2 * HOUR)
    held = [told, "Max Ode is told at 12:01, it moves to Max Ode"]
    assert sentences(daemon) == held, "what falls due meanwhile is passed over"
    daemon.passes(3 * HOUR)
    after = sentences(daemon)
    assert after[0] == told
    assert not [one for one in after if " told at " in one], "nothing lies ahead any more"


async def test_the_same_sentences_stand_on_both_pages_and_in_explain(daemon: InProcessDaemon) -> None:
    wait = daemon.only_wait(BO)
    with daemon.store.reading() as tx:
        told = explain(tx, daemon.rules, wait, daemon.at)
    assert told is not None
    lines = [line.strip() for line in explanation_lines(told)]
    assert "Max Ode is told at Mon 2026-05-04 11:30:00 UTC, it moves to Max Ode" in lines
    async with TestClient(TestServer(make_app(daemon))) as client:
        for path in (f"/waits/{wait}", f"/leads/{BO}"):
            page = await (await client.get(path)).text()
            assert "Who is told, and when" in page
            assert page.count('<span class="who">Max Ode</span></li>') >= 1, path
