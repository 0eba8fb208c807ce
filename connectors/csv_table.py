"""Tables that people keep as CSV: any separator, the usual encodings; a broken record costs its own line only."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Entry = TypeVar("Entry")
SPLIT = re.compile(r"[\s,;|]+")
"""Between several values in one field."""
_EMAIL = re.compile(r"[^@\s,;:<>\"()\x00-\x1f]+@(?:[^@\s,;:<>\"().\x00-\x1f]+\.)+[^@\s,;:<>\"().\x00-\x1f]+")
_SEPARATORS = ",;\t|"
_MAX_LINES = 50
"""Lines of one record; longer ones come from a quotation mark that is never closed."""


def decoded(content: bytes) -> str:
    """Spreadsheets save UTF-8 with a byte order mark, UTF-16, or what Windows takes for Latin-1."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def records(text: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, values, problem) of each record that is not empty; a broken one costs its own line, not those after it."""
    lines = text.splitlines(keepends=True)
    separator = max(_SEPARATORS, key=next((line for line in lines if line.strip()), "").count)
    place = 0
    while place < len(lines):
        reader = csv.reader(lines[place : place + _MAX_LINES], delimiter=separator, strict=True)
        try:
            values, problem = [value.strip() for value in next(reader)], ""
            consumed = reader.line_num
        except csv.Error as error:
            values, problem, consumed = [], f"cannot be read: {error}", 1
        if problem or any(values):
            yield place + 1, values, problem
        place += consumed


def entries(
    content: bytes, file: str, read: Callable[[dict[str, str]], Entry], names: Callable[[Entry], Sequence[str]]
) -> tuple[list[tuple[Entry, str]] | None, list[tuple[str, str]]]:
    """What the rows of a table with a column `email` are, each with its place (`file:line`), and (place, why) of those
    refused: `read` raises ValueError for them, or one of their `names` stands further up. None where no header is.

    Raises ValueError for a header that is none.
    """
    found: list[tuple[Entry, str]] = []
    refused: list[tuple[str, str]] = []
    taken: dict[str, str] = {}
    columns: list[str] | None = None
    for line, values, problem in records(decoded(content)):
        place = f"{file}:{line}"
        if columns is None and not problem:
            columns = header(values, "email")
            continue
        try:
            entry = read(fields(columns or [], values))
        except ValueError as error:
            refused.append((place, problem or str(error)))
            continue
        its = names(entry)
        if twice := next((name for name in its if name in taken), None):
            refused.append((place, f"{twice} stands at {taken[twice]} already"))
            continue
        taken |= dict.fromkeys(its, place)
        found.append((entry, place))
    return (None if columns is None else found), refused


def header(values: Sequence[str], needed: str) -> list[str]:
    """The names of the columns, without case. Raises ValueError where `needed` is missing or one is named twice."""
    columns = [value.casefold() for value in values]
    if needed not in columns:
        raise ValueError(f"its header has no column `{needed}`; it has: {', '.join(columns)[:200]}")
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise ValueError(f"its header names {', '.join(twice)} twice")
    return columns


def fields(columns: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """The values of a record that are not empty, by column. Raises ValueError where it has more than columns."""
    if any(values[len(columns) :]):
        raise ValueError(f"has {len(values)} values for {len(columns)} columns")
    return {name: value for name, value in zip(columns, values, strict=False) if name and value}


def address_in(text: str) -> str:
    """An e-mail address in lower case. Raises ValueError."""
    address = text.strip().removeprefix("mailto:").lower()
    if not _EMAIL.fullmatch(address):
        raise ValueError(f"{text[:80]!r} is no e-mail address")
    return address
