"""Connections that cost something and bring nothing are cut: by time, by count, by peer.

Whoever opens connections without a word must not take the file descriptors by which mailboxes and the store are read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from inboxwatch.config import ProxyConfig

log = structlog.get_logger(__name__)

HEAD_TIME = 10.0
"""Seconds from the first byte of a request, or from connecting, until its head is whole."""
IDLE_TIME = 75.0
"""Seconds that a connection is kept between two requests."""
NAME = "inboxwatch"
"""What the header Server says: no version."""
MOST = 512
"""Connections at once, where file descriptors allow; a quarter of those is never exceeded."""
LEAST = 16
AT_ONCE = 16
"""Connections that are accepted in one go: those too many hold a descriptor until they are refused right after."""


def limit() -> int:
    """How many connections the web may hold: the other descriptors are kept for the work itself."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST
    return max(min(MOST, descriptors // 4), LEAST)


def trusted(proxy: ProxyConfig | None, peer: str | None) -> bool:
    """Whether the other end of a connection is the proxy; a Unix socket's has no address."""
    if proxy is None or peer is None:
        return False
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in proxy.peers)


class Connections:
    """Makes the protocols of a listener, and counts them."""

    def __init__(self, make: Callable[[], Any], proxy: Callable[[], ProxyConfig | None]) -> None:
        """`make` gives aiohttp's protocol of one connection; `proxy` the one in force, which speaks for many people."""
        self._make = make
        self._proxy = proxy
        self._open: Counter[str] = Counter()
        self._most = limit()

    def __call__(self) -> asyncio.Protocol:
        return _Limited(self, self._make())

    def enter(self, peer: str) -> bool:
        """Whether one more connection of a peer is taken: half of all is the most for one that is no proxy."""
        share = self._most if trusted(self._proxy(), peer or None) else max(self._most // 2, 1)
        if self._open.total() >= self._most or self._open[peer] >= share:
            what = "a connection was refused: there are too many"
            log.warning(what, peer=peer, open=self._open.total(), of_peer=self._open[peer])
            return False
        self._open[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        """A connection has ended."""
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]


class _Limited(asyncio.Protocol):
    """One connection: aiohttp's protocol, with a limit on the time that the head of a request may take."""

    def __init__(self, connections: Connections, inner: RequestHandler) -> None:
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (of TCP)
        name = transport.get_extra_info("peername")
        peer = str(name[0]) if isinstance(name, tuple) else ""
        self._transport = transport
        if not self._connections.enter(peer):
            transport.abort()
            return
        self._peer = peer
        self._inner.connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._peer is not None:
            self._connections.leave(self._peer)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._peer is None:
            return
        self._inner.data_received(data)
        if self._timer is None:
            self._watch()

    def eof_received(self) -> bool | None:
        if self._peer is not None:
            self._inner.eof_received()
        return None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HEAD_TIME, self._look)

    def _look(self) -> None:
        """A request that is still not whole is given up; one that is being answered has limits of its own."""
        self._timer = None
        inner: Any = self._inner
        if inner._current_request is None and self._transport is not None:
            self._transport.abort()


class Runner(web.AppRunner):
    """Runs an app behind such connections."""

    def __init__(self, app: web.Application, proxy: Callable[[], ProxyConfig | None]) -> None:
        super().__init__(
            app, access_log=None, logger=_quiet(), shutdown_timeout=1.0, keepalive_timeout=IDLE_TIME, lingering_time=2.0
        )
        self._proxy = proxy

    @property
    def server(self) -> Any:
        made = super().server
        if made is None:
            return None
        make: Callable[[], RequestHandler] = lambda: _Handler(made, loop=made._loop, **made._kwargs)  # noqa: E731
        return _Server(made, Connections(make, self._proxy))


class _Handler(RequestHandler):
    """Answers what cannot even be read, without saying it again and without versions."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        answer = super().handle_error(request, status, exc, "the request is malformed" if status < 500 else None)
        answer.headers["Server"] = NAME
        return answer


class _Server:
    """aiohttp's server, whose connections are limited."""

    def __init__(self, inner: Any, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections

    def __call__(self) -> asyncio.Protocol:
        return self._connections()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Unsaid(logging.Handler):
    """What aiohttp says of a request quotes it, credentials included: only that there was one is said."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "unknown"
        log.debug("a request was malformed or broke off", error=error)


def _quiet() -> logging.Logger:
    logger = logging.Logger("inboxwatch.web")
    logger.addHandler(_Unsaid())
    logger.propagate = False
    return logger
