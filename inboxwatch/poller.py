"""One supervised loop a mailbox: push hint, poll, back-off, health, seen_until."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from inboxwatch.connector import Cursor, MailboxError, MailConnector, Reason, Waits
from inboxwatch.core.model import MailboxId
from inboxwatch.engine import Engine
from inboxwatch.instant import Now
from inboxwatch.worker import Worker

if TYPE_CHECKING:
    from inboxwatch.config import MailboxConfig

log = structlog.get_logger(__name__)

BATCH_LIMIT = 120.0
"""Seconds that one batch may take; a connector that needs longer hangs."""
BACK_OFF = (1.0, 300.0)
"""Seconds of the first and the longest pause between attempts that fail."""


class Meter(Protocol):
    """What a poller counts."""

    def poll_finished(self, connector: str, seconds: float) -> None: ...
    def mailbox_error(self, mailbox: str, reason: str) -> None: ...
    def detected(self, connector: str, lag_seconds: float) -> None: ...


class Poller:
    """Watches one mailbox until cancelled; no failure of its connector ends it."""

    def __init__(
        self,
        name: MailboxId,
        box: MailboxConfig,
        connector: MailConnector,
        engine: Engine,
        worker: Worker,
        meter: Meter,
        now: Now,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self._box = box
        self._connector = connector
        self._engine = engine
        self._worker = worker
        self._meter = meter
        self._now = now
        self._changed = changed
        self._turn = asyncio.Lock()
        self._asked: asyncio.Task[bool] | None = None
        self._looks: set[asyncio.Task[bool]] = set()
        self._failures = 0
        self._rests_until = now()
        self._chance = random.Random(name)  # noqa: S311  (jitter, not secrecy)
        self.tried = asyncio.Event()
        """Set once the mailbox was tried, whatever came of it."""
        self.healthy = False

    async def watch(self) -> None:
        while True:
            pause = await self.poll()
            if pause is None:
                await self._wait(self._jittered(self._box.poll_every.total_seconds()))
            else:
                await asyncio.sleep(pause)

    async def look(self) -> bool:
        """Reads the mailbox now, before a step leaves; False where it cannot be read.

        All who ask while it is being read share the next reading. A mailbox that rests after a failure is let rest.
        """
        if self._failures and self._now() < self._rests_until:
            return False
        if self._asked is None:
            self._asked = asyncio.create_task(self._look())
            self._looks.add(self._asked)
            self._asked.add_done_callback(self._looks.discard)
        return await asyncio.shield(self._asked)

    async def _look(self) -> bool:
        async with self._turn:
            self._asked = None  # what comes in from now on, this reading may miss
            await self._poll()
            return self.healthy

    async def poll(self) -> float | None:
        """Reads all that is new. Returns None on success, else how many seconds to pause."""
        async with self._turn:
            return await self._poll()

    async def _poll(self) -> float | None:
        begun = time.monotonic()
        try:
            await self._read()
        except MailboxError as error:
            return await self._failed(error)
        except TimeoutError:
            return await self._failed(MailboxError(Reason.TIMEOUT, f"no answer within {BATCH_LIMIT:.0f} s"))
        except Exception as error:  # a defect in one connector must not end the daemon; it is told
            log.exception("poll failed by a defect", mailbox=self.name)
            return await self._failed(MailboxError(Reason.CLIENT, f"defect in the connector: {type(error).__name__}"))
        finally:
            self.tried.set()
        self._meter.poll_finished(self._box.connector, time.monotonic() - begun)
        if self._failures:
            log.info("mailbox readable again", mailbox=self.name, failures=self._failures)
        self._failures = 0
        self.healthy = True
        return None

    async def _read(self) -> None:
        row = await self._worker.run(self._state)
        cursor, quiet = row
        batches = self._connector.poll(cursor).__aiter__()
        moved = False
        while True:
            async with asyncio.timeout(BATCH_LIMIT):
                batch = await anext(batches, None)
            if batch is None:
                break
            result = await self._worker.run(self._engine.ingest, self.name, batch, cursor, self._now(), quiet=quiet)
            if result.stale:
                log.info("another worker reads this mailbox", mailbox=self.name)
                return
            cursor = batch.cursor
            if batch.resynced:
                quiet = True
                log.warning("position refused by the server, reading again from the horizon", mailbox=self.name)
            if result.quarantined:
                log.warning("messages quarantined", mailbox=self.name, count=result.quarantined)
            if not quiet:
                for received, seen in result.started:
                    self._meter.detected(self._box.connector, max(0.0, (seen - received).total_seconds()))
            if result.fresh:
                moved = True
                log.info("mail read", mailbox=self.name, messages=result.fresh, remaining=batch.remaining)
        if quiet:
            await self._worker.run(self._engine.first_sight_over, self.name, self._now())
        await self._worker.run(self._engine.succeeded, self.name, self._now())
        if moved or quiet or not self.healthy:
            self._changed()

    def _state(self) -> tuple[Cursor | None, bool]:
        with self._engine.store.reading() as tx:
            row = tx.mailboxes.get(self.name)
        return (Cursor(row.cursor) if row and row.cursor else None), not (row and row.first_sight_done)

    async def _failed(self, error: MailboxError) -> float:
        self.healthy = False
        self._failures += 1
        self._meter.mailbox_error(self.name, error.reason.value)
        if self._failures == 1:
            log.warning("mailbox unreadable", mailbox=self.name, reason=error.reason.value, hint=error.hint)
        await self._worker.run(self._engine.failed, self.name, error, self._now())
        self._changed()
        first, longest = BACK_OFF
        doubled = first * 2 ** min(self._failures - 1, 16)
        pause = min(longest, doubled, max(first, self._box.poll_every.total_seconds() * 4))
        pause = max(error.retry_after or 0.0, self._jittered(pause))
        self._rests_until = self._now() + timedelta(seconds=pause)
        return pause

    def _jittered(self, seconds: float) -> float:
        return seconds * self._chance.uniform(0.9, 1.1)

    async def _wait(self, seconds: float) -> None:
        """Until the connector hears of mail, at most `seconds`: push is a hint, the poll is the truth."""
        if not isinstance(self._connector, Waits):
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds + timedelta(seconds=30).total_seconds()):
                await self._connector.wait(seconds)
        except (MailboxError, TimeoutError):
            # The next poll finds out what is wrong and says so.
            await asyncio.sleep(self._jittered(BACK_OFF[0]))
        except Exception:  # a defect of a hint must not end the poll
            log.exception("wait failed by a defect", mailbox=self.name)
            await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """Ends the readings that were asked for; `watch` ends by being cancelled."""
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
