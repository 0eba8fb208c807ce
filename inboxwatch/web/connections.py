"""Connections that cost something and bring nothing are cut: by time, by count, by peer.

Whoever opens connections without a word must not take the file descriptors by which mailboxes and the store are read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import resource
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from inboxwatch.config import ProxyConfig, WebConfig
from inboxwatch.web.tls import Tls

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

    def __init__(self, make: Callable[[], Any], config: Callable[[], WebConfig]) -> None:
        """`make` gives aiohttp's protocol of one connection; `config` is in force when it is made."""
        self._make = make
        self._config = config
        self._tls = Tls(config)
        self._open: Counter[str] = Counter()
        self._most = limit()

    def __call__(self) -> asyncio.Protocol:
        return _Limited(self, self._make(), self._tls.context())

    def enter(self, peer: str) -> bool:
        """Whether one more connection of a peer is taken: half of all is the most for one that is no proxy."""
        share = self._most if trusted(self._config().proxy, peer or None) else max(self._most // 2, 1)
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
    """One connection: aiohttp's protocol, with a limit on the time that the head of a request may take.

    With TLS it is counted before the handshake, not after it as asyncio's own servers would: whoever never shakes hands
    holds a descriptor, too.
    """

    def __init__(self, connections: Connections, inner: RequestHandler, tls: ssl.SSLContext | None) -> None:
        self._connections = connections
        self._inner = inner
        self._tls = tls
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._early = b""
        """What came with the end of the handshake."""
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (of TCP)
        name = transport.get_extra_info("peername")
        peer = str(name[0]) if isinstance(name, tuple) else ""
        self._transport = transport
        if not self._connections.enter(peer):
            transport.abort()
            return
        self._peer = peer
        if self._tls is not None:
            transport.pause_reading()  # what comes belongs to the handshake
            self._handshake = asyncio.create_task(self._shake_hands(transport, self._tls))
            return
        self._inner.connection_made(transport)
        self._watch()

    async def _shake_hands(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            encrypted = await loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=HEAD_TIME, ssl_shutdown_timeout=HEAD_TIME
            )
        except (OSError, ssl.SSLError) as error:  # a scan, plain HTTP, a client that knows another authority
            log.debug("a client did not finish the TLS handshake", error=type(error).__name__)
            encrypted = None
        finally:
            self._handshake = None
        if encrypted is None or self._lost:
            transport.abort()
            self._leave()
            return
        self._transport = encrypted
        self._inner.connection_made(encrypted)
        self._watch()
        if self._early:
            early, self._early = self._early, b""
            self._inner.data_received(early)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._lost = True
        if self._handshake is None and self._peer is not None:
            self._leave()
            self._inner.connection_lost(exc)

    def _leave(self) -> None:
        if self._peer is not None:
            self._connections.leave(self._peer)
            self._peer = None

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None:
            self._early += data
            return
        if self._peer is None:
            return
        self._inner.data_received(data)
        if self._timer is None:
            self._watch()

    def eof_received(self) -> bool | None:
        if self._peer is not None and self._handshake is None:
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

    def __init__(self, app: web.Application, config: Callable[[], WebConfig]) -> None:
        super().__init__(
            app, access_log=None, logger=_quiet(), shutdown_timeout=1.0, keepalive_timeout=IDLE_TIME, lingering_time=2.0
        )
        self._config = config

    @property
    def server(self) -> Any:
        made = super().server
        if made is None:
            return None
        make: Callable[[], RequestHandler] = lambda: _Handler(made, loop=made._loop, **made._kwargs)  # noqa: E731
        return _Server(made, Connections(make, self._config))


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
