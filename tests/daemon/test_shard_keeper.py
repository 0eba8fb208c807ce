"""Workers in one loop on a real PostgreSQL: each mailbox is read by one of them, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from inboxwatch.core.model import MailboxId
from inboxwatch.core.shards import SHARDS, shard_of
from inboxwatch.daemon.shard_keeper import ShardKeeper
from inboxwatch.now import machine_now
from inboxwatch.store import Store
from tests.doubles.postgres import Postgres
from tests.support.waiting import wait_in_loop

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


class Worker:
    """A keeper, and what it was told of what to read."""

    def __init__(self, store: Store, ahead: timedelta) -> None:
        """Its machine's clock is so much ahead of the database's, which is this machine's own."""
        self.ahead = ahead
        self.corrected: timedelta | None = None
        with store.transaction() as tx:
            number = tx.workers.enter("host/1", "1.0", NOW)
        self.locks = store.locks(number)
        self.keeper = ShardKeeper(self.locks, number, self, lambda: machine_now() + self.ahead)
        self.reads: frozenset[int] = frozenset()
        self.asked: list[str] = []
        self.freed = 0
        self.figures = (0, 0, 0)
        self.keeping: asyncio.Task[None] | None = None

    async def share(self) -> None:
        self.reads = self.keeper.owned

    def shared_out(self, workers: int, shards: int, unread: int) -> None:
        self.figures = (workers, shards, unread)

    def machine_is_ahead(self, by: timedelta) -> None:
        self.corrected = by

    def free_claims(self) -> None:
        self.freed += 1

    def answer(self, mailboxes: list[str]) -> None:
        self.asked += mailboxes

    async def join(self) -> None:
        await self.keeper.open()
        await self.keeper.join()
        self.thaw()

    def freeze(self) -> None:
        """It does nothing any more; its session is there until the server ends it."""
        assert self.keeping is not None
        self.keeping.cancel()

    def thaw(self) -> None:
        self.keeping = asyncio.create_task(self.keeper.repeat())


class House:
    """Workers on one store."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.store = Store(postgres.common)
        self.workers: list[Worker] = []

    async def joins(self, ahead: timedelta = timedelta(0)) -> Worker:
        worker = Worker(self.store, ahead)
        self.workers.append(worker)
        await worker.join()
        return worker

    async def shared_by(self, *workers: Worker) -> None:
        """Waits until these read everything, nobody else does, and each reads as much as the others."""

        def well() -> bool:
            reads = Counter(shard for one in self.workers for shard in one.reads)
            fair = max(len(one.reads) for one in workers) - min(len(one.reads) for one in workers) <= 1
            return (
                fair and set(reads.values()) == {1} and len(reads) == SHARDS == sum(len(one.reads) for one in workers)
            )

        await wait_in_loop(well, "the house is not shared fairly")

    def entered(self) -> set[int | None]:
        """Who has shards by the table that people read."""
        with self.store.reading() as tx:
            return {record.worker for record in tx.workers.shards()}

    def ends_session_of(self, worker: Worker) -> None:
        """As the server does where it has heard nothing of a worker for too long."""
        with psycopg.connect(self.postgres.common.replace("+psycopg", ""), autocommit=True) as one:
            lives = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
            one.execute(lives, [1_000_000_000 + worker.keeper.number])


@pytest.fixture
async def house(postgres: Postgres) -> AsyncIterator[House]:
    house = House(postgres)
    yield house
    for worker in house.workers:
        worker.freeze()
        await worker.keeper.aclose()
    house.store.close()
    postgres.empty()


async def test_workers_who_join_and_leave_share_all_mailboxes_fairly(house: House) -> None:
    one = await house.joins()
    assert one.reads == frozenset(range(SHARDS)), "the first has all at once"
    two, three = await house.joins(), await house.joins()
    await house.shared_by(one, two, three)
    (reader,) = [worker for worker in house.workers if worker.keeper.reads(MailboxId("ana"))]
    assert shard_of("ana") in reader.reads
    await wait_in_loop(lambda: sorted(one.figures for one in house.workers) == [(3, 85, 0), (3, 85, 0), (3, 86, 0)])
    two.freeze()
    await two.keeper.leave()
    await house.shared_by(one, three)
    await wait_in_loop(lambda: house.entered() == {one.keeper.number, three.keeper.number}, "who has what is entered")
    with house.store.reading() as tx:
        assert [record.left_at is None for record in tx.workers.all()] == [True, False, True]


async def test_what_a_frozen_worker_read_others_read_and_once_thawed_it_takes_a_share_again(house: House) -> None:
    one, two = await house.joins(), await house.joins()
    await house.shared_by(one, two)
    two.freeze()
    house.ends_session_of(two)
    await wait_in_loop(lambda: len(one.reads) == SHARDS, "the other reads everything")
    assert len(two.reads) == SHARDS // 2, "it knows nothing of it: for a moment both read"
    two.thaw()
    await house.shared_by(one, two)


async def test_after_a_restart_of_the_database_everybody_reads_what_they_read_before(house: House) -> None:
    one, two, three = await house.joins(), await house.joins(), await house.joins()
    await house.shared_by(one, two, three)
    before = [worker.reads for worker in house.workers]
    house.postgres.down()
    three.freeze()
    house.postgres.up()
    for worker in (one, two):
        await wait_in_loop(lambda: not worker.keeper.lost, "it has a session again")  # noqa: B023  (awaited at once)
    assert [worker.reads for worker in house.workers] == before
    three.thaw()  # the last to come back still finds its own
    await wait_in_loop(lambda: three.keeper.locked == before[2], "it has its own again")
    assert [worker.reads for worker in house.workers] == before


async def test_a_request_reaches_every_worker_without_delay(house: House) -> None:
    one, two = await house.joins(), await house.joins()
    with house.store.transaction() as tx:
        tx.look_requests.ask(["ana"], NOW)
    await wait_in_loop(lambda: one.asked and two.asked, "they hear of it")
    with house.store.transaction() as tx:
        tx.look_requests.answer("ana", NOW)
        assert tx.look_requests.open(["ana"]) == set()


async def test_a_worker_whose_clock_is_wrong_reckons_by_the_databases_and_one_whose_is_right_by_its_own(
    house: House,
) -> None:
    right, wrong = await house.joins(timedelta(seconds=0.5)), await house.joins(timedelta(minutes=-10))
    assert right.corrected is None
    assert wrong.corrected is not None
    assert abs(wrong.corrected - wrong.ahead) < timedelta(seconds=1)
    wrong.ahead = timedelta(0)  # NTP sets it
    await wait_in_loop(lambda: wrong.corrected == timedelta(0), "it reckons by its own clock again")
