"""The one thread that writes to the store, and how the event loop waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from inboxwatch.core.backoff import Backoff
from inboxwatch.store import Outage, Store, Transaction

log = structlog.get_logger(__name__)

BACK_OFF = Backoff(0.05, 2.0)
"""Pauses between attempts while the store is away."""

P = ParamSpec("P")
R = TypeVar("R")


class Writer:
    """Runs use cases one after the other, each in a transaction of its own.

    One writer suits SQLite, and needs no locks on PostgreSQL. A use case that has begun is always finished, even where
    the task that waits for it is cancelled; one that met an outage of the store is simply done again, until it is done.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.on_outage: Callable[[str | None], None] = lambda error: None
        """Called in the event loop with the driver's words when the store goes away, with None when it is back."""
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._away = False

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What the use case returns, once it is committed."""

        def unit() -> R:
            with self._store.transaction() as tx:
                return use_case(tx, *args, **kwargs)

        return await self.run(unit)

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What a query finds behind all that was written so far; it waits for no other process that writes."""

        def unit() -> R:
            with self._store.reading() as tx:
                return query(tx, *args, **kwargs)

        return await self.run(unit)

    async def run(self, unit: Callable[[], R]) -> R:
        """Does one unit of work on the writer's thread, again and again while the store cannot be used."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            attempt += 1
            try:
                done = await loop.run_in_executor(self._threads, unit)
            except Outage as error:
                if not self._away:
                    log.warning("the store cannot be used, trying again", error=str(error))
                    self.on_outage(str(error))
                self._away = True
                await asyncio.sleep(BACK_OFF.pause(attempt))
            else:
                if self._away:
                    log.info("the store can be used again")
                    self.on_outage(None)
                self._away = False
                return done

    def close(self) -> None:
        """Waits for the unit under way; further ones are refused."""
        self._threads.shutdown(wait=True, cancel_futures=True)
