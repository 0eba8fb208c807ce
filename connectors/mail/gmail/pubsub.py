"""A subscription of Cloud Pub/Sub, pulled once for all mailboxes of the process: push without a public address.

The calls are those of cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions, over plain HTTPS.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import aiohttp
import structlog
from pydantic import Field

from connectors.http_connections import body, connection_pool
from connectors.http_errors import unreached
from connectors.mail.gmail.api import HINTS
from connectors.mail.google_api import on_a_thread, refusal
from connectors.mail.google_login import GoogleLogin
from connectors.retry import PushBackoff
from inboxwatch.connector import MailboxError, Reason, Settings

log = structlog.get_logger(__name__)

SCOPE = "https://www.googleapis.com/auth/pubsub"
_AT_ONCE = 1000
"""Messages of one pull: Pub/Sub gives no more."""
_HELD = 150.0
"""Seconds for an answer: a pull without news is held for some ninety."""
_CONNECT = 15.0
_LEAST, _LEAST_WITH_NEWS = 1.0, 0.1
"""Seconds from one pull to the next, without news and with: where pulls are not held, or give the same again."""
_MAX_ANSWER = 16 * 1024 * 1024
_HELD_FOR_NOTHING = 504

Hear = Callable[[int], None]
"""Called with a position in the mailbox's history, a number of 64 bits."""


class PushSettings(Settings):
    """Where Gmail publishes news, and where they are pulled from. Each process needs a subscription of its own."""

    topic: str = Field(pattern=r"^projects/[^/\s]+/topics/[^/\s]+$")
    """Of the project that the login belongs to; Gmail must be allowed to publish to it."""
    subscription: str = Field(pattern=r"^projects/[^/\s]+/subscriptions/[^/\s]+$")
    """To the topic; pulled, by this process alone."""
    url: str = Field("https://pubsub.googleapis.com", pattern=r"^https://[^\s]+[^\s/]$")
    """The address of the API."""


class PubSubSubscription:
    """Pulled as long as it has listeners. Its failures are logged and fail no mailbox: push is a hint."""

    def __init__(self, login: GoogleLogin, settings: PushSettings, ca_file: Path | None) -> None:
        self._login = login
        self._settings = settings
        self._ca_file = ca_file
        self._listeners: defaultdict[str, set[Hear]] = defaultdict(set)
        self._puller: asyncio.Task[None] | None = None

    def join(self, address: str, hear: Hear) -> None:
        """Calls `hear` at news of the mailbox with this primary address; the notices of Gmail name no other."""
        self._listeners[address.lower()].add(hear)
        if self._puller is None or self._puller.done():
            self._puller = asyncio.create_task(self._pull())

    async def leave(self, hear: Hear) -> None:
        """Ends what `join` began; the last listener ends the pulling."""
        for address in [one for one, those in self._listeners.items() if hear in those]:
            self._listeners[address].discard(hear)
            if not self._listeners[address]:
                del self._listeners[address]
        if not self._listeners and self._puller is not None:
            puller, self._puller = self._puller, None
            puller.cancel()
            await asyncio.gather(puller, return_exceptions=True)

    async def granted(self, permissions: Collection[str]) -> set[str]:
        """Those of some permissions that the login has. Raises MailboxError."""
        answer = await self._asked("testIamPermissions", {"permissions": list(permissions)})
        found = answer.get("permissions")
        return {str(one) for one in found} if isinstance(found, list) else set()

    async def _pull(self) -> None:
        backoff = PushBackoff()
        connections = connection_pool(self._ca_file)
        connections.enter()  # kept from one pull to the next
        try:
            while True:
                begun = time.monotonic()
                try:
                    least = _LEAST_WITH_NEWS if await self._received() else _LEAST
                except MailboxError as error:
                    pause = max(backoff.failed(), error.retry_after or 0.0)
                    if backoff.failures == 1:
                        why = {"reason": error.reason.value, "error": str(error), "hint": error.hint}
                        why["subscription"] = self._settings.subscription
                        log.warning("push is out of order; mail is found by polling", **why)
                else:
                    pause = begun + least - time.monotonic()
                    if backoff.failures:
                        log.info("push works again", failures=backoff.failures)
                    backoff.succeeded()
                await asyncio.sleep(pause)
        finally:
            await connections.leave()

    async def _received(self) -> int:
        """Waits for messages, passes them on and acknowledges them; returns their number."""
        try:
            answer = await self._asked("pull", {"maxMessages": _AT_ONCE})
        except MailboxError as error:
            if getattr(error, "status", 0) != _HELD_FOR_NOTHING:
                raise
            return 0
        received = answer.get("receivedMessages") or []
        if not isinstance(received, list) or not all(isinstance(one, dict) for one in received):
            raise MailboxError(Reason.PROTOCOL, "push: what Pub/Sub gave are no messages")
        for one in received:
            self._pass_on(one.get("message"))
        if names := [name for one in received if isinstance(name := one.get("ackId"), str) and name]:
            await self._asked("acknowledge", {"ackIds": names})
        return len(received)

    def _pass_on(self, message: Any) -> None:
        """Wakes the mailbox that a message is about; a message about others, or an unreadable one, is dropped."""
        try:
            notice = json.loads(base64.b64decode(message["data"]))
            address, history = str(notice["emailAddress"]), int(notice["historyId"])
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            return
        for hear in tuple(self._listeners.get(address.lower(), ())):
            hear(history)

    async def _asked(self, verb: str, asked: Mapping[str, object]) -> dict[str, Any]:
        """The answer to a call. A token that is refused before its time is renewed once."""
        doing = f"push: asking Pub/Sub to {verb}"
        status, content, retry_after = await self._sent(verb, asked, doing, renew=False)
        if status == 401:
            status, content, retry_after = await self._sent(verb, asked, doing, renew=True)
        if status != 200:
            raise refusal(status, content, retry_after, doing, HINTS)
        try:
            found = json.loads(content or b"{}")
        except (ValueError, RecursionError) as error:
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON") from error
        if not isinstance(found, dict):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer is no JSON object")
        return found

    async def _sent(
        self, verb: str, asked: Mapping[str, object], doing: str, *, renew: bool
    ) -> tuple[int, bytes, str | None]:
        where = self._settings
        token = await on_a_thread(where.url, self._ca_file, _CONNECT, lambda http: self._login.token(http, renew=renew))
        connections = connection_pool(self._ca_file)
        connections.enter()
        try:
            async with connections.session.post(
                f"{where.url}/v1/{where.subscription}:{verb}",
                json=asked,
                headers={"Authorization": f"Bearer {token}"},
                timeout=aiohttp.ClientTimeout(total=_HELD, sock_connect=_CONNECT),
                allow_redirects=False,
            ) as answer:
                return answer.status, await body(answer, _MAX_ANSWER), answer.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError) as error:
            raise unreached(error, doing) or MailboxError(
                Reason.UNAVAILABLE, f"{doing}: {type(error).__name__}"
            ) from error
        finally:
            await connections.leave()


_subscriptions: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, ...], PubSubSubscription]
] = WeakKeyDictionary()


def subscription(login: GoogleLogin, settings: PushSettings, ca_file: Path | None) -> PubSubSubscription:
    """The subscription of the running event loop, shared by all mailboxes of one login."""
    known = _subscriptions.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    key = (settings.url, settings.subscription, login.key.reveal(), str(ca_file))
    found = known.get(key)
    if found is None:
        found = known[key] = PubSubSubscription(login, settings, ca_file)
    return found
