"""The whole ladder of a wait, told by name and clock time: what happened, and what follows if nobody answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.ladder import ladder_of
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.notify import Recipient
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.notify.ladder_words import ladder_sentence
from inboxwatch.notify.render import Renderer
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


def test_rule_46_a_ladder_that_began_anew_counts_from_its_own_due_time_and_tells_its_first_step_again(
    daemon: InProcessDaemon,
) -> None:
    with daemon.store.transaction() as tx:
        row = tx.clocks.get(daemon.only_wait(BO))
        assert row is not None
        tx.clocks.save([row._replace(era=1, due_at=row.due_at + 1.5 * HOUR)])
    assert sentences(daemon) == [
        "10:01: told in time: Ana Diaz",
        "Ana Diaz is told at 11:30",
        "Ana Diaz, Max Ode are told at 12:30",
        "Max Ode is told at 13:00, it moves to Max Ode",
    ]


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


def test_the_next_step_that_is_stored_is_the_first_of_the_ladder_after_a_hold_too(daemon: InProcessDaemon) -> None:
    for until in (None, daemon.at + 2 * HOUR, daemon.at + 90 * MINUTE):
        if until is not None:
            daemon.engine.snooze(daemon.only_wait(BO), "ana", daemon.at, until=until)
        with daemon.store.reading() as tx:
            row = tx.clocks.get(daemon.only_wait(BO))
            assert row is not None
            (view,) = wait_views(tx, daemon.rules, [row], daemon.at)
            first = next(step for step in ladder_of(tx, daemon.rules, row, daemon.at) if step.ahead)
        assert row.next_step is not None
        assert (row.next_step.at, view.next_names, view.next_owner_name) == (first.at, first.targets, first.moves_to)


def test_a_message_tells_the_whole_ladder_in_its_readers_language_and_zone(daemon: InProcessDaemon) -> None:
    """What was told, that very step too, and what follows, by the same renderer as pages."""
    text = daemon.path.read_text(encoding="utf-8")
    daemon.path.write_text(text.replace("manager: max}", "manager: max, languages: [de]}", 1), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.passes(HOUR)
    rows = [row for row in daemon.engine.claim("desk", daemon.at) if row.target == "ana" and row.step == 2]
    composed = daemon.engine.render(rows, daemon.at)
    assert composed is not None
    ana = Recipient("ana", "Ana Diaz", "ana@acme.test", zone=ZoneInfo("Europe/Berlin"))
    for name, newline in (("body.txt", "\n" + " " * 12), ("body.html", "<br>")):
        told = Renderer(ZoneInfo("UTC")).text(name, composed.notice, ana).replace(newline, "|")
        assert (
            "Mo., 4. Mai, 12:01 CEST: rechtzeitig benachrichtigt: Ana Diaz"
            "|Mo., 4. Mai, 13:01 CEST: bei Fälligkeit benachrichtigt: Ana Diaz, Max Ode"
            "|Mo., 4. Mai, 13:30 CEST wird Max Ode informiert, Übergabe an Max Ode"
        ) in told, told


def test_clocks_show_tells_how_a_wait_stands_and_its_whole_ladder(daemon: InProcessDaemon) -> None:
    wait = daemon.only_wait(BO)
    done = CliRunner().invoke(app, ["clocks", "show", wait, "-c", str(daemon.path)])
    assert done.exit_code == 0
    for line in ("Bo Buyer", "  Owner: Ana Diaz", "  Reminders:", "told in time: Ana Diaz", "it moves to Max Ode"):
        assert line in done.output
    assert CliRunner().invoke(app, ["clocks", "show", "none", "-c", str(daemon.path)]).exit_code == 1


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
