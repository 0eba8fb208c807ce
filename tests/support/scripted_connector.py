"""A connector that does what a test says, its poller in virtual time, and the store behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from inboxwatch.connector import Batch, Cursor, MailboxError, Probe, Reason, Settings
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from inboxwatch.store import tables
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.inline_writer import InlineWriter
from tests.support.virtual_time import VirtualTimeLoop

ANA = MailboxId("ana")
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LIMITED = partial(MailboxError, Reason.RATE_LIMITED, "429 too many requests")


class ScriptedConnector:
    """A mailbox that holds what has arrived by now, and breaks as it is told."""

    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.mail: list[datetime] = []
        """When each message arrives, in order."""
        self.size = 500
        self.polls: list[datetime] = []
        self.trouble: Callable[[int], Awaitable[None] | None] = lambda batch: None
        """Called before each batch of a poll (0, 1, ...) with its number; it raises or hangs."""

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        self.polls.append(now := self._now())
        start = int(cursor or 0)
        due = [at for at in self.mail if at <= now][start:]
        for number in range(max(1, -(-len(due) // self.size))):
            if (hang := self.trouble(number)) is not None:
                await hang
            part = due[number * self.size : (number + 1) * self.size]
            messages = tuple(numbered_letter(start + place, at) for place, at in enumerate(part))
            start += len(part)
            left = len(due) - (number + 1) * self.size
            yield Batch(messages, Cursor(str(start)), None if left > 0 else now, remaining=left if left > 0 else None)

    async def probe(self) -> Probe:
        return Probe({})

    async def aclose(self) -> None:
        """Nothing is held."""

    def pauses(self, since: datetime) -> list[float]:
        """Seconds between the readings since an instant."""
        times = [at for at in self.polls if at >= since]
        return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


class PushingConnector(ScriptedConnector):
    """One that says when there may be news, in the way that `hint` scripts."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.hint: Callable[[float], Awaitable[bool]] = self.quiet

    async def quiet(self, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return False

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        return await self.hint(timeout)


def refusing(error: Callable[[], MailboxError]) -> Callable[[int], None]:
    """Trouble with every batch."""

    def refuse(batch: int) -> None:
        raise error()

    return refuse


async def deaf_to_cancelling(released: asyncio.Event) -> None:
    while not released.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await released.wait()


def numbered_letter(number: int, at: datetime) -> RawMessage:
    lines = [
        "From: Bo <bo@buyer.test>",
        "To: ana@acme.test",
        f"Message-ID: <m{number}@buyer.test>",
        f"Subject: {number}",
    ]
    return RawMessage(f"inbox/{number}", FolderRole.INBOX, at, ("\r\n".join(lines) + "\r\n\r\n").encode())


class PolledMailbox:
    """A daemon of which one mailbox is watched."""

    def __init__(self, folder: Path, loop: VirtualTimeLoop, kind: type[ScriptedConnector] = ScriptedConnector) -> None:
        self.loop = loop
        self.daemon = InProcessDaemon(folder)
        self.daemon.lead("bo@buyer.test", owner="ana")
        self.box = kind(loop.now)
        self.worker = InlineWriter(self.daemon.store)
        self.context = LoopContext(self.daemon.engine.rules, self.worker, loop.now)
        self.poller = Poller(ANA, self.box, self.daemon.metrics, self.context)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watch = asyncio.create_task(self.poller.watch())
        try:
            yield
            assert not watch.done(), "nothing ends the watch"
        finally:
            watch.cancel()
            await asyncio.wait({watch}, timeout=10)
            assert watch.done(), "the watch ends when it is told to"
            await self.poller.aclose()
            self.worker.close()
            self.daemon.close()

    async def passes(self, time: timedelta) -> None:
        await asyncio.sleep(time.total_seconds())

    def figure(self, name: str, **labels: str) -> float | None:
        with self.daemon.store.reading() as tx:
            figures = tx.statistics.figures(self.loop.now())
        text = self.daemon.metrics.exposition(figures, self.loop.now()) + self.daemon.metrics.process()
        wanted = {"mailbox": "ana", **labels}.items()
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                if sample.name == f"inboxwatch_mailbox_{name}" and wanted <= sample.labels.items():
                    return float(sample.value)
        return None

    def told(self) -> list[str]:
        """The titles of what IT is told."""
        with self.daemon.store.reading() as tx:
            rows = tx.connection.execute(select(tables.delivery).order_by(tables.delivery.c.id)).all()
        return [row.body["title"] for row in rows if row.type == "mailbox"]
