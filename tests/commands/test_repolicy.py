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
from tests.support.in_process import MONDAY, House

BO = "bo@buyer.test"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.lead(BO, owner="ana")
    with house.store.transaction() as tx:
        for name in house.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield house
    house.close()


def takes_over(house: House, target: str) -> None:
    """A changed first response comes into force."""
    text = house.path.read_text(encoding="utf-8").replace("first_response: 2h", f"first_response: {target}")
    house.path.write_text(text, encoding="utf-8")
    house.config = configuration.load(house.path)
    house.engine.reload(house.config, {name: one.connect() for name, one in house.config.channels.items()})


def due_of(house: House) -> timedelta:
    with house.store.reading() as tx:
        (row,) = tx.clocks.running()
    due: timedelta = row.due_at - MONDAY
    return due


def test_rule_21_a_changed_policy_leaves_running_clocks_alone_until_it_is_re_applied(house: House) -> None:
    house.mail(BO, "ana@acme.test")
    takes_over(house, "30m")
    house.passes(timedelta(hours=1))
    assert due_of(house) == timedelta(hours=2)
    (move,) = house.engine.write(reapply, house.engine.rules, house.at)
    assert (move.lead, move.due_before - MONDAY, move.due_after - MONDAY) == (BO, timedelta(hours=2), due_of(house))
    assert due_of(house) == timedelta(minutes=30)


def test_rule_21_a_rehearsal_shows_the_same_and_changes_nothing(house: House) -> None:
    house.mail(BO, "ana@acme.test")
    takes_over(house, "30m")
    versions = dict(house.engine.policies)
    with house.store.reading() as tx:
        before = tx.connection.execute(tables.clock.select()).all()
    rehearsed = house.engine.rehearse(reapply, house.engine.rules, house.at)
    with house.store.reading() as tx:
        assert tx.connection.execute(tables.clock.select()).all() == before
    assert house.engine.policies == versions
    assert house.engine.write(reapply, house.engine.rules, house.at) == rehearsed


def test_rule_21_a_step_that_was_told_is_not_told_again_under_the_new_policy(house: House) -> None:
    house.mail(BO, "ana@acme.test")
    house.passes(timedelta(hours=1))
    takes_over(house, "4h")
    house.engine.write(reapply, house.engine.rules, house.at)
    house.passes(timedelta(hours=1))
    with house.store.reading() as tx:
        told = [(row.step, row.round) for row in tx.clocks.tellings([row.id for row in tx.clocks.running()])]
    assert told == [(1, 1)]


def test_the_command_prints_each_move(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.mail(BO, "ana@acme.test")
    takes_over(house, "30m")
    assert run_repolicy(house.config, dry_run=True) == 0
    shown = capsys.readouterr()
    assert "due 2026-05-04 11:00:00 -> 2026-05-04 09:30:00 UTC" in shown.out
    assert shown.err == "1 open waits would move\n"
    assert due_of(house) == timedelta(hours=2)


def test_after_a_restart_a_re_applied_wait_stays_under_its_new_policy(house: House) -> None:
    house.mail(BO, "ana@acme.test")
    takes_over(house, "30m")
    house.engine.write(reapply, house.engine.rules, house.at)
    takes_over(house, "6h")
    house.engine = Engine(house.store, house.config, {n: one.connect() for n, one in house.config.channels.items()})
    house.mail(BO, "ana@acme.test", after=timedelta(minutes=5), subject="Re: An offer")
    house.passes(timedelta())
    assert due_of(house) == timedelta(minutes=30)
