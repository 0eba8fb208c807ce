"""Server-sent events: tells pages that something has changed, so that they read themselves anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from aiohttp import web

from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store import Outage
from inboxwatch.web.connections import limit, trusted
from inboxwatch.web.problems import Problem

LOOK_EVERY = 1.0
"""Seconds between looks at the store, while anybody listens."""
A_PEER = 32
"""Streams of one address that is no proxy: as many tabs."""
KEEP_ALIVE = 15.0
"""Seconds after which a silent stream says that it lives, for proxies that cut what is silent."""


class Events:
    """One look at the store serves all who listen; without listeners nobody looks."""

    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon
        self._listeners: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False
        self._peers: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        peer = request.remote or ""
        most = limit() // 2
        share = most if trusted(self._daemon.rules.config.web.proxy, request.remote) else min(most, A_PEER)
        if self._peers.total() >= most or self._peers[peer] >= share:
            raise Problem(503, "too many pages listen already", headers={"Retry-After": "60"})
        self._peers[peer] += 1
        try:
            return await self._stream(request)
        finally:
            self._peers[peer] -= 1

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        news = asyncio.Event()
        # A page was read before its stream stood: what changed in between is told to it like any later change.
        self._listeners.add(news)
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())
        else:
            news.set()
        try:
            await response.write(b"retry: 2000\nevent: hello\ndata: \n\n")
            while not self._closed:
                try:
                    async with asyncio.timeout(KEEP_ALIVE):
                        await news.wait()
                except TimeoutError:
                    await response.write(b": alive\n\n")
                    continue
                news.clear()
                if not self._closed:
                    await response.write(b"event: changed\ndata: \n\n")
        except ConnectionError:
            pass  # the reader has gone
        finally:
            self._listeners.discard(news)
            if not self._listeners and self._watch is not None:
                self._watch.cancel()
                self._watch = None
        return response

    async def close(self, app: web.Application) -> None:
        """Ends every stream, so that a stopping daemon does not wait for its readers."""
        self._closed = True
        self._tell()

    async def _look(self) -> None:
        before = None
        while True:
            with suppress(Outage):  # the pages themselves say that the store is away; the next look may tell again
                pulse = await self._daemon.read(lambda tx: tx.board.pulse())
                if pulse != before:
                    before = pulse
                    self._tell()
            await asyncio.sleep(LOOK_EVERY)

    def _tell(self) -> None:
        for news in self._listeners:
            news.set()
