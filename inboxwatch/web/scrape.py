"""`/metrics`: figures of the store, read anew by each scrape; with many series in the background, some seconds old."""

from __future__ import annotations

import asyncio
import contextlib
import time

from aiohttp import web

from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.metrics import CONTENT_TYPE
from inboxwatch.store import Outage, Transaction

QUICK = 0.1
"""Seconds of reading and rendering up to which each scrape waits for them."""
SHARE = 9
"""What takes longer is done in the background, a tenth of the time: figures are at most eleven such times old."""
ABANDONED = 300.0
"""Seconds after the last scrape at which the background gives up."""


class Scrape:
    """Answers scrapes."""

    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon
        self._text = b""
        self._cost = 0.0
        self._asked_at = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self._asked_at = time.monotonic()
        if self._following is None:
            await self._read()
            if self._cost > QUICK:
                self._following = asyncio.create_task(self._follow())
        process = await asyncio.to_thread(self._daemon.metrics.process)
        return web.Response(body=self._text + process, headers={"Content-Type": CONTENT_TYPE})

    async def close(self, app: web.Application) -> None:
        for task in (self._following, self._reading):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _follow(self) -> None:
        """Keeps the figures fresh for as long as somebody scrapes and reading them is slow."""
        try:
            while self._cost > QUICK and time.monotonic() - self._asked_at < ABANDONED:
                await asyncio.sleep(SHARE * self._cost)
                await self._read()
        finally:
            self._following = None

    async def _read(self) -> None:
        """Reads the figures once for all who wait for them."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_now())
        await asyncio.shield(self._reading)

    async def _read_now(self) -> None:
        def render(tx: Transaction) -> bytes:
            now = self._daemon.now()
            return self._daemon.metrics.exposition(tx.statistics.figures(now), now)

        begun = time.monotonic()
        try:
            try:
                self._text = await self._daemon.read(render)
            except Outage:
                # Figures of before would say that nothing has changed; without them their alerts do not claim either.
                self._text = b""
                self._daemon.metrics.store_up(False)
            else:
                self._daemon.metrics.store_up(self._daemon.outage is None)
            self._cost = time.monotonic() - begun
        finally:
            self._reading = None
