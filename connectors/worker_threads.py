"""Blocking work for an event loop: on daemon threads, bounded in all and for each host.

A host that does not answer can hold its own share of the threads, never those of others; and no thread that hangs in a
system call can keep the process from ending, as those of concurrent.futures would.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar
from weakref import WeakKeyDictionary

MAX_THREADS = 64
MAX_THREADS_PER_HOST = 16

Result = TypeVar("Result")


class WorkerThreads:
    """The threads of one event loop: at most `total` of them at once, and `per_host` for one host."""

    def __init__(self, total: int = MAX_THREADS, per_host: int = MAX_THREADS_PER_HOST) -> None:
        self._all = asyncio.Semaphore(total)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))

    async def run(self, host: str, work: Callable[[], Result], limit: float) -> Result:
        """Runs `work` on a thread and returns what it returns; waits for a free one first.

        Raises TimeoutError after `limit` seconds of running. Then, and when cancelled, the thread runs on and keeps its
        place until `work` ends: the caller must make it end, by closing the socket that it reads.
        """
        loop = asyncio.get_running_loop()
        places = (self._hosts[host], self._all)
        taken: list[asyncio.Semaphore] = []
        try:
            for place in places:
                await place.acquire()
                taken.append(place)
            future: Future[Result] = Future()
            threading.Thread(target=_carry_out, args=(future, work), name=f"reads {host}", daemon=True).start()
        except BaseException:
            for place in taken:
                place.release()
            raise

        def free(_: Future[Result]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for a place any more
                for place in places:
                    loop.call_soon_threadsafe(place.release)

        future.add_done_callback(free)
        async with asyncio.timeout(limit):
            return await asyncio.wrap_future(future)


def _carry_out(future: Future[Result], work: Callable[[], Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  (it belongs to the task that waits for the future)
        future.set_exception(error)


_workers: WeakKeyDictionary[asyncio.AbstractEventLoop, WorkerThreads] = WeakKeyDictionary()


def workers() -> WorkerThreads:
    """The threads of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _workers:
        _workers[loop] = WorkerThreads()
    return _workers[loop]
