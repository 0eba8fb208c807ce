"""What is older than `history.keep` goes, in small batches; open waits, living threads and figures stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import MailboxId
from inboxwatch.core.statistics.figures import Figures
from inboxwatch.engine.retention import EVERY, SOON, expire
from inboxwatch.store import Store
from tests.support.batched_daemon import SALES, BatchedDaemon, minutes
from tests.support.engine import Engine

KEEP = timedelta(days=400)


@pytest.fixture
def team(daemon: BatchedDaemon) -> BatchedDaemon:
    """Three threads of long ago: one was answered late, one waits still, one was taken up again; and a stranger's."""
    text = daemon.path.read_text()
    daemon.path.write_text(text.replace("leads: {}", "leads: {}\nhistory: {look_back: 30d, keep: 400d}"))
    daemon.config = configuration.load(daemon.path)
    daemon.reads(daemon.asks("old@buyer.test", 0, subject="Prices"))
    daemon.passes(minutes(150))
    daemon.reads(daemon.replies("a1@acme.test", 140, "old@buyer.test", subject="Prices"))
    daemon.reads(daemon.asks("open@buyer.test", 1, subject="Nobody answered this"))
    daemon.reads(daemon.asks("again@buyer.test", 2, subject="A long talk"))
    daemon.reads(daemon.replies("a2@acme.test", 30, "again@buyer.test", subject="A long talk"))
    daemon.reads(daemon.asks("news@stranger.test", 3, sender="zoe@stranger.test"))
    day = 24 * 60
    daemon.at += timedelta(days=399)
    daemon.reads(daemon.replies("a3@acme.test", 399 * day, "again@buyer.test", subject="A long talk"))
    daemon.passes(timedelta(days=2))
    return daemon


def figures(daemon: BatchedDaemon) -> Figures:
    with daemon.store.reading() as tx:
        return tx.statistics.figures(daemon.at)


def ids(daemon: BatchedDaemon, table: str = "message", column: int = 5) -> set[str]:
    return {row[column] for row in daemon.everything()[table] if row[column]}


def test_old_threads_go_whole_and_nothing_goes_that_is_still_needed(team: BatchedDaemon) -> None:
    before, waits = figures(team), {clock.id: clock for clock in team.clocks()}
    assert before.breaches
    assert before.escalations
    assert {"old@buyer.test", "a1@acme.test"} < ids(team)
    assert team.engine.write(expire, team.engine.rules, team.at) > 2
    assert ids(team) == {"open@buyer.test", "again@buyer.test", "a2@acme.test", "a3@acme.test"}
    assert figures(team) == before
    left = {clock.id: clock for clock in team.clocks()}
    assert left == {name: clock for name, clock in waits.items() if clock.started_by != "old@buyer.test"}
    assert "Prices" not in str(team.everything())
    assert "old@buyer.test" not in str(team.everything())
    assert len(team.everything()["message"]) == 4, "the stranger's hash is gone too"
    team.restarts()
    assert figures(team) == before
    team.passes(minutes(1))
    assert len([clock for clock in team.clocks() if clock.state == "running"]) == 1


def test_what_came_in_within_the_time_stays(team: BatchedDaemon) -> None:
    team.at -= timedelta(days=2)
    before = team.everything()
    assert team.engine.write(expire, team.engine.rules, team.at) == 0
    after = team.everything()
    assert {name: rows for name, rows in after.items() if name != "meta"} == {
        name: rows for name, rows in before.items() if name != "meta"
    }


def test_without_the_setting_nothing_is_erased_by_age(team: BatchedDaemon) -> None:
    team.path.write_text(team.path.read_text().replace(", keep: 400d", ""))
    team.config = configuration.load(team.path)
    before = team.everything()
    assert team.engine.write(expire, team.engine.rules, team.at + 10 * KEEP) == 0
    assert team.everything() == before


def test_a_batch_is_small_and_two_processes_count_each_thread_once(team: BatchedDaemon) -> None:
    """A hundred and more threads are more than one batch; another process finds it done."""
    at = team.at
    mail = []
    for number in range(130):
        name = f"n{number}@buyer.test"
        mail += [team.asks(name, number, subject=f"Matter {number}")]
        mail += [team.replies(f"r{number}@acme.test", number + 1, name, subject=f"Matter {number}")]
    team.reads(*mail, quiet=True)
    before = figures(team)
    other = Store(team.config.store_url.reveal())
    process = Engine(other, team.config)
    done = []
    for turn in range(4):
        now = at + turn * SOON
        done.append(team.engine.write(expire, team.engine.rules, now, most=100))
        done.append(process.write(expire, process.rules, now, most=100))
    other.close()
    assert done[0] >= 200
    assert done[1] == 0, "one of them at a time"
    assert done[2] > 0
    assert done[3:] == [0] * 5, "all is gone, and for an hour nobody looks again"
    assert figures(team) == before
    assert ids(team) == {"open@buyer.test", "again@buyer.test", "a2@acme.test", "a3@acme.test"}
    assert team.engine.write(expire, team.engine.rules, at + EVERY) == 0


def test_new_mail_of_an_old_acquaintance_is_timed_as_ever(team: BatchedDaemon) -> None:
    team.engine.write(expire, team.engine.rules, team.at)
    minute = (team.at - team.at.replace(year=2026, month=5, day=4, hour=9, minute=0)).total_seconds() / 60
    team.reads(team.asks("late@buyer.test", minute, answers="a1@acme.test", subject="Prices"), mailbox=MailboxId(SALES))
    started = {clock.started_by: clock.state for clock in team.clocks()}
    assert started["late@buyer.test"] == "running"


def test_nothing_is_kept_shorter_than_it_is_read(team: BatchedDaemon, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(team.path.read_text().replace("keep: 400d", "keep: 7d"))
    with pytest.raises(configuration.ConfigError) as refused:
        configuration.load(bad)
    assert "history: `keep` must not be shorter than `look_back`" in str(refused.value.problems[0])
