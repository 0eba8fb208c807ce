"""Keeps this worker's share of the mailboxes on a store that several share: looks every second who is at work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from inboxwatch.core.backoff import Backoff
from inboxwatch.core.model import MailboxId
from inboxwatch.core.shards import SHARDS, moves, shard_of
from inboxwatch.now import Now, machine_now
from inboxwatch.store import Outage
from inboxwatch.store.shard_locks import Seen, ShardLocks

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds from one look to the next, unless there is a hint."""
COURTESY = timedelta(seconds=5)
"""For so long after a restart or fail-over of the database the shards of others are left to them: they are on their
way back, too."""
LATELY = timedelta(minutes=1)
"""Who was at work so short a time before it is on the way back."""
NOTED = 10.0
"""Seconds from one entry that this worker is at work to the next."""
ENDING = 3.0
"""Seconds that readings have to end before their shards are given to another: an overlap does no harm."""
WRONG = timedelta(seconds=2)
"""A machine's clock that differs by more from the database's is taken for wrong; by less than half of it, for right."""
BACK_OFF = Backoff(0.1, 2.0)
"""Pauses between attempts to begin a session."""

Result = TypeVar("Result")


class Sharing(Protocol):
    """What the share of a worker decides."""

    async def share(self) -> None:
        """Reads the mailboxes of the shards that are this worker's now, and no others."""
        ...

    def machine_is_ahead(self, by: timedelta) -> None:
        """Reckons by the database's clock: this machine's differs so much that it is taken for wrong; zero: no more."""
        ...

    def shared_out(self, workers: int, shards: int, unread: int) -> None:
        """Records how many workers there are, how many shards this one reads, and how many nobody reads."""
        ...

    def free_claims(self) -> None:
        """Takes up what workers had begun that live no more."""
        ...

    def answer(self, mailboxes: list[str]) -> None:
        """Reads mailboxes that another worker wants to be read now."""
        ...


