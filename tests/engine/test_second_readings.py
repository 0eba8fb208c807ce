"""A message read at last counts as if it had been read in time, whoever reads it, and pages as it would have."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inboxwatch.connector import Batch, Cursor, Quarantined, Reread
from inboxwatch.core.model import RawMessage
from inboxwatch.engine.second_readings import due, read_again
from inboxwatch.store.quarantine import SetAside
from tests.support.batched_daemon import ANA, SALES, BatchedDaemon


def set_aside(daemon: BatchedDaemon, raw: RawMessage, *, quiet: bool = False) -> None:
    """Its mailbox is read, and it cannot be."""
    daemon.reads(quarantined=(Quarantined(raw.ref, "damaged"),), quiet=quiet)


def claim(daemon: BatchedDaemon) -> tuple[SetAside, ...]:
    return daemon.engine.write(due, ANA, daemon.at)


def again(daemon: BatchedDaemon, *raws: RawMessage) -> int:
    asked = claim(daemon)
    found = Reread(raws)
    return daemon.engine.write(read_again, daemon.engine.rules, ANA, asked, found, daemon.at).recovered


@pytest.mark.parametrize("quiet", [False, True], ids=["live mail", "first sight"])
def test_a_wait_read_late_is_measured_from_its_receipt_and_pages_as_if_it_had_been_read_at_once(
    daemon: BatchedDaemon, quiet: bool
) -> None:
    asked = daemon.asks("q1@buyer.test", -5)
    set_aside(daemon, asked, quiet=quiet)
    daemon.passes(timedelta(hours=3))
    assert daemon.clocks() == []
    assert again(daemon, asked) == 1
    (clock,) = daemon.clocks()
    assert clock.started_at == asked.received_at
    daemon.passes(timedelta(minutes=1))
    assert [step for step, *_ in daemon.steps()] == [3]
    assert clock.first_sight is quiet


@pytest.mark.parametrize("at_once", [True, False])
def test_what_was_overdue_at_first_sight_pages_nobody_and_what_falls_due_later_does(
    daemon: BatchedDaemon, at_once: bool
) -> None:
    """The warning of the one was due before first sight, its breach after; of the other all is history."""
    began, old = daemon.asks("q1@buyer.test", -70), daemon.asks("q2@buyer.test", -3000, subject="Old")
    if at_once:
        daemon.reads(began, old, quiet=True)
    else:
        set_aside(daemon, began, quiet=True)
        set_aside(daemon, old, quiet=True)
    daemon.passes(timedelta(minutes=10))
    assert daemon.steps() == []
    if not at_once:
        assert again(daemon, began, old) == 2
    daemon.passes(timedelta(minutes=41))
    assert {step for step, *_ in daemon.steps()} == {2}
    assert {row.clock for row in daemon.owed()} == {one.id for one in daemon.clocks() if one.started_by[:2] == "q1"}


def test_an_answer_set_aside_at_first_sight_tells_the_owner_whom_a_colleague_relieved(daemon: BatchedDaemon) -> None:
    answer = daemon.replies("a1@acme.test", 20, "q1@buyer.test", sender="ben@acme.test")
    set_aside(daemon, answer, quiet=True)
    daemon.reads(daemon.asks("q1@buyer.test", 1))
    daemon.at += timedelta(minutes=30)
    assert again(daemon, answer) == 1
    assert [row.target for row in daemon.owed("resolved")] == ["ana"]


def test_an_answer_read_late_stops_its_wait_at_the_time_it_was_sent(daemon: BatchedDaemon) -> None:
    asked, answer = daemon.asks("q1@buyer.test", 0), daemon.replies("a1@acme.test", 20, "q1@buyer.test")
    daemon.reads(asked)
    set_aside(daemon, answer)
    daemon.passes(timedelta(hours=3))
    again(daemon, answer)
    (clock,) = daemon.clocks()
    assert clock.stopped_at == answer.received_at


def test_two_processes_never_try_one_message_at_one_time(daemon: BatchedDaemon) -> None:
    set_aside(daemon, daemon.asks("q1@buyer.test", 0))
    assert claim(daemon) == ()
    daemon.at += timedelta(minutes=6)
    assert [one.tries for one in claim(daemon)] == [0]
    assert claim(daemon) == ()


def test_history_read_again_lets_go_of_what_it_can_read_and_of_nothing_else(daemon: BatchedDaemon) -> None:
    one, other = daemon.asks("q1@buyer.test", 0), daemon.asks("q2@buyer.test", 5)
    set_aside(daemon, one)
    set_aside(daemon, other)
    empty = RawMessage(other.ref, other.role, other.received_at, b"")
    daemon.engine.begin_history(ANA, daemon.at - timedelta(days=9), daemon.at)
    daemon.engine.ingest_history(ANA, Batch((one, empty), Cursor("h1"), daemon.at), None, daemon.at)
    assert [row[1] for row in daemon.everything()["quarantine"]] == [other.ref]
    daemon.reads(other, resynced=True)
    assert daemon.everything()["quarantine"] == []
    with daemon.store.reading() as tx:
        row = tx.mailboxes.get(ANA)
    assert row is not None
    assert row.recovered == 2


def test_what_another_mailbox_reads_lets_go_of_nothing_here(daemon: BatchedDaemon) -> None:
    asked = daemon.asks("q1@buyer.test", 0)
    set_aside(daemon, asked)
    daemon.reads(asked, mailbox=SALES, resynced=True)
    assert [row[1] for row in daemon.everything()["quarantine"]] == [asked.ref]


def test_a_message_that_can_be_had_but_not_used_stays_aside(daemon: BatchedDaemon) -> None:
    asked = daemon.asks("q1@buyer.test", 0)
    set_aside(daemon, asked)
    daemon.at += timedelta(hours=1)
    assert again(daemon, RawMessage(asked.ref, asked.role, asked.received_at, b"\r\n")) == 0
    assert [row[1] for row in daemon.everything()["quarantine"]] == [asked.ref]
