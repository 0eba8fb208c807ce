"""The one thread that writes to the store, and how the event loop waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from typing import ParamSpec, TypeVar

import structlog

from inboxwatch.store import Outage

log = structlog.get_logger(__name__)

PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts while the store is away; the last one again and again."""

P = ParamSpec("P")
R = TypeVar("R")


class Worker:
    """Runs the engine's blocking units of work one after the other.

    One writer suits SQLite, and keeps the engine free of locks on PostgreSQL. A unit that has begun is always
    finished, even where the task that waits for it is cancelled. A unit is one transaction, so one that met an outage
    of the store is simply done again, until it is done.
    """

    def __init__(self) -> None:
        self.on_outage: Callable[[str | None], None] = lambda error: None
        """Called in the event loop with the driver's words when the store goes away, with None when it is back."""
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._away = False

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        while True:
            try:
                done = await loop.run_in_executor(self._threads, lambda: unit(*args, **kwargs))
            except Outage as error:
                if not self._away:
                    log.warning("the store cannot be used, trying again", error=str(error.orig))
                    self.on_outage(str(error.orig))
                self._away = True
                await asyncio.sleep(next(pauses))
            else:
                if self._away:
                    log.info("the store can be used again")
                    self.on_outage(None)
                self._away = False
                return done

    def close(self) -> None:
        """Waits for the unit under way; further ones are refused."""
        self._threads.shutdown(wait=True, cancel_futures=True)
