"""An HTTPS server on a thread of its own, for doubles of web APIs: it can be killed, brought back, and made to fail."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trustme
from aiohttp import web

KIND = web.RequestKey("KIND", str)
"""What sort of request this is, for counting."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request instead of, or on top of, its answer."""

    status: int = 0
    """Answered instead; 0 lets the request through."""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: float | None = None
    """The connection is aborted after this share of the answer, 0..1."""
    delay: float = 0.0
    """Seconds before anything is said."""


@cache
def authority() -> tuple[trustme.CA, Path, TemporaryDirectory[str]]:
    """A certificate authority for all doubles of a test run, and its certificate in a file."""
    ca = trustme.CA()
    folder = TemporaryDirectory(prefix="doubles")
    path = Path(folder.name) / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path, folder


def ca_file() -> Path:
    return authority()[1]


class HttpsServer:
    """Serves `handler` for every path on a free port of loopback until `close`."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = authority()[0].issue_cert("localhost")
        issued.configure_cert(self._context)
        self.certificate = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.requests: Counter[str] = Counter()
        """By method and the kind of request that the handler names in `request[KIND]`."""
        self.fault: Callable[[web.Request], Fault | None] = lambda request: None
        self._thread.start()
        self.up()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def up(self) -> None:
        """Listens, at the same port as before. Does nothing where it does already."""
        if self._runner is None:
            self._run(self._up())

    def kill(self) -> None:
        """Ends all connections and listens no more."""
        if self._runner is not None:
            self._run(self._kill())

    def close(self) -> None:
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _up(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._context, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _kill(self) -> None:
        runner, self._runner = self._runner, None
        assert runner is not None
        for connection in list(runner.server.connections if runner.server else ()):
            if connection.transport is not None:
                connection.transport.abort()
        with contextlib.suppress(asyncio.CancelledError):
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        fault = self.fault(request) or Fault()
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.status:
            answer: web.StreamResponse = web.Response(
                status=fault.status, text=fault.body, headers=fault.headers, content_type="application/json"
            )
            request.setdefault(KIND, f"fault {fault.status}")
        elif fault.cut == 0:
            return await self._abort(request)
        else:
            answer = await self._handler(request)
        self.requests[f"{request.method} {request.get(KIND, 'other')}"] += 1
        if fault.cut is not None and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            return await self._half(request, answer, fault.cut)
        return answer

    async def _half(self, request: web.Request, whole: web.Response, share: float) -> web.StreamResponse:
        assert isinstance(whole.body, bytes)
        answer = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
        answer.content_length = len(whole.body)
        await answer.prepare(request)
        await answer.write(whole.body[: int(len(whole.body) * share)])
        return await self._abort(request)

    @staticmethod
    async def _abort(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
