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
def test_a_wait_read_late_is_measured_from_its_receipt_and_pages_unless_it_came_quietly(
    daemon: BatchedDaemon, quiet: bool
) -> None:
    asked = daemon.asks("q1@buyer.test", 0)
    set_aside(daemon, asked, quiet=quiet)
    daemon.passes(timedelta(hours=3))
    assert daemon.clocks() == []
    assert again(daemon, asked) == 1
    (clock,) = daemon.clocks()
    assert clock.started_at == asked.received_at
    daemon.passes(timedelta(minutes=1))
    assert bool(daemon.steps()) is not quiet


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
