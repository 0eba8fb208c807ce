"""A look before a step into a mailbox that another worker reads: it reads, and who asked knows how it fared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from inboxwatch.daemon.looks import Looks
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from tests.doubles.postgres import Postgres
from tests.support.batched_daemon import ANA, BatchedDaemon
from tests.support.in_process_daemon import MONDAY
from tests.support.inline_writer import InlineWriter
from tests.support.waiting import wait_in_loop


@dataclass
class Mailbox:
    """Ana's, as the worker has it that reads it."""

    daemon: BatchedDaemon
    readable: bool = True
    readings: int = 0

    async def look(self) -> bool:
        self.readings += 1
        if self.readable:
            with self.daemon.store.transaction() as tx:
                tx.cursors.seen(ANA, self.daemon.at)
        return self.readable


class TwoWorkers:
    """One that asks, and one that reads Ana's mailbox."""

    def __init__(self, daemon: BatchedDaemon) -> None:
        self.daemon, self.box = daemon, Mailbox(daemon)
        self.spawned: list[asyncio.Task[None]] = []
        context = LoopContext(daemon.rules, InlineWriter(daemon.store), daemon.now)
        self.asking = Looks({}, True, self._spawn, context)
        self.reading = Looks({ANA: cast("Poller", self.box)}, True, self._spawn, context)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.spawned.append(asyncio.create_task(work))

    async def look(self) -> bool:
        """Looks into the mailbox from the worker that does not read it."""
        looking = asyncio.create_task(self.asking.look([ANA], []))
        await wait_in_loop(self.wanted, "it asks in the store")
        self.daemon.at += timedelta(seconds=1)
        self.reading.answer(self.wanted())
        self.reading.answer(self.wanted())
        return await looking

    def wanted(self) -> set[str]:
        with self.daemon.store.reading() as tx:
            return tx.look_requests.open([ANA])


@pytest.fixture
async def workers(tmp_path: Path, postgres: Postgres) -> AsyncIterator[TwoWorkers]:
    daemon = BatchedDaemon(tmp_path, postgres.common)
    with daemon.store.transaction() as tx:
        tx.mailboxes.ensure([ANA])
        tx.cursors.seen(ANA, MONDAY - timedelta(hours=1))
    yield TwoWorkers(daemon)
    daemon.close()
    postgres.empty()


async def test_a_mailbox_of_another_worker_is_read_there_once_however_often_it_hears_of_it(workers: TwoWorkers) -> None:
    assert await workers.look()
    assert (workers.box.readings, workers.wanted()) == (1, set())


async def test_whoever_asked_hears_that_it_cannot_be_read(workers: TwoWorkers) -> None:
    workers.box.readable = False
    assert not await workers.look()
