"""One pool of HTTPS connections for all who trust the same authorities: a TLS context each costs 880 kB."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from weakref import WeakKeyDictionary

import aiohttp

_MAX_CONNECTIONS = 32
_KEEP_ALIVE = 90.0


class ConnectionPool:
    """Connections of one event loop, kept as long as there are users."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None
        self._users = 0

    def enter(self) -> None:
        """One more user; each must call `leave` once."""
        self._users += 1

    async def leave(self) -> None:
        """One user less; the last one closes the connections."""
        self._users -= 1
        if self._users == 0 and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Raises OSError where `ca_file` cannot be read."""
        if self._session is None:
            context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=context, limit=_MAX_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=300
                ),
                auto_decompress=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        return self._session


async def body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The first `limit` bytes of an answer; its Content-Length is not trusted."""
    read = bytearray()
    while len(read) < limit and (piece := await answer.content.read(min(65536, limit - len(read)))):
        read += piece
    return bytes(read)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path | None, ConnectionPool]] = WeakKeyDictionary()


def connection_pool(ca_file: Path | None) -> ConnectionPool:
    """The pool of the running event loop."""
    known = _pools.setdefault(asyncio.get_running_loop(), {})
    if ca_file not in known:
        known[ca_file] = ConnectionPool(ca_file)
    return known[ca_file]
