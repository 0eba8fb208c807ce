"""The writer's thread: an outage is over once something is written again, and whoever waits is told in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxwatch.daemon import writer as writing
from inboxwatch.daemon.writer import Writer
from inboxwatch.store import Conflict, Outage, Store, Transaction
from inboxwatch.store.marks import ProbeMark


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


@pytest.fixture
def worker(store: Store) -> Iterator[Writer]:
    worker = Writer(store)
    yield worker
    worker.close()


async def test_only_a_committed_write_is_a_recovery(worker: Writer, store: Store) -> None:
    """A query that goes well proves nothing: a full disk allows it all the time."""
    said: list[str | None] = []
    broken = asyncio.Event()
    broken.set()

    def needs_room(tx: Transaction) -> str:
        if broken.is_set():
            raise Outage("database or disk is full")
        return "done"

    news = asyncio.Event()

    def hear(words: str | None) -> None:
        said.append(words)
        news.set()

    worker.on_outage = hear
    stuck = asyncio.create_task(worker.write(needs_room))
    await news.wait()
    for _ in range(5):
        await worker.read(lambda tx: tx.marks.get(ProbeMark()))
        await worker.write(lambda tx: tx.clocks.running())
    assert said == ["database or disk is full"], "others went well, but what failed has not been written"
    broken.clear()
    assert await stuck == "done"
    assert said == ["database or disk is full", None]
    with store.reading() as tx:
        assert tx.marks.get(ProbeMark()) is not None, "it was proved by a write"


async def test_who_waits_for_an_answer_is_told_of_an_outage_and_nothing_is_done_later(worker: Writer) -> None:
    tries: list[int] = []

    def away(tx: Transaction) -> None:
        tries.append(1)
        raise Outage("connection refused")

    with pytest.raises(Outage, match="connection refused"):
        await worker.run(lambda: away(None), patience=0.2)  # type: ignore[arg-type]
    counted = len(tries)
    await worker.read(lambda tx: None)
    assert (len(tries), worker.outage) == (counted, "connection refused")
    await worker.write(lambda tx: None)
    assert worker.outage is None


async def test_a_long_read_beside_the_writer_holds_up_no_write(worker: Writer) -> None:
    begun, written = threading.Event(), threading.Event()

    def long(tx: Transaction) -> bool:
        begun.set()
        return written.wait(60)

    reading = asyncio.create_task(worker.read_beside(long))
    assert await asyncio.to_thread(begun.wait, 60)
    await asyncio.wait_for(worker.write(lambda tx: tx.clocks.running()), 30)
    written.set()
    assert await reading, "the write was done while it was read"


async def test_two_workers_that_meet_are_no_outage(worker: Writer) -> None:
    said: list[str | None] = []
    worker.on_outage = said.append
    left = [3]

    def meets(tx: Transaction) -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Conflict("could not serialize access due to concurrent update")
        return "done"

    assert await worker.write(meets) == "done"
    assert (said, worker.outage) == ([], None)
    assert writing.PATIENCE < 30, "shorter than what a command waits for the daemon"
