"""The loops of the mailboxes that this worker reads: begun and ended one by one, as it takes and gives mailboxes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Protocol

from inboxwatch.connector import Expires, MailConnector
from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.census import Census
from inboxwatch.daemon.looks import LIMIT
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Meter, Poller
from inboxwatch.engine.alarms import Access

TIDYING = 2.0
"""Seconds that a connector has to end its session."""


class WatchMeter(Meter, Protocol):
    """What is counted of the mailboxes of this worker."""

    def unwatched(self, mailbox: str) -> None: ...


class MailboxLoops:
    """Polls and counts the mailboxes that are begun with, each until it is ended."""

    def __init__(
        self,
        connectors: dict[MailboxId, MailConnector],
        connect: Callable[[MailboxId], MailConnector],
        meter: WatchMeter,
        context: LoopContext,
    ) -> None:
        """`connect` makes a connector of a mailbox anew: one that was closed is of no use."""
        self.pollers: dict[str, Poller] = {}
        """By the name of their mailbox; those that are read now."""
        self._connectors = connectors
        self._connect = connect
        self._meter = meter
        self._context = context
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    @property
    def tried(self) -> set[str]:
        """Of the mailboxes that are read now, those that were tried at least once."""
        return {name for name, poller in self.pollers.items() if poller.tried.is_set()}

    @property
    def accesses(self) -> list[Access]:
        """When the access to each mailbox ends, where its connector knows.

        Of a mailbox that another worker reads, or that was not tried yet, that other worker or nobody can know it.
        """
        tried = self.tried
        known = [(name, one) for name, one in self._connectors.items() if name in tried]
        return [Access(name, None, one.expires_at) for name, one in known if isinstance(one, Expires)]

    def begin(
        self, names: Collection[MailboxId], spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    ) -> None:
        """Reads further mailboxes from now on."""
        config = self._context.rules.config
        fresh = [Poller(name, self._connectors[name], self._meter, self._context) for name in names]
        self.pollers.update({poller.name: poller for poller in fresh})
        shared = [one for one in self.pollers.values() if config.mailboxes[one.name].shared]
        for poller in fresh:
            before = [] if config.mailboxes[poller.name].shared else shared
            census = Census(poller, self._connectors[poller.name], self._context)
            self._tasks[poller.name] = [spawn(self._watch(poller, before)), spawn(census.repeat(config.census_every))]

    async def end(self, names: Collection[str]) -> None:
        """Reads mailboxes no longer, and lets go of their servers."""
        await asyncio.gather(*(self._end(name) for name in names))

    async def _end(self, name: str) -> None:
        poller, tasks = self.pollers.pop(name), self._tasks.pop(name)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, poller.aclose(), return_exceptions=True)
        poller.tried.set()  # nobody may wait for it any more
        mailbox = poller.name
        old, self._connectors[mailbox] = self._connectors[mailbox], self._connect(mailbox)
        await asyncio.wait([asyncio.ensure_future(old.aclose())], timeout=TIDYING)
        self._meter.unwatched(name)

    async def aclose(self) -> None:
        """Ends the readings that were asked for; the loops end by being cancelled."""
        await asyncio.gather(*(poller.aclose() for poller in self.pollers.values()), return_exceptions=True)

    async def _watch(self, poller: Poller, before: Collection[Poller]) -> None:
        """Watches a mailbox once others were tried: shared ones are read first.

        A stranger's question makes them a lead, and our answer to them means nothing until it has.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                for other in before:
                    await other.tried.wait()
        await poller.watch()
