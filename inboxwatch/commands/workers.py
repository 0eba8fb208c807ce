"""`workers`: who reads which mailboxes of a store that several daemons share, and what nobody reads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.ownership_proof import some
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, result, result_json, table
from inboxwatch.config.members import with_members
from inboxwatch.engine import workers
from inboxwatch.engine.directories import stored_members
from inboxwatch.engine.workers import HouseView
from inboxwatch.store import Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

COLUMNS = ("number", "name", "version", "began_at", "state", "shards", "mailboxes", "since", "clock_ahead_seconds")
ONE = "the store is a SQLite file: one daemon works on it, and reads every mailbox"


def list_workers(config: Config, *, as_json: bool) -> ExitCode:
    """The command; returns the exit code: FAILED where there are workers, and mailboxes that none of them reads."""

    def read(tx: Transaction) -> HouseView | None:
        known = with_members(config, stored_members(tx, config)) if config.directories else config
        return workers.list_workers(tx, known.mailboxes) if tx.shared else None

    try:
        house = look(config, read)
    except UNREADABLE as error:
        return fail(str(error))
    if house is None:
        return fail(ONE)
    rows: list[dict[str, object]] = [
        {
            "number": one.worker.number,
            "name": one.worker.name,
            "version": one.worker.version,
            "began_at": _instant(one.worker.began_at),
            "state": "leaving" if one.leaving else "at work",
            "shards": one.shards,
            "mailboxes": list(one.mailboxes) if as_json else len(one.mailboxes),
            "since": _instant(one.since),
            "clock_ahead_seconds": round(one.worker.ahead, 1),
        }
        for one in house.workers
    ]
    if as_json:
        unread = {"number": None, "state": "nobody", "mailboxes": list(house.unread)}
        result_json([*rows, unread] if house.unread else rows)
    else:
        table(rows, COLUMNS)
        if house.unread:
            result(f"read by nobody: {', '.join(some(house.unread, 'others'))}")
    return ExitCode.FAILED if house.unread and house.workers else ExitCode.OK


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
