"""Once a minute: the daily digests whose hour has come, and IT's own alarms."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime

from inboxwatch.daemon.writer import Worker
from inboxwatch.engine import Engine
from inboxwatch.engine.alarms import Disk, round_of
from inboxwatch.engine.digests import owe_digests
from inboxwatch.now import Now

EVERY = 60.0
"""Seconds from one round to the next."""

Expiring = Callable[[], Mapping[str, datetime | None]]
"""When each mailbox's access ends, where its connector knows."""


class Rounds:
    """Level-triggered: any number of rounds, early or late, tell each thing once."""

    def __init__(self, engine: Engine, worker: Worker, expiring: Expiring, now: Now, nudge: Callable[[], None]) -> None:
        self._engine = engine
        self._worker = worker
        self._expiring = expiring
        self._now = now
        self._nudge = nudge

    async def walk(self) -> None:
        """Walks until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        disk = await asyncio.to_thread(self._disk)
        owed = await self._worker.run(owe_digests, self._engine, self._now())
        owed += await self._worker.run(round_of, self._engine, self._now(), self._expiring(), disk)
        if owed:
            self._nudge()

    def _disk(self) -> Disk | None:
        file = self._engine.store.file
        if file is None:
            return None
        usage = shutil.disk_usage(file.parent)
        return Disk(str(file.parent), usage.free, usage.total)
