"""One daemon process of a simulated world: its loops over the common store, taking turns with those of others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any

from inboxwatch.config import Config
from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from inboxwatch.daemon.scheduler import Scheduler
from inboxwatch.daemon.sender import Sender
from inboxwatch.store import Store
from tests.support.engine import Engine
from tests.support.inline_writer import InlineWriter


class _Meter:
    """Counts nothing."""

    def poll_finished(self, connector: str, seconds: float) -> None: ...
    def mailbox_error(self, mailbox: str, reason: str) -> None: ...
    def detected(self, connector: str, lag_seconds: float) -> None: ...
    def paced(self, mailbox: str, seconds: float) -> None: ...
    def backlog(self, mailbox: str, messages: int) -> None: ...


class SimulatedProcess:
    """What `daemon.supervisor` runs, without tasks: the world turns each loop when its time has come."""

    def __init__(
        self,
        store: Store,
        config: Config,
        channels: Mapping[str, Any],
        connectors: Mapping[MailboxId, Any],
        now: Callable[[], datetime],
    ) -> None:
        self.writer = InlineWriter(store)
        self.engine = Engine(store, config, channels)
        self.engine.sweep(now())
        self._beside: list[Coroutine[Any, Any, None]] = []
        context = LoopContext(self.engine.rules, self.writer, now)
        self.pollers = {name: Poller(name, connectors[name], _Meter(), context) for name in config.mailboxes}
        self.scheduler = Scheduler(self._look, self._beside.append, context)
        self.senders = {name: Sender(name, channel, self._look, context) for name, channel in channels.items()}

    async def turn(self) -> None:
        """Turns the scheduler, and does what it wants done beside."""
        await self.scheduler.once()
        while self._beside:
            await self._beside.pop()

    async def _look(self, nearest: Iterable[str], others: Iterable[str]) -> bool:
        well = {name: await self.pollers[MailboxId(name)].look() for name in sorted({*nearest, *others})}
        return all(well[name] for name in nearest)

    def die(self) -> None:
        """Leaves undone what was to be done beside."""
        for one in self._beside:
            one.close()
        self._beside.clear()
