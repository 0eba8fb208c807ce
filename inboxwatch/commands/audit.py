"""`audit`: who did what when by which door, read from the store itself, beside the daemon or without one."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from inboxwatch.commands.csv_cell import plain
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, result, result_json, table
from inboxwatch.engine.audit import Wanted, audit_view
from inboxwatch.store import Outage, Store, StoreError, Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

COLUMNS = (
    "id",
    "at",
    "door",
    "by",
    "deed",
    "object",
    "lead",
    "lead_hash",
    "owner",
    "outcome",
    "status",
    "times",
    "hash",
)
SHOWN = ("id", "at", "door", "by", "deed", "object", "lead", "owner", "outcome", "status", "times")
PAGE = 1000
"""Rows that are read at a time."""


def list_audit(config: Config, wanted: Wanted, limit: int, *, before: int | None, as_json: bool) -> ExitCode:
    """Prints the newest rows; returns the exit code."""
    try:
        rows = look(
            config,
            lambda tx: [audit_view(row) for row in tx.audit.page(wanted.found_by(tx), limit, before=before)],
        )
    except UNREADABLE as error:
        return fail(str(error))
    if as_json:
        result_json(rows)
    else:
        table(rows, SHOWN)
    return ExitCode.OK


def export_audit(config: Config, wanted: Wanted, output: Path | None, *, as_csv: bool) -> ExitCode:
    """Writes every row, the oldest first, on one consistent view; returns the exit code."""
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return fail(str(error))
    try:
        opened = output.open("w", encoding="utf-8", newline="") if output is not None else nullcontext(sys.stdout)
        with opened as file, store.reading() as tx:
            number = _write(file, _rows(tx, wanted), as_csv=as_csv)
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.OK
    except Outage as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{output}: {error.strerror}")
    finally:
        store.close()
    if output is not None:
        result(f"{number} rows written to {output}")
    return ExitCode.OK


def verify_audit(config: Config, expected: tuple[int, str] | None) -> ExitCode:
    """Follows the chain of the log; returns the exit code. `expected`: number and hash of a row, kept elsewhere."""
    try:
        found, known = look(config, lambda tx: (tx.audit.chain(), tx.audit.hash_of(expected[0]) if expected else None))
    except UNREADABLE as error:
        return fail(str(error))
    if found.broken:
        return fail(
            f"row {found.broken} does not fit: it was changed, or rows before it were changed, added or removed; "
            f"{found.rows} rows fit, up to {found.last}"
        )
    if found.cut:
        return fail(f"rows behind {found.last} are missing; {found.rows} rows fit")
    if expected is not None and known != expected[1]:
        return fail(
            f"row {expected[0]} is not the one with that hash: it was erased by age, or the log was written anew"
        )
    result(f"{found.rows} rows fit; the last is {found.last}:{found.hash}")
    return ExitCode.OK


def _rows(tx: Transaction, wanted: Wanted) -> Iterator[dict[str, object]]:
    where, after = wanted.found_by(tx), 0
    while rows := tx.audit.page(where, PAGE, after=after):
        yield from map(audit_view, rows)
        after = rows[-1].id


def _write(file: TextIO, rows: Iterator[dict[str, object]], *, as_csv: bool) -> int:
    """Returns how many rows there were."""
    number = 0
    lines = csv.writer(file)
    if as_csv:
        lines.writerow(COLUMNS)
    for row in rows:
        number += 1
        if as_csv:
            lines.writerow([plain(row[column]) for column in COLUMNS])
        else:
            file.write(json.dumps(row) + "\n")
    return number
