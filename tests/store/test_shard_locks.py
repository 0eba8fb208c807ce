"""Locks of workers on a real PostgreSQL: one holder each, gone with its session, seen by everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from inboxwatch.core.model import MailboxId
from inboxwatch.core.shards import House, shard_of
from inboxwatch.engine.starts import LOOP, CrashLoop, begin_run
from inboxwatch.engine.workers import list_workers
from inboxwatch.store import Outage, Store
from inboxwatch.store.shard_locks import ShardLocks
from inboxwatch.store.workers import KEPT
from tests.doubles.postgres import Postgres
from tests.support.waiting import wait

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
Join = Callable[[], tuple[int, ShardLocks]]


@pytest.fixture
def join(postgres: Postgres) -> Iterator[Join]:
    """Lets a further worker join: its number, and its session."""
    store, sessions = Store(postgres.common), list[ShardLocks]()

    def one() -> tuple[int, ShardLocks]:
        with store.transaction() as tx:
            number = tx.workers.enter(f"host/{len(sessions)}", "1.0", NOW)
        locks = store.locks(number)
        locks.open()
        locks.join()
        sessions.append(locks)
        return number, locks

    yield one
    for session in sessions:
        session.close()
    store.close()
    postgres.empty()


def ends_sessions(postgres: Postgres) -> None:
    """Ends every session of the kind, as a server does that hears nothing or restarts."""
    with psycopg.connect(postgres.common.replace("+psycopg", ""), autocommit=True) as one:
        ours = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
        one.execute(ours)


def test_a_shard_has_one_owner_and_everybody_sees_whose_it_is(join: Join) -> None:
    (one, ones), (two, twos) = join(), join()
    assert [set(ones.take([1, 2])), set(twos.take([2, 3]))] == [{1, 2}, {3}]
    assert ones.look().house == twos.look().house == House(frozenset([one, two]), {1: one, 2: one, 3: two})
    ones.give([2])
    assert twos.take([2]) == frozenset([2])
    assert twos.look().house.owners == {1: one, 2: two, 3: two}


def test_a_worker_that_leaves_wants_no_share_and_owns_what_it_has_not_given_back_yet(join: Join) -> None:
    (_, ones), (two, twos) = join(), join()
    ones.take([1])
    ones.leave()
    seen = twos.look().house
    assert [set(seen.workers), set(seen.owners)] == [{two}, {1}]
    assert twos.take([1]) == frozenset()
    ones.close()
    wait(lambda: not twos.look().house.owners, "its session is over")


def test_mailboxes_that_nobody_reads_are_named(join: Join, postgres: Postgres) -> None:
    (one, ones), (two, twos) = join(), join()
    ones.take([shard_of("ana")])
    ones.note([shard_of("ana")], one, NOW)
    twos.leave()
    store = Store(postgres.common)
    with store.reading() as tx:
        house = list_workers(tx, [MailboxId("ana"), MailboxId("sales")])
    store.close()
    assert [(view.worker.number, view.leaving, view.mailboxes, view.since) for view in house.workers] == [
        (one, False, ("ana",), NOW),
        (two, True, (), None),
    ]
    assert house.unread == ("sales",)


def test_workers_that_live_on_one_host_are_no_crash_loop_there(join: Join, postgres: Postgres) -> None:
    store, ends = Store(postgres.common), list[int]()
    for number in range(2 * LOOP):
        with store.transaction() as tx:
            loop = begin_run(tx, "host", NOW)
        ends.append(loop.ends if loop else 0)
        if number < LOOP:
            join()
    store.close()
    assert ends == [0] * (2 * LOOP), "three live, and only two have ended"
    store = Store(postgres.common)
    with store.transaction() as tx:
        assert begin_run(tx, "host", NOW) == CrashLoop(LOOP, None)
    store.close()


def test_a_session_that_the_server_ends_is_an_outage_and_what_it_held_is_free(join: Join, postgres: Postgres) -> None:
    (one, ones), _ = join(), join()
    ones.take([1])
    ends_sessions(postgres)
    with pytest.raises(Outage):
        ones.look()
    ones.open()
    ones.join()
    assert ones.look().house == House(frozenset([one]), {})


def test_a_worker_has_one_session_at_a_time(join: Join, postgres: Postgres) -> None:
    """One that was cut off comes back before the server knows: what the lost session holds, nobody reads twice."""
    number, _ = join()
    again = ShardLocks(postgres.common, number)
    with pytest.raises(Outage, match="earlier session"):
        again.open()


def test_entries_of_workers_that_are_long_gone_are_dropped_and_their_numbers_never_given_again(
    join: Join, postgres: Postgres
) -> None:
    gone, _ = join()
    store = Store(postgres.common)
    with store.transaction() as tx:
        new = tx.workers.enter("host/9", "1.0", NOW + 2 * KEPT)
        assert [one.number for one in tx.workers.all()] == [new]
    store.close()
    assert new > gone
