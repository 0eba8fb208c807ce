"""Once a minute: the daily digests whose hour has come, and IT's own alarms."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.alarms import Disk, watch_all
from inboxwatch.engine.digests import enqueue_digests

EVERY = 60.0
"""Seconds from one time to the next."""

Expiring = Callable[[], Mapping[str, datetime | None]]
"""When each mailbox's access ends, where its connector knows."""


class Housekeeping:
    """Level-triggered: any number of times, early or late, notify of each thing once."""

    def __init__(self, file: Path | None, expiring: Expiring, context: LoopContext) -> None:
        """`file`: where the store lies, where it is a file of this machine."""
        self._rules = context.rules
        self._writer = context.writer
        self._file = file
        self._expiring = expiring
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
        new += await self._writer.write(watch_all, self._rules, self._now(), self._expiring(), disk)
        if new:
            self._wake()

    def _disk(self) -> Disk | None:
        if self._file is None:
            return None
        usage = shutil.disk_usage(self._file.parent)
        return Disk(str(self._file.parent), usage.free, usage.total)
