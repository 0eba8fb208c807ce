"""Two processes on one store: what one has learned, the other knows in its next transaction."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import Direction, FolderRole, Kind, Lead, LeadId, MessageId, PersonId
from inboxwatch.engine.actions import Acting, log_activity
from inboxwatch.engine.alarms import Access, watch_all
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.repolicy import reapply
from inboxwatch.store import Conflict, Store
from inboxwatch.store.unfiled import Passed
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.engine import Engine

ZOE = "zoe@stranger.test"


@pytest.fixture
def other(daemon: BatchedDaemon) -> Iterator[Engine]:
    """Another process on the daemon's store, started before anything has happened."""
    store = Store(daemon.config.store_url.reveal())
    yield Engine(store, daemon.config)
    store.close()


def reads_elsewhere(daemon: BatchedDaemon, other: Engine, number: int, *raws: object) -> None:
    """The other process reads a batch of Ana's mailbox."""
    batch = Batch(raws, Cursor(str(number)), seen_until=daemon.at)  # type: ignore[arg-type]  # raw messages
    assert not other.ingest(ANA, batch, daemon.cursor(ANA), daemon.at).stale


def test_a_stranger_who_asks_one_process_is_known_to_the_other(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@stranger.test", 0, sender=ZOE, to="sales@acme.test"), mailbox=SALES)
    reads_elsewhere(daemon, other, 7, daemon.asks("q2@stranger.test", 1, sender=ZOE, subject="Another matter"))
    assert [clock.lead for clock in daemon.clocks()] == [ZOE, ZOE]


def test_what_one_process_took_for_nobodys_while_the_other_found_its_lead_was_seen_there(
    daemon: BatchedDaemon, other: Engine
) -> None:
    """Neither sees what the other has not committed: both write, and the mailbox is asked for the answer even so."""
    question = daemon.asks("q1@stranger.test", 0, sender=ZOE, to="sales@acme.test, ana@acme.test")
    daemon.reads(question, mailbox=SALES)
    passed = Passed(
        MessageId("q1@stranger.test"), "INBOX/9", FolderRole.INBOX, daemon.at, Direction.INBOUND, Kind.HUMAN
    )
    with other.store.transaction() as tx:
        tx.unfiled.add(ANA, [passed])
    daemon.passes(minutes(61))
    (clock,) = daemon.clocks()
    with other.store.reading() as tx:
        assert tx.mail.witnesses([clock.thread])[clock.thread] == {SALES, ANA}
        assert tx.unfiled.read([passed.id]) == set()


def test_a_wait_that_another_process_opened_can_be_acknowledged(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@stranger.test", 0, sender=ZOE, to="sales@acme.test"), mailbox=SALES)
    (clock,) = daemon.clocks()
    assert other.acknowledge(clock.id, "ben", daemon.at) == clock.id
    (clock,) = daemon.clocks()
    assert (clock.owner, clock.acknowledged_until) == ("ben", daemon.at + minutes(30))


def test_what_one_process_answers_the_other_does_not_page_for(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    reads_elsewhere(daemon, other, 7, daemon.replies("a1@acme.test", 20, "q1@buyer.test"))
    daemon.passes(minutes(200))
    assert daemon.steps() == []


def test_two_processes_that_find_a_step_due_tell_it_once(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    assert other.tick(daemon.at, looked=daemon.at).notified == 0
    assert daemon.steps() == [(1, 1, "ana")]


def test_what_a_worker_had_claimed_that_is_no_more_is_sent_by_another_and_not_by_it(
    daemon: BatchedDaemon, other: Engine
) -> None:
    """One that was frozen knows nothing of it: its message has not left, and does not when it goes on."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    frozen = daemon.engine.claim("desk", daemon.at, worker=7)
    with other.store.transaction() as tx:
        assert tx.deliveries.free([7, 8], daemon.at) == 0, "it lives"
    assert other.claim("desk", daemon.at, worker=8) == []
    with other.store.transaction() as tx:
        assert tx.deliveries.free([8], daemon.at) == 1
    (claimed,) = other.claim("desk", daemon.at, worker=8)
    assert (claimed.key, claimed.claimed_by) == (frozen[0].key, 8)
    assert daemon.engine.render(frozen, daemon.at) is None
    assert other.render([claimed], daemon.at) is not None


def test_a_batch_that_another_process_has_filed_is_not_filed_again(daemon: BatchedDaemon, other: Engine) -> None:
    cursor = daemon.cursor(ANA)
    question = daemon.asks("q1@buyer.test", 0)
    daemon.reads(question)
    late = other.ingest(ANA, Batch((question,), Cursor("9"), seen_until=daemon.at), cursor, daemon.at)
    assert late.stale
    assert len(daemon.clocks()) == 1


def test_a_reader_that_was_frozen_does_not_take_back_how_far_another_has_read(
    daemon: BatchedDaemon, other: Engine
) -> None:
    """Both found nothing new, so that the cursor is the same for both; the slower one looked earlier."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    cursor, early = daemon.cursor(ANA), daemon.at
    daemon.at += minutes(10)
    for engine, seen in ((daemon.engine, daemon.at), (other, early)):
        engine.ingest(ANA, Batch((), Cursor(cursor or ""), seen_until=seen), cursor, daemon.at)
    with other.store.reading() as tx:
        assert tx.mailboxes.get(ANA).seen_until == daemon.at  # type: ignore[union-attr]  # it was read
    daemon.at -= minutes(30)  # the clock is set back: what has not come yet was never seen
    daemon.engine.ingest(ANA, Batch((), Cursor(cursor or ""), seen_until=daemon.at), cursor, daemon.at)
    with other.store.reading() as tx:
        assert tx.mailboxes.get(ANA).seen_until == daemon.at  # type: ignore[union-attr]  # as above


def test_clocks_that_one_worker_looks_at_another_leaves_to_it(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    if not other.store.shared:
        pytest.skip("SQLite has one writer at a time")
    later = daemon.at + minutes(61)
    with daemon.store.transaction() as tx, other.store.transaction() as beside:
        assert len(tx.clocks.due(later, 9)) == 1
        assert beside.clocks.due(later, 9) == []


def test_rule_21_a_wait_keeps_the_policy_it_began_with_in_a_process_that_never_knew_it(
    daemon: BatchedDaemon, other: Engine
) -> None:
    daemon.path.write_text(daemon.path.read_text().replace("first_response: 2h", "first_response: 30m"))
    daemon.engine.reload(configuration.load(daemon.path))
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (clock,) = daemon.clocks()
    assert clock.due_at - clock.started_at == minutes(30)
    reads_elsewhere(daemon, other, 7, daemon.asks("n1@buyer.test", 5, answers="q1@buyer.test"))
    (clock,) = daemon.clocks()
    assert (clock.due_at - clock.started_at, clock.nudges) == (minutes(30), 1)
    with pytest.raises(Refused, match="must lie in the future"):
        other.snooze(clock.id, "ana", daemon.at, until=daemon.at)
    other.acknowledge(clock.id, "ana", daemon.at)
    (clock,) = daemon.clocks()
    assert clock.due_at - clock.started_at == minutes(30)


def test_a_policy_applied_anew_by_one_process_holds_in_the_other(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.path.write_text(daemon.path.read_text().replace("first_response: 2h", "first_response: 30m"))
    daemon.engine.reload(configuration.load(daemon.path))
    assert len(daemon.engine.write(reapply, daemon.engine.rules, daemon.at)) == 1
    reads_elsewhere(daemon, other, 7, daemon.asks("n1@buyer.test", 5, answers="q1@buyer.test"))
    (clock,) = daemon.clocks()
    assert clock.due_at - clock.started_at == minutes(30)


def test_an_absence_that_one_process_saw_sends_the_others_waits_elsewhere(daemon: BatchedDaemon, other: Engine) -> None:
    away = daemon.replies("away@acme.test", 1, "q0@buyer.test", extra="Auto-Submitted: auto-replied (vacation)")
    reads_elsewhere(daemon, other, 7, daemon.asks("q0@buyer.test", 0), away)
    daemon.at += minutes(61)
    daemon.reads(daemon.asks("q1@buyer.test", 60, subject="Another matter"))
    assert [clock.owner for clock in daemon.clocks() if clock.started_by == "q1@buyer.test"] == ["max"]


def test_a_lead_that_another_process_closes_ends_the_wait_here(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    with daemon.store.reading() as tx:
        bo = tx.leads.get(BO)
    assert bo is not None
    other.learn("known", [replace(bo, status="won")], daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.state, clock.stop_reason) == ("ended", "lead_closed")
    daemon.passes(minutes(200))
    assert daemon.steps() == []


def test_a_known_lead_is_found_by_every_look_up_while_another_thread_changes_the_list(
    daemon: BatchedDaemon, other: Engine, tmp_path: Path
) -> None:
    many = [Lead(LeadId(f"p{number}@c{number % 7}.test"), source="known") for number in range(60)]
    known = Lead(LeadId(BO), owner=PersonId("ana"), name="Bo Lind", source="known")
    daemon.engine.learn("known", [known, *many], daemon.at)
    changed = threading.Event()

    def change() -> None:
        for turn in range(20):
            other.learn("known", [known, *many[turn:]], daemon.at + timedelta(seconds=turn))
        changed.set()

    changing = threading.Thread(target=change)
    changing.start()
    looked = missed = 0
    while not changed.is_set() or not looked:
        with daemon.store.reading() as tx:
            missed += tx.leads.by_address(BO) is None
            missed += not tx.leads.find("bo lind", 5)[0]
        looked += 1
    changing.join()
    assert missed == 0


def both_at_once(daemon: BatchedDaemon, other: Engine, use_case: Callable[[Engine], object]) -> None:
    """Both processes do the same at the same instant; where they meet, it is done again, as a daemon's writer does."""
    start = threading.Barrier(2)

    def do(engine: Engine) -> None:
        start.wait()
        done = False
        while not done:
            with contextlib.suppress(Conflict):
                use_case(engine)
                done = True

    doing = [threading.Thread(target=do, args=(engine,)) for engine in (daemon.engine, other)]
    for one in doing:
        one.start()
    for one in doing:
        one.join()


def test_an_alarm_that_both_processes_find_at_once_is_told_once_and_so_is_its_end(
    daemon: BatchedDaemon, other: Engine
) -> None:
    ends = daemon.at + timedelta(days=1)
    for access in (Access(ANA, None, ends), Access(ANA, None, None)) * 2:

        def watch(one: Engine, access: Access = access) -> None:
            one.write(watch_all, one.rules, daemon.at, [access], None)

        both_at_once(daemon, other, watch)
        daemon.at += minutes(1)
    assert ["ends on" in row.body["title"] for row in daemon.owed("mailbox")] == [True, False, True, False]


def test_a_call_that_both_processes_are_told_of_at_once_counts_once(daemon: BatchedDaemon, other: Engine) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.at += minutes(30)
    call = Acting("ana", daemon.at - minutes(10), "call")
    both_at_once(daemon, other, lambda one: one.write(log_activity, one.rules, BO, call, daemon.at, ("crm", "00T-1")))
    assert len(daemon.logged(BO)) == 1
    (clock,) = daemon.clocks()
    assert (clock.stop_reason, clock.stopped_at) == ("activity", call.at)
