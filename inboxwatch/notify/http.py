"""One POST with JSON, and what its answer means for a delivery: done, try again, or never."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import aiohttp
from pydantic import AfterValidator

from inboxwatch import now as instant
from inboxwatch.notify import ChannelError, Secret
from inboxwatch.notify.text import retry_after, said, web_link

_TRY_AGAIN = frozenset({408, 409, 421, 425, 429})
"""Client errors that are retried: time-outs, another attempt with the same key in progress, too many requests."""
_READ = 2048
"""Bytes of an answer that are read: enough to quote it in an error."""


def _checked(value: Secret) -> Secret:
    try:
        text = value.reveal()
    except RuntimeError:
        return value
    if not web_link(text):
        raise ValueError("must be an http or https URL with a host")
    return value


HttpAddress = Annotated[Secret, AfterValidator(_checked)]
"""An http(s) URL of a config; one that was left unresolved passes. Never printed: many hold a token."""


class Poster:
    """Posts bodies over one kept session; opened by the first use."""

    def __init__(self, timeout: float, ca_file: Path | None = None, proxy: str | None = None) -> None:
        """`timeout` in seconds is for a whole exchange; `ca_file` is a PEM file of authorities to trust as well."""
        self._timeout = timeout
        self._ca_file = ca_file
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Posts JSON and returns the start of the answer. Raises ChannelError for all but a 2xx."""
        return await self._exchange("POST", url, body, {"Content-Type": "application/json", **headers})

    async def get(self, url: str, headers: Mapping[str, str]) -> str:
        """Reads the start of a page, up to 1 MB. Raises ChannelError for all but a 2xx."""
        return await self._exchange("GET", url, None, headers, limit=2**20)

    async def head(self, url: str) -> int:
        """The status with which the server answers a HEAD; whatever it is, the server is there."""
        try:
            async with self._open().head(url, proxy=self._proxy, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise unreachable(error) from error

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], limit: int = _READ
    ) -> str:
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, proxy=self._proxy, allow_redirects=False
            ) as answer:
                text = (await _start(answer.content, limit)).decode(errors="replace")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise unreachable(error) from error
        if answer.status // 100 == 2:
            return text
        raise ChannelError(
            f"the server answered {answer.status} {said(answer.reason or '', 60)}: {said(text) or 'nothing'}",
            permanent=answer.status < 500 and answer.status not in _TRY_AGAIN,
            retry_after=retry_after(answer.headers.get("Retry-After"), instant.now()),
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context()
            if self._ca_file:
                context.load_verify_locations(self._ca_file)
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                connector=aiohttp.TCPConnector(ssl=context, limit=20),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "inboxwatch"},
            )
        return self._session


async def _start(content: aiohttp.StreamReader, limit: int) -> bytes:
    found = b""
    while len(found) < limit and (more := await content.read(limit - len(found))):
        found += more
    return found


def unreachable(error: BaseException) -> ChannelError:
    """A connection that failed in words; every such failure may pass."""
    if isinstance(error, asyncio.TimeoutError):
        return ChannelError("no answer in time")
    return ChannelError(f"cannot reach the server: {said(error) or type(error).__name__}")
