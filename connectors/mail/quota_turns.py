"""Turns of mailboxes that share a quota: which of them may be read now, and how long the others may wait.

A step of a poll must end within 300 s (see MailConnector), and a thousand mailboxes of one project may want to be read
at once. If all of them queued for each single request, none would end its first step in time. So only a few mailboxes
are read at a time, each at the full speed of its own quota, and the others wait in a queue. A mailbox that would wait
too long gets Reason.RATE_LIMITED, which is not a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import aclosing
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from connectors.retry import retried
from inboxwatch.connector import Batch, MailboxError, Reason

TURN_LIMIT = 100.0
"""Seconds that a step may wait in the queue."""
SLEEP_LIMIT = 150.0
"""Seconds after its beginning at which a step stops sleeping; the request under way may take as long again."""
LONG, LONG_ENOUGH = 45.0, 10.0
"""Seconds of a turn after which a step yields what it has read: with an empty queue, and with others waiting."""

Result = TypeVar("Result")


class QuotaTurns:
    """The queue of one quota: `at_once` mailboxes have their turn, the others wait."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self.waiting = 0

    async def take(self, seconds: float) -> None:
        """Waits for a turn, which `give_back` must end. Raises TimeoutError after so many seconds."""
        self.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        finally:
            self.waiting -= 1

    def give_back(self) -> None:
        """Ends a turn."""
        self._free.release()


def _now() -> float:
    """Seconds by the clock of the running event loop."""
    return asyncio.get_running_loop().time()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[Hashable, QuotaTurns]] = WeakKeyDictionary()


def turns(whose: Hashable, at_once: int) -> QuotaTurns:
    """The queue of the quota `whose` on the running event loop; the first caller decides `at_once`."""
    known = _turns.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    found = known.get(whose)
    if found is None:
        found = known[whose] = QuotaTurns(at_once)
    return found


class MailboxTurns:
    """The turns of one mailbox: at most one is under way, for one step of a poll."""

    def __init__(self, retry_for: float, shared: Callable[[], QuotaTurns]) -> None:
        """`retry_for`: seconds that a request may wait for a server that throttles it.

        `shared` gives the queue; it is called on the event loop, with the first turn.
        """
        self._retry_for = retry_for
        self._shared = shared
        self._queue: QuotaTurns | None = None
        self._ends = math.inf
        self._taken = 0.0
        self._under_way = False

    @property
    def left(self) -> float:
        """Seconds for which the step under way may still sleep; infinite where no step is under way."""
        return self._ends - _now() if self._under_way else math.inf

    @property
    def long(self) -> bool:
        """Whether the step under way should yield what it has read."""
        assert self._queue is not None  # noqa: S101  (a step is under way)
        return _now() - self._taken > (LONG_ENOUGH if self._queue.waiting else LONG)

    async def retried(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        """See `connectors.retry.retried`: within the step's time."""
        return await retried(ask, self._retry_for, lambda: self.left)

    async def begin(self) -> None:
        """Waits for the mailbox's turn. Raises MailboxError where that takes too long."""
        self._queue = self._queue or self._shared()
        ends = _now() + SLEEP_LIMIT
        try:
            await self._queue.take(TURN_LIMIT)
        except TimeoutError:
            waiting = self._queue.waiting + 1
            raise MailboxError(
                Reason.RATE_LIMITED,
                f"{waiting} mailboxes that share a quota or a login wait for their turn to be read",
                hint="poll less often, or raise the quota and tell it in the config",
                retry_after=LONG,
            ) from None
        self._ends, self._taken, self._under_way = ends, _now(), True

    def end(self) -> None:
        """Lets others have their turn. Does nothing where no step is under way."""
        if self._under_way and self._queue is not None:
            self._under_way = False
            self._queue.give_back()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn that lasts as long as the block. Raises MailboxError as `begin` does."""
        await self.begin()
        try:
            yield
        finally:
            self.end()

    async def polled(self, poll: AsyncGenerator[Batch, None]) -> AsyncIterator[Batch]:
        """The batches of a poll, each read in a turn of its own."""
        await self.begin()
        try:
            async with aclosing(poll):
                async for batch in poll:
                    self.end()
                    yield batch
                    if batch.seen_until is None:
                        await self.begin()
        finally:
            self.end()
