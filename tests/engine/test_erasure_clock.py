"""What is erased by age is erased by a time that was seen to pass: a clock that is years ahead erases nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from inboxwatch import config as configuration
from inboxwatch.engine.alarms import watch_all
from inboxwatch.engine.audit import Attempt, Door, note
from inboxwatch.engine.clock_jump import begin_again
from inboxwatch.engine.erasure_clock import LEAP, WITNESSED, trust
from inboxwatch.engine.retention import EVERY, expire, expire_audit, watch_age
from inboxwatch.store import Store
from inboxwatch.store.marks import BelievedMark
from tests.support.batched_daemon import BatchedDaemon, minutes
from tests.support.engine import Engine

DAY = timedelta(days=1)
YEARS = 3 * 365 * DAY
HISTORY = "history: {look_back: 30d, keep: 60d, keep_audit: 60d}"


@pytest.fixture
def team(daemon: BatchedDaemon) -> BatchedDaemon:
    """A thread that was answered, 59 days ago, and rows of the audit log; the daemon has been at work since."""
    daemon.path.write_text(daemon.path.read_text().replace("leads: {}", f"leads: {{}}\n{HISTORY}"))
    daemon.config = configuration.load(daemon.path)
    daemon.reads(daemon.asks("old@buyer.test", 0))
    daemon.reads(daemon.replies("a1@acme.test", 30, "old@buyer.test"))
    for _ in range(5):
        daemon.engine.write(note, daemon.engine.rules, Attempt(Door.TOKEN, "wait.snooze", by="ana"), daemon.at)
    for _ in range(2):
        daemon.at += 59 * DAY / 2
        keeps_house(daemon)
    assert left(daemon) == (2, 5)
    return daemon


@pytest.fixture
def other(team: BatchedDaemon) -> Iterator[Engine]:
    """Another process on the same store, on another machine."""
    store = Store(team.config.store_url.reveal())
    yield Engine(store, team.config)
    store.close()


def keeps_house(
    daemon: BatchedDaemon, ahead: timedelta = timedelta(0), engine: Engine | None = None, host: str = "mail1"
) -> None:
    """What a daemon does once a minute, by a clock that is so far ahead of the time."""
    engine, now = engine or daemon.engine, daemon.at + ahead
    engine.write(watch_age, engine.rules, host, now)
    engine.write(watch_all, engine.rules, now, (), None)
    engine.write(expire, engine.rules, now)
    engine.write(expire_audit, engine.rules, now)


def left(daemon: BatchedDaemon) -> tuple[int, int]:
    """Messages, and rows of the audit log that nobody has noted by a deed on the store itself."""
    rows = daemon.everything()
    return len(rows["message"]), sum("wait.snooze" in row for row in rows["audit"])


def told(daemon: BatchedDaemon) -> list[str]:
    """What IT has heard of the clock and of what it erases by."""
    return [row.body["title"] for row in daemon.owed("digest") if "history.keep" in str(row.body.get("title"))]


def test_a_clock_that_jumps_years_ahead_erases_nothing_and_it_hears_of_it_once(team: BatchedDaemon) -> None:
    for _ in range(3):
        team.at += minutes(1)
        keeps_house(team, YEARS)
    assert left(team) == (2, 5)
    (said,) = told(team)
    assert "inboxwatch store trust-clock" in said


@pytest.mark.parametrize("noted", [True, False])
def test_a_machine_that_starts_with_a_date_years_ahead_erases_nothing(team: BatchedDaemon, noted: bool) -> None:
    """Nor does one whose store comes from a version that noted only when it ran last."""
    if not noted:
        with team.store.transaction() as tx:
            tx.marks.drop(BelievedMark())
    team.restarts()
    team.engine.write(begin_again, team.engine.rules, team.at + YEARS)
    keeps_house(team, YEARS)
    assert left(team) == (2, 5)


def test_a_daemon_that_was_off_for_three_weeks_erases_as_ever(team: BatchedDaemon) -> None:
    team.at += 21 * DAY
    team.restarts()
    team.engine.write(begin_again, team.engine.rules, team.at)
    keeps_house(team)
    assert left(team) == (0, 0)
    assert told(team) == []


def test_a_clock_that_is_set_right_again_needs_nobody(team: BatchedDaemon) -> None:
    keeps_house(team, YEARS)
    team.at += minutes(1)
    keeps_house(team)
    assert left(team) == (2, 5)
    assert [said.endswith("again.") for said in told(team)] == [False, True]
    team.at += 20 * DAY
    keeps_house(team)
    assert left(team) == (0, 0)


def test_whoever_confirms_the_clock_has_erased_by_it_and_stands_in_the_audit_log(team: BatchedDaemon) -> None:
    keeps_house(team, YEARS)
    ahead = team.engine.write(trust, team.engine.rules, team.at + YEARS)
    assert ahead == YEARS
    keeps_house(team, YEARS + EVERY)
    assert left(team) == (0, 0)
    assert "store.trust-clock" in str(team.everything()["audit"])
    assert team.engine.write(trust, team.engine.rules, team.at + YEARS + EVERY) == timedelta(0)


def test_meanwhile_age_goes_on_by_the_time_that_passes(team: BatchedDaemon) -> None:
    """So a clock that nobody confirms does not keep for ever what is too old."""
    keeps_house(team, YEARS)
    for _ in range(int(2 * DAY / WITNESSED)):
        team.at += WITNESSED
        keeps_house(team, YEARS)
    assert left(team) == (0, 0)
    assert len(told(team)) == 1


def test_of_two_processes_the_one_with_the_wrong_clock_erases_nothing_and_the_other_goes_on(
    team: BatchedDaemon, other: Engine
) -> None:
    for _ in range(3):
        before = left(team)
        keeps_house(team, YEARS, other, "mail2")
        assert left(team) == before
        keeps_house(team)
        team.at += DAY
    assert left(team) == (0, 0)
    assert len(told(team)) == 1, "each host tells of its own clock"


def test_a_leap_of_a_month_is_believed_and_one_that_is_a_second_longer_is_not(team: BatchedDaemon) -> None:
    keeps_house(team, LEAP + timedelta(seconds=1))
    assert left(team) == (2, 5)
    keeps_house(team, LEAP)
    assert left(team) == (0, 0)
