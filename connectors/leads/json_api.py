"""Requests to a JSON API, for feeds of leads: time-outs everywhere, and failures in the words of the port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from connectors.error_text import one_line
from connectors.http_connections import ConnectionPool, body, connection_pool
from connectors.http_errors import unreached
from connectors.setting_types import Seconds
from inboxwatch.connector import ConfigPath, MailboxError, Reason, Settings

_MAX_ANSWER = 64 * 1024 * 1024
STEP_LIMIT = 240.0
"""Seconds within which a batch is read, pauses included; the port allows 300."""

Result = TypeVar("Result")


class ApiFeedSettings(Settings):
    """What every feed that asks an API has."""

    every: Seconds = 60.0
    """How long to wait between two looks for changes. Once a day, all that is there is compared."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust in place of the system's."""
    retry_for: Seconds = 20.0
    """How long a request waits in all for a server that throttles it, before the look ends until the next one."""
    connect_timeout: Seconds = 15.0
    """How long a connection may take to be made."""
    read_timeout: Seconds = 60.0
    """How long an answer may be silent."""

    @property
    def pause(self) -> timedelta:
        """`every` as a span of time."""
        return timedelta(seconds=self.every)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer of any status."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    content: bytes = field(repr=False)

    def json(self, doing: str) -> Any:
        """What it holds. Raises MailboxError where that is no JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON (HTTP {self.status})") from error

    def object(self, doing: str) -> dict[str, Any]:
        """The JSON object that it holds. Raises MailboxError."""
        found = self.json(doing)
        if not isinstance(found, dict):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON object (HTTP {self.status})")
        return found

    @property
    def words(self) -> str:
        """The beginning of a text that is no JSON, as of a proxy, in one line."""
        return one_line(self.content[:200].decode("utf-8", "replace")) or "no words"

    @property
    def at(self) -> datetime | None:
        """The server's time of it (UTC); None where it does not say."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        return found if found.tzinfo else None


class JsonApi:
    """One feed's way to its server. Redirects are not followed: no other host is given a token."""

    def __init__(self, settings: ApiFeedSettings) -> None:
        """Does no IO."""
        self._ca_file: Path | None = settings.ca_file
        self._timeout = aiohttp.ClientTimeout(
            total=settings.connect_timeout + 2 * settings.read_timeout,
            sock_connect=settings.connect_timeout,
            sock_read=settings.read_timeout,
        )
        self._pool: ConnectionPool | None = None
        self.requests = 0
        """Sent so far."""

    async def ask(
        self,
        method: str,
        url: str,
        *,
        doing: str,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        document: object = None,
    ) -> ApiAnswer:
        """Sends one request, with a form or a JSON document where one is given, and returns the answer of any status.

        It has many parameters because a request has many parts. Raises MailboxError where no answer came.
        """
        self.requests += 1
        words = urlencode(query or {}, quote_via=quote, safe="")
        address = URL(f"{url}{'?' if words else ''}{words}", encoded=True)
        try:
            async with self._connections().session.request(
                method,
                address,
                headers={"Accept": "application/json", **(headers or {})},
                data=form,
                json=document,
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                return ApiAnswer(answer.status, answer.headers, await body(answer, _MAX_ANSWER))
        except (aiohttp.ClientError, OSError) as error:
            raise _unreached(error, doing) from error

    def _connections(self) -> ConnectionPool:
        if self._pool is None:
            self._pool = connection_pool(self._ca_file)
            self._pool.enter()
        return self._pool

    async def aclose(self) -> None:
        """Ends all connections that no other feed uses; safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.leave()


def _unreached(error: Exception, doing: str) -> MailboxError:
    found = unreached(error, doing)
    if found is not None and not isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return found
    return MailboxError(Reason.UNAVAILABLE, f"{doing}: the connection ended early ({type(error).__name__})")


async def in_time(work: Awaitable[Result], doing: str, seconds: float = STEP_LIMIT) -> Result:
    """The result of one step's work. Raises MailboxError where it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise MailboxError(
            Reason.TIMEOUT, f"{doing}: took more than {seconds:.0f} s", hint="the server is slow, or far away"
        ) from None
