"""Rule 21: a policy's version is pinned to the clock; a changed one is re-applied on demand, and shows what moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.commands.repolicy import run_repolicy
from inboxwatch.engine.repolicy import reapply
from inboxwatch.store import tables
from tests.support.engine import Engine
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

BO = "bo@buyer.test"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead(BO, owner="ana")
    with daemon.store.transaction() as tx:
        for name in daemon.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield daemon
    daemon.close()


def takes_over(daemon: InProcessDaemon, target: str) -> None:
    """A changed first response comes into force."""
    text = daemon.path.read_text(encoding="utf-8").replace("first_response: 2h", f"first_response: {target}")
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()})


def due_of(daemon: InProcessDaemon) -> timedelta:
    with daemon.store.reading() as tx:
        (row,) = tx.clocks.running()
    due: timedelta = row.due_at - MONDAY
    return due


def test_rule_21_a_changed_policy_leaves_running_clocks_alone_until_it_is_re_applied(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    takes_over(daemon, "30m")
    daemon.passes(timedelta(hours=1))
    assert due_of(daemon) == timedelta(hours=2)
    (move,) = daemon.engine.write(reapply, daemon.engine.rules, daemon.at)
    assert (move.lead, move.due_before - MONDAY, move.due_after - MONDAY) == (BO, timedelta(hours=2), due_of(daemon))
    assert due_of(daemon) == timedelta(minutes=30)


def test_rule_21_a_rehearsal_shows_the_same_and_changes_nothing(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    takes_over(daemon, "30m")
    versions = dict(daemon.engine.policies)
    with daemon.store.reading() as tx:
        before = tx.connection.execute(tables.clock.select()).all()
    rehearsed = daemon.engine.rehearse(reapply, daemon.engine.rules, daemon.at)
    with daemon.store.reading() as tx:
        assert tx.connection.execute(tables.clock.select()).all() == before
    assert daemon.engine.policies == versions
    assert daemon.engine.write(reapply, daemon.engine.rules, daemon.at) == rehearsed


def test_rule_21_a_step_that_was_told_is_not_told_again_under_the_new_policy(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(timedelta(hours=1))
    takes_over(daemon, "4h")
    daemon.engine.write(reapply, daemon.engine.rules, daemon.at)
    daemon.passes(timedelta(hours=1))
    with daemon.store.reading() as tx:
        told = [(row.step, row.round) for row in tx.clocks.notifications([row.id for row in tx.clocks.running()])]
    assert told == [(1, 1)]


def test_the_command_prints_each_move(daemon: InProcessDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.mail(BO, "ana@acme.test")
    takes_over(daemon, "30m")
    assert run_repolicy(daemon.config, dry_run=True) == 0
    shown = capsys.readouterr()
    assert "due 2026-05-04 11:00:00 -> 2026-05-04 09:30:00 UTC" in shown.out
    assert shown.err == "1 open waits would move\n"
    assert due_of(daemon) == timedelta(hours=2)


def test_after_a_restart_a_re_applied_wait_stays_under_its_new_policy(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    takes_over(daemon, "30m")
    daemon.engine.write(reapply, daemon.engine.rules, daemon.at)
    takes_over(daemon, "6h")
    daemon.engine = Engine(daemon.store, daemon.config, {n: one.connect() for n, one in daemon.config.channels.items()})
    daemon.mail(BO, "ana@acme.test", after=timedelta(minutes=5), subject="Re: An offer")
    daemon.passes(timedelta())
    assert due_of(daemon) == timedelta(minutes=30)
