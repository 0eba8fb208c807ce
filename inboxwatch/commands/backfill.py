"""Reads history into the store for reports; pages nobody, and goes on where it was interrupted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, progress, tell
from inboxwatch.connector import MailboxError, Reading, Reason
from inboxwatch.core.backoff import Backoff
from inboxwatch.core.model import MailboxId
from inboxwatch.core.sla.policy import Duration
from inboxwatch.daemon.gc_tuning import collect_seldom
from inboxwatch.daemon.lead_sync import LeadSync
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.ingest import begin_history, ingest_history
from inboxwatch.engine.policies import prepare
from inboxwatch.engine.rules import Rules
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

ATTEMPTS = 6
"""Failures in a row, without a batch between them, after which the reading of a mailbox ends."""
PATIENCE = Backoff(2.0, 120.0)
"""Pauses after a failure, unless the provider asks for a longer one."""
BATCH = 700
"""Messages of a batch: more than in the daemon share what each batch costs whatever its size. The UIDs of so many still
fit into the 8,192 octets of a command that IMAP servers must take (RFC 7162)."""
NEWS_EVERY = 10.0
"""Seconds between lines of progress where standard error is no terminal."""


def run_backfill(config: Config, mailboxes: list[str], since: str) -> ExitCode:
    """The command; returns the exit code."""
    try:
        length = Duration.parse(since)
    except ValueError as error:
        return fail(f"--since: {error}", ExitCode.BAD_CONFIG)
    if length.business or not length.length:
        return fail(f"--since: {since} is no wall time to reach back; write 12h or 90d", ExitCode.BAD_CONFIG)
    unknown = [name for name in mailboxes if name not in config.mailboxes]
    if unknown:
        return fail(f"no mailbox {', '.join(unknown)}; known are {', '.join(config.mailboxes)}", ExitCode.BAD_CONFIG)
    names = [MailboxId(name) for name in mailboxes or config.mailboxes]
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return fail(str(error))
    try:
        return asyncio.run(_all(config, store, names, now() - length.length))
    except KeyboardInterrupt:
        return fail("interrupted; the same command goes on from here", ExitCode.INTERRUPTED)
    finally:
        store.close()


async def _all(config: Config, store: Store, names: list[MailboxId], horizon: datetime) -> ExitCode:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    rules, writer = Rules.connect(config), Writer(store)
    code = ExitCode.OK
    try:
        await writer.write(prepare, rules)
        await _read_leads(config, LoopContext(rules, writer, now))
        collect_seldom()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with progress(*columns) as bars:
            for name in names:
                try:
                    await _History(rules, writer, name, bars).read(horizon)
                except MailboxError as error:
                    code = fail(f"{name}: {error}" + (f" -> {error.hint}" if error.hint else ""))
    finally:
        writer.close()
    return code


async def _read_leads(config: Config, context: LoopContext) -> None:
    sources = {name: one.connect() for name, one in config.leads.items()}
    leads = LeadSync(sources, context)
    try:
        await leads.first(limit=None)
    finally:
        await leads.aclose()
        for source in sources.values():
            await source.aclose()


@dataclass(slots=True)
class _History:
    """The history of one mailbox. The daemon's own position is not touched."""

    rules: Rules
    writer: Writer
    name: MailboxId
    bars: Any
    fresh: int = 0
    """Messages that this command has read."""

    async def read(self, horizon: datetime) -> None:
        """Reads all of it. Raises MailboxError where the first attempt fails, or ATTEMPTS in a row without a batch."""
        failures, begun = 0, time.monotonic()
        while True:
            before = self.fresh
            try:
                total = await self._go_on(horizon)
            except MailboxError as error:
                failures = 1 if self.fresh > before else failures + 1
                may_pass = self.fresh > 0 or error.reason is Reason.RATE_LIMITED
                if error.permanent or not may_pass or failures == ATTEMPTS:
                    raise
                pause = max(error.retry_after or 0.0, PATIENCE.pause(failures))
                tell(f"{self.name}: {error}; trying again in {pause:.0f} s")
                await asyncio.sleep(pause)
            else:
                seconds = max(time.monotonic() - begun, 1e-9)
                older = f" after {total - self.fresh} of an interrupted backfill" if total > self.fresh else ""
                rate = f"in {seconds:.1f} s ({self.fresh / seconds:.0f}/s)"
                tell(f"{self.name}: {self.fresh} messages{older} {rate}")
                return

    async def _go_on(self, horizon: datetime) -> int:
        """Reads from where the last attempt stopped to the end; returns how many messages were read in all."""
        since, cursor, read = await self.writer.write(begin_history, self.name, horizon, now())
        reading = Reading(privacy=self.rules.config.privacy, since=since, batch_size=BATCH)
        connector = self.rules.config.mailboxes[self.name].connect(reading)
        bar, told_at = self.bars.add_task(str(self.name), total=None), time.monotonic()
        try:
            async for batch in connector.poll(cursor):
                result = await self.writer.write(ingest_history, self.rules, self.name, batch, cursor, now())
                if result.stale:
                    hint = "let it end, or stop it and give the command again"
                    raise MailboxError(Reason.CLIENT, "another backfill reads this mailbox", hint=hint, permanent=True)
                cursor, read, self.fresh = batch.cursor, read + result.read, self.fresh + result.read
                total = None if batch.remaining is None else read + batch.remaining
                self.bars.update(bar, completed=read, total=total)
                if self.bars.disable and time.monotonic() - told_at > NEWS_EVERY:
                    told_at = time.monotonic()
                    tell(f"{self.name}: {read} of {total or 'an unknown number of'} messages")
        finally:
            self.bars.remove_task(bar)
            await connector.aclose()
        return read
