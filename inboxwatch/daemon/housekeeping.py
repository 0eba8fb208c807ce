"""Once a minute: digests, reports and IT's alarms that are due, follow-ups gone quiet, and some of what is too old."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.alarms import Access, Disk, watch_all
from inboxwatch.engine.digests import enqueue_digests
from inboxwatch.engine.gone_quiet import close_quiet
from inboxwatch.engine.report.schedule import enqueue_reports
from inboxwatch.engine.retention import expire, expire_audit, forget_filtered, watch_age
from inboxwatch.engine.threads_again import place_again

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds from one time to the next."""
TURNS = 50
"""So many transactions are spent on threads of an older version each time: digests do not wait for all of them."""

Accesses = Callable[[], Sequence[Access]]
"""When the access to each mailbox and directory ends, where its connector knows."""


class Housekeeping:
    """Level-triggered: any number of times, early or late, notify of each thing once."""

    def __init__(self, file: Path | None, accesses: Accesses, context: LoopContext) -> None:
        """`file`: where the store lies, where it is a file of this machine."""
        self._rules = context.rules
        self._writer = context.writer
        self._file = file
        self._accesses = accesses
        self._now = context.now
        self._wake = context.wake

    async def repeat(self) -> None:
        """Goes on until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        disk = await asyncio.to_thread(self._disk)
        new = await self._writer.write(enqueue_digests, self._rules, self._now())
        new += await self._writer.write(enqueue_reports, self._rules, self._now())
        new += await self._writer.write(watch_all, self._rules, self._now(), self._accesses(), disk)
        new += await self._look_at_clock()
        await self._place_again()
        if new or await self._close_quiet():
            self._wake()
        if erased := await self._writer.write(expire, self._rules, self._now()):
            log.info("erased what is older than history.keep", rows=erased)
        if erased := await self._writer.write(expire_audit, self._rules, self._now()):
            log.info("erased what is older than history.keep_audit", rows=erased)

        if forgotten := await self._writer.write(forget_filtered, self._rules, self._now()):
            log.info("forgot strangers whose inquiries were filtered", leads=forgotten)

    async def _look_at_clock(self) -> int:
        """Returns 1 where IT is told that the clock is not believed, or is again; before anything is erased."""
        found = await self._writer.write(watch_age, self._rules, platform.node(), self._now())
        if found is None:
            return 0
        if found.held:
            log.warning(
                "the clock is too far ahead to erase by: history.keep counts by when it was believed last",
                ahead_days=found.ahead.days,
                counts_by=found.at.isoformat(timespec="seconds"),
                hint="timedatectl shows whether it is right; if so, run `inboxwatch store trust-clock`",
            )
        else:
            log.info("history.keep counts by the clock again")
        return 1

    async def _close_quiet(self) -> int:
        closed, after = 0, None
        while (done := await self._writer.write(close_quiet, self._rules, self._now(), after)) is not None:
            closed, after = closed + done.closed, done.after
        if closed:
            log.info("follow-ups closed as gone quiet", follow_ups=closed)
        return closed

    async def _place_again(self) -> None:
        """Threads of an older version are placed again, a few in each transaction, until none is left."""
        placed = 0
        for _ in range(TURNS):
            if (done := await self._writer.write(place_again, self._rules, self._now())) is None:
                break
            placed += done
        if placed:
            log.info("threads of an older version placed again", threads=placed)
            self._wake()

    def _disk(self) -> Disk | None:
        if self._file is None:
            return None
        usage = shutil.disk_usage(self._file.parent)
        return Disk(str(self._file.parent), usage.free, usage.total)
