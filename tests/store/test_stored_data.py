"""The table of what is stored names every column of every table, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from inboxwatch.store import tables

DOCUMENT = Path(tables.__file__).parent / "README.md"


def documented() -> list[tuple[str, str]]:
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and (table := re.fullmatch(r"`(\w+)`", cells[0])):
            assert all(cells), f"{table[1]}: what, why or how long is not said"
            found += [(table[1], column) for column in re.findall(r"`(\w+)`", cells[1])]
    return found


def test_each_column_says_once_what_it_is_why_and_for_how_long() -> None:
    stored = {(table.name, column.name) for table in tables.metadata.sorted_tables for column in table.columns}
    told = documented()
    assert set(told) == stored
    assert len(told) == len(stored), "a column has one line"
