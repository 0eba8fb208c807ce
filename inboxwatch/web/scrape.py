"""`/metrics`: figures of the store, rendered in a thread; in a large house at most some seconds old."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from inboxwatch.metrics import CONTENT_TYPE
from inboxwatch.store import Transaction
from inboxwatch.web.gate import Gate

QUICK = 0.1
"""Seconds of reading and rendering up to which every scrape does it anew."""
SHARE = 10
"""Reading that takes longer is done in the background, and at most a tenth of the time."""


class Scrape:
    """Renders the exposition. While figures are read anew, a scrape gets the last ones."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._text = b""
        self._cost = 0.0
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        age = time.monotonic() - self._read_at
        if self._reading is None and (self._cost < QUICK or age > SHARE * self._cost):
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None and (self._cost < QUICK or not self._text):
            await asyncio.shield(self._reading)
        process = await asyncio.to_thread(self._gate.metrics.process)
        return web.Response(body=self._text + process, headers={"Content-Type": CONTENT_TYPE})

    async def _read(self) -> None:
        def render(tx: Transaction) -> bytes:
            now = self._gate.now()
            return self._gate.metrics.exposition(tx.statistics.figures(now), now)

        begun = time.monotonic()
        try:
            self._text = await self._gate.read(render)
        finally:
            self._reading = None
        self._read_at = time.monotonic()
        self._cost = self._read_at - begun
