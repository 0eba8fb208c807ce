"""An HTTP server that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web


class Posted(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpSink:
    url: str
    received: list[Posted] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str], str] | None] = field(default_factory=deque)
    """What to answer next, in order: (status, headers, text), or None to cut the connection. Then 204 for ever."""

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append(Posted(request.path, dict(request.headers), await request.read()))
        answer = self.answers.popleft() if self.answers else (204, {}, "")
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers, text = answer
        return web.Response(status=status, headers=headers, text=text)


@asynccontextmanager
async def http_sink() -> AsyncIterator[HttpSink]:
    """Serves on a free port of loopback until the block ends."""
    sink = HttpSink("")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", sink._take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sink
    finally:
        await runner.cleanup()
