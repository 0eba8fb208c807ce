"""How commands speak: results on standard output, their own words on standard error, tables and bars on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.daemon.journal import marked
from inboxwatch.hidden import hidden

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress, ProgressColumn

LONG = 500
"""Rows from which on a table is written as it comes: laying out tens of thousands takes minutes."""
PIPED = 400
"""Width of a table that goes into a file or another program."""


def result(text: str) -> None:
    """One line of what was asked for, on standard output."""
    print(text)  # noqa: T201  (what a command is for)


def result_json(items: Iterable[Mapping[str, Any]]) -> None:
    """JSON Lines for scripts, on standard output."""
    for item in items:
        line = json.dumps(item, ensure_ascii=False)
        # JSON leaves characters as they are that terminals obey.
        result(line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line))


def remark(text: str) -> None:
    """A line beside the result, on standard error."""
    print(hidden(text), file=sys.stderr)  # noqa: T201  (a command's own words)


def tell(text: str) -> None:
    """A remark that says who speaks: `inboxwatch: TEXT`."""
    remark(f"inboxwatch: {text}")


def fail(text: str, code: ExitCode = ExitCode.FAILED) -> ExitCode:
    """Tells why a command ends, and gives its exit code back."""
    remark(marked(f"inboxwatch: {text}"))
    return code


def fail_config(path: Path, problems: Iterable[object]) -> ExitCode:
    """Tells all that is wrong with a config file, each problem in a line of its own."""
    told = [str(problem) for problem in problems]
    for problem in told:
        remark(marked(problem))
    return fail(f"{path}: {len(told)} problem(s)", ExitCode.BAD_CONFIG)


def printable(line: str) -> str:
    """A line that cannot steer the reader's terminal, whoever wrote the names and addresses in it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def table(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Items as a table with their number below; a buyer's name is text, whatever it looks like."""
    if len(items) > LONG:
        _plain(items, columns)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column == "id")
    for item in items:
        shown.add_row(*(Text("" if item.get(column) is None else printable(str(item[column]))) for column in columns))
    # Piped, lines are as long as they need to be: scripts look for ids in them.
    console = Console(width=None if sys.stdout.isatty() else PIPED)
    console.print(shown)
    console.print(f"{len(items)} in all", style="dim")


def _plain(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A table of one line a row, each column as wide as its widest value."""
    rows = [list(columns)]
    rows += [["" if item.get(one) is None else printable(str(item[one])) for one in columns] for item in items]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        result("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    result(f"{len(items)} in all")


def progress(*columns: ProgressColumn) -> Progress:
    """Bars on standard error, for `with`; what is printed meanwhile stands above them. Disabled where it is piped."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
