"""Asking Microsoft Graph: bearer tokens, throttling of mailbox and tenant, and its refusals as errors of the port."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from connectors.error_text import one_line
from connectors.http_connections import ConnectionPool, body
from connectors.http_errors import parse_retry_after, refused, unreached
from connectors.mail.delta_position import PositionForgotten
from connectors.mail.entra import Entra, Token
from connectors.mail.quota_turns import MailboxTurns, QuotaTurns
from inboxwatch.connector import MailboxError, Reason

_PER_MAILBOX = 3
"""Requests at once: Exchange refuses the fifth."""
_PER_TENANT = 24
_HELD = 1.0
"""Seconds for which all mailboxes of a throttled tenant wait, where the answer does not say."""
_MAX_ANSWER = 64 * 1024 * 1024
_FORGOTTEN = {"syncstatenotfound", "resyncrequired", "syncstateinvalid", "resyncchangesapplydifferences",
              "resyncchangesuploaddifferences", "errorinvalidsyncstatedata"}  # fmt: skip
"""Codes that mean: this delta link is no longer known; read again."""
_TENANT_WIDE = {"applicationthrottled", "toomanyrequests"}
_HINTS = {
    "erroraccessdenied": "the application may not read this mailbox: grant it `Application Mail.ReadBasic` for it",
    "authorization_requestdenied": "the application has no right to read mail: grant it `Application Mail.ReadBasic`",
    "invalidauthenticationtoken": "the token was refused: check `cloud`, and that the application is still enabled",
    "errorinvaliduser": "no mailbox has this address: check `address` or `user`",
    "request_resourcenotfound": "no user has this address: check `address` or `user`",
    "resourcenotfound": "no mailbox has this address: check `address` or `user`",
    "mailboxnotenabledforrestapi": "the mailbox is not in Exchange Online; one on premises needs `connector: ews`",
    "mailboxnotsupportedforrestapi": "the mailbox is not in Exchange Online; one on premises needs `connector: ews`",
    "mailboxinfostale": "the mailbox was moved; it is tried again",
}
"""By Graph's code, in lower case."""


class GraphError(MailboxError):
    """A refusal with Graph's own code, in lower case, and the status."""

    code: str = ""
    status: int = 0


@dataclass(slots=True)
class TenantLimits:
    """What all mailboxes of one application in one tenant share."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PER_TENANT))
    turns: QuotaTurns = field(default_factory=lambda: QuotaTurns(_PER_TENANT))
    held_until: float = 0.0
    """By `time.monotonic`: the tenant as a whole is throttled."""


_tenants: WeakKeyDictionary[Entra, TenantLimits] = WeakKeyDictionary()


def limits_of(entra: Entra) -> TenantLimits:
    """The limits of the tenant in which this application reads."""
    return _tenants.setdefault(entra, TenantLimits())


@dataclass(slots=True)
class GraphClient:
    """GET requests for one mailbox; there is no other verb."""

    base: str
    """`https://graph.microsoft.com/v1.0`."""
    entra: Callable[[], Entra]
    connection_pool: Callable[[], ConnectionPool]
    turns: MailboxTurns
    connect_timeout: float
    read_timeout: float
    requests: int = 0
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PER_MAILBOX))

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, prefer: Sequence[str] = (), doing: str
    ) -> dict[str, Any]:
        """The JSON object at a path below the base, or at a link that the server gave."""
        raw = await self._persistently(self._url(path, query), prefer, doing, _MAX_ANSWER)
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON") from error
        if not isinstance(found, dict):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON object")
        return found

    async def content(self, path: str, limit: int, *, doing: str) -> bytes:
        """The first `limit` bytes at a path."""
        return await self._persistently(self._url(path, None), (), doing, limit)

    def owns(self, link: str) -> bool:
        """Whether a link leads to this server: no other is ever given a token."""
        return link.startswith(self.base.rstrip("/") + "/")

    def _url(self, path: str, query: Mapping[str, str] | None) -> URL:
        if not path.startswith("/"):
            if not self.owns(path):
                raise MailboxError(Reason.PROTOCOL, "the server gave a link to another server")
            return URL(path, encoded=True)
        words = urlencode(query or {}, quote_via=quote, safe="$,/'():")
        return URL(f"{self.base.rstrip('/')}{path}{'?' if words else ''}{words}", encoded=True)

    async def _persistently(self, url: URL, prefer: Sequence[str], doing: str, limit: int) -> bytes:
        return await self.turns.retried(lambda: self._asked(url, prefer, doing, limit))

    async def _asked(self, url: URL, prefer: Sequence[str], doing: str, limit: int) -> bytes:
        entra = self.entra()
        tenant = limits_of(entra)
        if (held := tenant.held_until - time.monotonic()) > 0:
            raise MailboxError(Reason.RATE_LIMITED, f"{doing}: the tenant is throttled", retry_after=held)
        async with self._slots, tenant.slots:
            token = await entra.token()
            try:
                return await self._sent(url, token, prefer, doing, limit)
            except GraphError as error:
                if error.status != 401:
                    self._held(tenant, error)
                    raise
            # Revoked before its time: one new token, and then the server's word counts.
            return await self._sent(url, await entra.token(instead_of=token), prefer, doing, limit)

    async def _sent(self, url: URL, token: Token, prefer: Sequence[str], doing: str, limit: int) -> bytes:
        self.requests += 1
        headers = {
            "Authorization": f"Bearer {token.text}",
            "Accept": "application/json",
            "Prefer": ", ".join(('IdType="ImmutableId"', *prefer)),
        }
        timeout = aiohttp.ClientTimeout(
            total=self.connect_timeout + 4 * self.read_timeout,
            sock_connect=self.connect_timeout,
            sock_read=self.read_timeout,
        )
        try:
            async with self.connection_pool().session.get(
                url, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                content = await body(answer, limit)
                if answer.status == 200:
                    return content
                raise self._refusal(answer.status, content, answer.headers.get("Retry-After"), doing)
        except (aiohttp.ClientError, OSError) as error:
            raise _unreached(error, doing) from error

    @staticmethod
    def _refusal(status: int, content: bytes, retry_after: str | None, doing: str) -> Exception:
        code, text = _words(content)
        if status == 410 or (400 <= status < 500 and code in _FORGOTTEN):
            return PositionForgotten(code)
        plain = refused(
            status, f"{code}: {text}" if code else text, doing, hint=_HINTS.get(code, ""),
            retry_after=parse_retry_after(retry_after),
        )  # fmt: skip
        found = GraphError(plain.reason, str(plain), hint=plain.hint, retry_after=plain.retry_after)
        found.code, found.status = code, status
        if status in (502, 503, 504) and code in ("mailboxinfostale", ""):
            found.reason = Reason.RATE_LIMITED if plain.retry_after is not None else Reason.SERVER
        return found

    @staticmethod
    def _held(tenant: TenantLimits, error: GraphError) -> None:
        if error.status == 429 and error.code in _TENANT_WIDE:
            pause = _HELD if error.retry_after is None else error.retry_after
            tenant.held_until = max(tenant.held_until, time.monotonic() + pause)


def _words(content: bytes) -> tuple[str, str]:
    """Graph's code in lower case, and what it says."""
    try:
        error = json.loads(content)["error"]
        return str(error.get("code", "")).lower(), str(error.get("message", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "", one_line(content[:200].decode("utf-8", "replace")) or "refused"


def _unreached(error: Exception, doing: str) -> MailboxError:
    found = unreached(error, doing)
    if found is not None and not isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return found
    return MailboxError(Reason.UNAVAILABLE, f"{doing}: the connection ended early ({type(error).__name__})")
