"""Completeness is measured: every Message-ID on the server against the store; what is missing is read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from inboxwatch.connector import Batch, Counts, Cursor, MailboxError, MailConnector, Reason, Recovers, Rereads
from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from inboxwatch.daemon.rereading import reread
from inboxwatch.daemon.time_limit import TimeLimit
from inboxwatch.engine.ingest import ingest_recovered
from inboxwatch.engine.mailbox_health import Count, Lacking, counted, unread

log = structlog.get_logger(__name__)

CHUNK = 200
"""So many ids are compared, and messages read again, at a time."""
SOON = timedelta(minutes=10)
"""When the first census is taken after a start."""
STEP_LIMIT = 300.0
"""Seconds that the connector may take to list or read so many messages; longer is a hang."""
SLACK = 30.0
"""Seconds that ending a census may take."""

Result = TypeVar("Result")


class Census:
    """Counts one mailbox at intervals; an account can be healthy and still lose mail (41 % of it, elsewhere)."""

    def __init__(self, poller: Poller, connector: MailConnector, context: LoopContext) -> None:
        self._name: MailboxId = poller.name
        self._poller = poller
        self._connector = connector
        self._rules = context.rules
        self._writer = context.writer
        self._now = context.now
        self._limit = TimeLimit()

    async def repeat(self, every: timedelta) -> None:
        """Takes a census at intervals until cancelled; a mailbox that cannot be read now is counted the next time."""
        await asyncio.sleep(min(every, SOON).total_seconds())
        while True:
            try:
                await self.take()
            except MailboxError as error:
                why = {"reason": error.reason.value, "error": str(error), "hint": error.hint}
                log.warning("census not taken", mailbox=self._name, **why)
            except Exception:  # a defect in one connector must end neither the counting nor the daemon; it is logged
                log.exception("census failed by a defect", mailbox=self._name)
            await asyncio.sleep(every.total_seconds())

    async def take(self) -> float | None:
        """Compares, reads what is missing, records the share that the store holds; None where nothing can be known."""
        if not isinstance(self._connector, Counts) or not await self._poller.look():
            return None
        if self._limit.stuck:
            raise MailboxError(
                Reason.TIMEOUT,
                "an earlier census hangs and cannot be ended",
                hint="restart inboxwatch: nothing is lost",
            )
        listed = aside = 0
        missing: list[tuple[str, str]] = []
        since = self._now() - self._rules.config.look_back
        names = aiter(self._connector.census(since))
        try:
            while chunk := await self._within_limit(_next(names)):
                listed += len(chunk)
                found = await self._unread(chunk)
                missing += found.missing
                aside += len(found.aside)
        finally:
            await self._limit.close(names, SLACK)
        if missing:
            log.warning("census found messages that were never read", mailbox=self._name, missing=len(missing))
            left = await self._recover(missing)
            missing, aside = left.missing, aside + len(left.aside)
        return await self._writer.write(counted, self._name, Count(listed, len(missing), aside, since))

    async def _within_limit(self, step: Awaitable[Result]) -> Result:
        """Raises MailboxError where a step hangs."""
        try:
            return await self._limit.run(step, STEP_LIMIT)
        except TimeoutError:
            raise MailboxError(Reason.TIMEOUT, f"a census had no answer within {STEP_LIMIT:.0f} s") from None

    async def _unread(self, chunk: Sequence[tuple[str, str]]) -> Lacking:
        return await self._writer.read(unread, self._name, chunk)

    async def _recover(self, missing: Sequence[tuple[str, str]]) -> Lacking:
        """Reads messages again and files them as if they had just arrived; returns those that stay unread."""
        left = Lacking([], [])
        if not isinstance(self._connector, Rereads | Recovers):
            return left._replace(missing=list(missing))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            found = await self._within_limit(reread(self._connector, [ref for ref, _ in part]))
            aside = found.unreadable if isinstance(self._connector, Rereads) else ()
            batch = Batch(found.messages, Cursor(""), quarantined=aside)
            await self._writer.write(ingest_recovered, self._rules, self._name, batch, self._now())
            still = await self._unread(part)
            left.missing.extend(still.missing)
            left.aside.extend(still.aside)
        return left


async def _next(names: AsyncIterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Some more of what a census lists; nothing at its end."""
    chunk: list[tuple[str, str]] = []
    async for found in names:
        chunk.append(found)
        if len(chunk) == CHUNK:
            break
    return chunk
