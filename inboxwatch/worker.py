"""The one thread that writes to the store, and how the event loop waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Worker:
    """Runs the engine's blocking units of work one after the other.

    One writer suits SQLite, and keeps the engine free of locks on PostgreSQL. A unit that has begun is always
    finished, even where the task that waits for it is cancelled.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: unit(*args, **kwargs))

    def close(self) -> None:
        """Waits for the unit under way; further ones are refused."""
        self._threads.shutdown(wait=True, cancel_futures=True)
