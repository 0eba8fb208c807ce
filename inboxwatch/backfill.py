"""Reads history into the store for reports; pages nobody."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inboxwatch.buyers import read_sources
from inboxwatch.connector import MailboxError, Reading
from inboxwatch.core.model import MailboxId
from inboxwatch.core.policy import Duration
from inboxwatch.engine import Engine
from inboxwatch.instant import now
from inboxwatch.store import Store, StoreError
from inboxwatch.worker import Worker

if TYPE_CHECKING:
    from inboxwatch.config import Config

OK, FAILED, BAD = 0, 1, 2


def run_backfill(config: Config, mailboxes: list[str], since: str) -> int:
    """The command; returns the exit code."""
    try:
        length = Duration.parse(since)
    except ValueError as error:
        return _say(f"--since: {error}", BAD)
    unknown = [name for name in mailboxes if name not in config.mailboxes]
    if unknown:
        return _say(f"no mailbox {', '.join(unknown)}; known are {', '.join(config.mailboxes)}", BAD)
    names = [MailboxId(name) for name in mailboxes or config.mailboxes]
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return _say(str(error), FAILED)
    try:
        return asyncio.run(_all(config, store, names, now() - length.length))
    finally:
        store.close()


async def _all(config: Config, store: Store, names: list[MailboxId], horizon: datetime) -> int:
    channels = {name: one.connect() for name, one in config.channels.items()}
    engine = Engine(store, config, channels)
    worker = Worker()
    code = OK
    try:
        for source, found in (await read_sources(config)).items():
            await worker.run(engine.learn, source, [row.lead for row in found.rows], now())
        with _bar() as bar:
            for name in names:
                try:
                    await _one(engine, worker, config, name, horizon, bar)
                except MailboxError as error:
                    code = _say(f"{name}: {error}. {error.hint}".rstrip(), FAILED)
    finally:
        worker.close()
        for channel in channels.values():
            await channel.aclose()
    return code


async def _one(engine: Engine, worker: Worker, config: Config, name: MailboxId, horizon: datetime, bar: Any) -> None:
    """Reads one mailbox from the horizon on. The daemon's own position is left alone: it reads on where it was."""
    connector = config.mailboxes[name].connect(Reading(privacy=config.privacy, since=horizon))
    begun = time.monotonic()
    read = 0
    task = bar.add_task(str(name), total=None)
    try:
        async for batch in connector.poll(None):
            result = await worker.run(engine.ingest_history, name, replace(batch, seen_until=None), now())
            read += result.read
            total = None if batch.remaining is None else read + batch.remaining
            bar.update(task, completed=read, total=total)
    finally:
        await connector.aclose()
    seconds = time.monotonic() - begun
    print(f"{name}: {read} messages in {seconds:.1f} s ({read / max(seconds, 1e-9):.0f}/s)", file=sys.stderr)  # noqa: T201


def _bar() -> Any:
    """A progress bar on a terminal; silent where piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _say(text: str, code: int) -> int:
    print(f"inboxwatch: {text}", file=sys.stderr)  # noqa: T201  (a command's own words)
    return code
