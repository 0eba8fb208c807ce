"""`store`: backups of the config's store, and its way to another database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE
from inboxwatch.commands.terminal import fail, progress, result, tell
from inboxwatch.engine.erasure_clock import trust
from inboxwatch.engine.rules import Rules
from inboxwatch.hidden import hide
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError
from inboxwatch.store.backup import Copied, backup, copy, restore
from inboxwatch.store.row_copy import Told

if TYPE_CHECKING:
    from inboxwatch.config import Config

LOST_KEY = "the key of signed links does not lie beside the backup: links in messages sent so far work no more"


def run_backup(config: Config, file: Path, *, replace: bool) -> ExitCode:
    """`store backup`; returns the exit code."""
    return _run(config, lambda url, told: backup(url, file, told, replace=replace), f"backed up to {file}")


def run_restore(config: Config, file: Path, *, replace: bool) -> ExitCode:
    """`store restore`; returns the exit code."""
    done = f"restored from {file}"
    return _run(config, lambda url, told: restore(file, url, told, replace=replace), done)


def run_copy(config: Config, target: str, *, replace: bool) -> ExitCode:
    """`store copy`; returns the exit code."""
    if not target.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        return fail("the new store is sqlite:///FILE or postgresql://USER@HOST/DATABASE", ExitCode.BAD_CONFIG)
    hide(target)
    done = "copied; what a daemon has written since is not in the copy. Now change store.url"
    return _run(config, lambda url, told: copy(url, target, told, replace=replace), done)


def run_trust_clock(config: Config) -> ExitCode:
    """`store trust-clock`, beside the daemon; returns the exit code."""
    if not config.store_url.resolved:
        return fail(f"store.url: {config.store_url.origin} is not there", ExitCode.BAD_CONFIG)
    at = now()
    try:
        store = Store(config.store_url.reveal(), migrate=False)
        try:
            with store.transaction() as tx:
                ahead = trust(tx, Rules.connect(config), at)
        finally:
            store.close()
    except UNREADABLE as error:
        return fail(str(error))
    was = f"was {ahead.days} days ahead of it" if ahead else "had not left it"
    result(f"age is counted by this machine's clock, {at:%Y-%m-%d %H:%M} UTC; it {was}")
    return ExitCode.OK


def _run(config: Config, work: Callable[[str, Told], Copied], done: str) -> ExitCode:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    if not config.store_url.resolved:
        return fail(f"store.url: {config.store_url.origin} is not there", ExitCode.BAD_CONFIG)
    try:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with progress(*columns) as bars:
            bar = bars.add_task("copying", total=None)
            copied = work(
                config.store_url.reveal(), lambda so_far, total: bars.update(bar, completed=so_far, total=total)
            )
    except StoreError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return fail("interrupted; nothing was changed", ExitCode.INTERRUPTED)
    rows = copied.rows
    known = f"{rows['message']} messages, {rows['clock']} waits, {rows['lead']} leads"
    result(f"{done} ({known}, {sum(rows.values())} rows in all)")
    if not copied.key:
        tell(LOST_KEY)
    return ExitCode.OK
