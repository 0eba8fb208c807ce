"""Streaming notifications of Exchange: a hint that something came. One connection each, so few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from connectors.mail.ews.account import EwsAccount
from connectors.mail.exchange_folders import ExchangeFolder
from connectors.optional_package import optional_package

_MINUTES = 5
"""For which the server keeps a connection before it is renewed: proxies cut longer ones."""
_open: Counter[tuple[str, str]] = Counter()
"""Streams of each login in this process."""
_counting = threading.Lock()


class NotificationStream:
    """A subscription to news of one mailbox, on a thread of its own; the next poll renews it where it has ended."""

    def __init__(self, account: EwsAccount) -> None:
        self._account = account
        self._key = (account.login.url, account.login.username)
        self._news = asyncio.Event()
        self._alive = False
        self._closed = False
        self._service: Any = None

    async def begin(self, folders: Sequence[ExchangeFolder]) -> bool:
        """Subscribes, which must come before the poll reads; False where the login has no connection to spare."""
        self._news.clear()
        if self._alive:
            return True
        with _counting:
            if _open[self._key] >= self._account.login.connections - 1:
                return False  # the polls of this login need one
            _open[self._key] += 1
            self._alive = True
        try:
            account, name = await self._account.do(
                lambda account: (account, _subscribed(account, folders)), "subscribing"
            )
        except BaseException:
            self._ended()
            raise
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop, account, name), name="ews stream", daemon=True).start()
        return True

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """Whether there is news within `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._news.wait()
        return self._news.is_set()

    def close(self) -> None:
        """Closes the connection, on which the thread would else wait for the server's next event."""
        self._closed = True
        answer = getattr(self._service, "_streaming_response", None)
        if answer is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it ends by itself at this moment
                answer.raw.shutdown()

    def _listen(self, loop: asyncio.AbstractEventLoop, account: Any, subscription: str) -> None:
        """Blocks, on its own thread."""
        try:
            while not self._closed:
                self._service = optional_package("exchangelib.services", "ews").GetStreamingEvents(account=account)
                for _ in self._service.call([subscription], connection_timeout=_MINUTES):
                    loop.call_soon_threadsafe(self._news.set)
                    if self._closed:
                        break
        except Exception:  # noqa: BLE001, S110  (a hint: the next poll reports what is wrong)
            pass
        finally:
            self._ended()

    def _ended(self) -> None:
        with _counting:
            if self._alive:
                self._alive = False
                _open[self._key] -= 1


def _subscribed(account: Any, folders: Sequence[ExchangeFolder]) -> str:
    """Blocks: the subscription's id."""
    library = optional_package("exchangelib.folders", "ews")
    collection = library.FolderCollection(account=account, folders=[one.handle for one in folders])
    return str(collection.subscribe_to_streaming(event_types=("NewMailEvent", "CreatedEvent", "MovedEvent")))