class ShardKeeper:
    """One worker among others. Where its session is lost it reads on until another has its shards."""

    def __init__(self, locks: ShardLocks, number: int, sharing: Sharing, machine: Now = machine_now) -> None:
        self.number = number
        self.owned: frozenset[int] = frozenset()
        """The shards whose mailboxes this worker reads."""
        self.first: frozenset[int] | None = None
        """Those that it took at first; None before."""
        self.locked: frozenset[int] = frozenset()
        """Those that its session held when it looked last."""
        self.lost = False
        """Whether it has no session."""
        self._locks = locks
        self._sharing = sharing
        self._machine = machine
        self._ahead = self._corrected = timedelta(0)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="locks")
        self._server_began: datetime | None = None
        self._courteous_until = float("-inf")
        self._noted_at = float("-inf")
        self._living: frozenset[int] = frozenset()
        self._hinted = asyncio.Event()

    def reads(self, mailbox: MailboxId) -> bool:
        return shard_of(mailbox) in self.owned

    async def open(self) -> None:
        """Begins the session by which others see that this worker lives, as soon as the database allows it."""
        failures = 0
        while True:
            try:
                await self._do(self._locks.open)
                await self._look()
            except Outage as error:
                failures += 1
                if failures == 1:
                    log.warning("no session for this worker's locks yet, trying again", error=str(error))
                await asyncio.sleep(BACK_OFF.pause(failures))
            else:
                return

    async def join(self) -> None:
        """Takes a share, now that mailboxes can be read."""
        with contextlib.suppress(Outage):  # `repeat` tries again
            await self._do(self._locks.join)
            seen = await self._look()
            lately = await self._do(lambda: self._locks.seen_since(seen.at - LATELY))
            if seen.at - seen.server_began > 2 * COURTESY or lately <= seen.house.workers:
                self._server_began = seen.server_began
        await self._round()

    async def repeat(self) -> None:
        """Goes on until cancelled."""
        failures = 0
        while True:
            await self._rest(BACK_OFF.pause(failures) if self.lost else EVERY)
            await self._round()
            failures = failures + 1 if self.lost else 0

    async def leave(self) -> None:
        """Hands over at once: reads nothing more, wants no share, and frees its shards."""
        self.owned = frozenset()
        with contextlib.suppress(Outage):
            await self._do(self._locks.leave)
            await self._applied()
            await self._do(lambda: self._locks.give(self.locked))
            await self._do(self._locks.left)

    async def aclose(self) -> None:
        """Ends the session."""
        await self._do(self._locks.close)
        self._thread.shutdown()

    async def _round(self) -> None:
        try:
            if self.lost:
                await self._do(self._locks.open)
                await self._do(self._locks.join)
                log.info("this worker shares mailboxes again")
                self.lost = False
            await self._share(await self._look())
            self._sharing.answer(list(await self._do(self._locks.wanted)))
        except Outage as error:
            if not self.lost:
                log.warning("the session of this worker's locks is lost, its mailboxes are read on", error=str(error))
            self.lost = True

    async def _look(self) -> Seen:
        """What everybody sees, and how wrong this machine's clock is."""
        begun = self._machine()
        seen = await self._do(self._locks.look)
        took = self._machine() - begun
        self._ahead = begun + took / 2 - seen.at
        error = self._ahead - self._corrected
        wrong = abs(self._ahead) >= (WRONG / 2 if self._corrected else WRONG)
        if took < WRONG / 4 and (abs(error) >= WRONG / 4 if wrong else self._corrected):
            self._corrected = self._ahead if wrong else timedelta(0)
            seconds = round(self._ahead.total_seconds(), 1)
            if wrong:
                hint = "timedatectl shows whether it is set by NTP"
                log.warning("this machine's clock is wrong, the database's counts", ahead_seconds=seconds, hint=hint)
            else:
                log.info("this machine's clock is right again", ahead_seconds=seconds)
            self._sharing.machine_is_ahead(self._corrected)
        return seen

    async def _share(self, seen: Seen) -> None:
        """Takes and gives what is to be; what another has taken is read no longer."""
        now, me, locks = asyncio.get_running_loop().time(), self.number, self._locks
        if seen.server_began != self._server_began:
            self._server_began, self._courteous_until = seen.server_began, now + COURTESY.total_seconds()
        if me not in seen.house.workers:
            raise Outage("the server knows nothing of this worker")
        courteous = now < self._courteous_until
        todo = moves(seen.house, me, self.owned, courteous=courteous)
        taken = await self._do(lambda: locks.take(todo.take))
        self.locked = seen.house.owned(me) | taken
        reads_on = self.owned - (seen.house.owners.keys() - self.locked) if courteous else frozenset()
        await self._read(self.locked - set(todo.give) | reads_on, len(seen.house.workers))
        await self._do(lambda: locks.note(taken, me, seen.at))
        # Entered before it is so: who takes them at once must be the last to say so.
        await self._do(lambda: locks.note(todo.give, None, seen.at))
        await self._do(lambda: locks.give(todo.give))
        unread = SHARDS - len(seen.house.owners.keys() | taken)
        self._sharing.shared_out(len(seen.house.workers), len(self.owned), unread)
        noting = now - self._noted_at >= NOTED
        if not courteous and (noting or seen.living != self._living):
            self._living = seen.living
            self._sharing.free_claims()
        if noting:
            self._noted_at = now
            await self._do(lambda: locks.seen(seen.at, self._ahead.total_seconds()))

    async def _read(self, owned: frozenset[int], workers: int) -> None:
        before, self.owned = self.owned, owned
        if self.first is None:
            self.first = owned
        if owned == before:
            return
        if workers > 1 or before:
            log.info("mailboxes are shared out anew", shards=len(owned), before=len(before), workers=workers)
        await self._applied()

    async def _applied(self) -> None:
        """Waits until the readings are as they should be, though not for ever: the session must not fall silent."""
        task = asyncio.ensure_future(self._sharing.share())
        await asyncio.wait({task}, timeout=ENDING)
        if task.done():
            task.result()

    async def _do(self, step: Callable[[], Result]) -> Result:
        """One step of the session, on its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    async def _rest(self, seconds: float) -> None:
        """Until there is a hint, at most so long."""
        loop, socket = asyncio.get_running_loop(), None if self.lost else self._locks.fileno()
        self._hinted.clear()
        if socket is not None:
            loop.add_reader(socket, self._hinted.set)
        try:
            async with asyncio.timeout(seconds):
                await self._hinted.wait()
        except TimeoutError:
            return
        finally:
            if socket is not None:
                loop.remove_reader(socket)
