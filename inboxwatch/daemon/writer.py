"""The one thread that writes to the store, and how the event loop waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from inboxwatch.core.backoff import Backoff
from inboxwatch.now import now as utc_now
from inboxwatch.store import Conflict, Outage, Store, Transaction
from inboxwatch.store.marks import ProbeMark

log = structlog.get_logger(__name__)

BACK_OFF = Backoff(0.05, 2.0)
"""Pauses between attempts while the store is away."""

PATIENCE = 5.0
"""Seconds for which somebody who waits for an answer is kept waiting by an outage."""

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
        self.outage: str | None = None
        """The driver's words while the store cannot be used."""
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._stuck: set[object] = set()
        """Units that have met an outage and are not done yet."""

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What the use case returns, once it is committed."""
        return await self.run(self._writing(use_case, *args, **kwargs), writes=True)

    async def write_once(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `write`, but gives up after a few seconds of an outage: somebody waits. Raises Outage; then nothing was
        written, and nothing will be.
        """
        return await self.run(self._writing(use_case, *args, **kwargs), writes=True, patience=PATIENCE)

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What a query finds behind all that was written so far; it waits for no other process that writes."""
        return await self.run(self._reading(query, *args, **kwargs), writes=False)

    async def read_beside(
        self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `read`, but in a thread of its own: what takes seconds keeps nobody who writes waiting."""
        return await self.run(self._reading(query, *args, **kwargs), writes=False, beside=True)

    def _reading(
        self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[], R]:
        def unit() -> R:
            with self._store.reading() as tx:
                return query(tx, *args, **kwargs)

        return unit

    def _writing(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[], R]:
        def unit() -> R:
            with self._store.transaction() as tx:
                done = use_case(tx, *args, **kwargs)
                if self.outage is not None:
                    # What is read, or found done already, proves nothing: a full disk allows that all the time.
                    tx.marks.set(ProbeMark(), utc_now())
                return done

        return unit

    async def run(
        self, unit: Callable[[], R], *, writes: bool = True, patience: float | None = None, beside: bool = False
    ) -> R:
        """Does one unit of work on the writer's thread or beside it, again and again while the store cannot be used."""
        loop = asyncio.get_running_loop()
        begun, attempt, token = loop.time(), 0, object()
        try:
            while True:
                attempt += 1
                try:
                    if token in self._stuck:
                        await loop.run_in_executor(self._threads, self._store.reconnect)
                    done = await loop.run_in_executor(None if beside else self._threads, unit)
                except Conflict as error:
                    log.debug("two workers met, doing it again", error=str(error), attempt=attempt)
                except Outage as error:
                    self._stuck.add(token)
                    self._away(str(error))
                    if patience is not None and loop.time() - begun >= patience:
                        raise
                else:
                    self._stuck.discard(token)
                    if writes and not self._stuck:
                        self._back()
                    return done
                await asyncio.sleep(BACK_OFF.pause(attempt))
        finally:
            self._stuck.discard(token)

    def _away(self, error: str) -> None:
        if self.outage is None:
            log.warning("the store cannot be used, trying again", error=error)
            self.on_outage(error)
        self.outage = error

    def _back(self) -> None:
        if self.outage is not None:
            log.info("the store can be used again")
            self.outage = None
            self.on_outage(None)

    def close(self) -> None:
        """Waits for the unit under way; further ones are refused."""
        self._threads.shutdown(wait=True, cancel_futures=True)
