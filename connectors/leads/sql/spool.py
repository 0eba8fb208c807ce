"""A query's rows, read in one go and given out later: the database waits for nobody who takes them over slowly."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, NamedTuple

from connectors.leads.sql.position import ListSums, Value
from inboxwatch.connector import MailboxError, Reason

_IN_MEMORY = 4 * 1024 * 1024
_LARGEST = 2 * 1024 * 1024 * 1024
CHANGED_AT = "changed_at"
_KEYS = ("key", "id")


class SpooledRow(NamedTuple):
    number: int
    """From 1, in the order of the answer."""
    key: str
    given: dict[str, str]
    problem: str
    """Why it cannot be used; empty where that is not known yet."""


class Spool:
    """Rows in a file without a name, which goes with it; a short list stays in memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed by `close`)
        self._taken: set[int] = set()
        """Hashes of the keys: the text of each would take three times the memory."""
        self.sums = ListSums()
        self.greatest: Value | None = None
        """Of the column `changed_at`."""
        self.count = 0
        self.columns: Sequence[str] = ()

    def fill(self, answer: Iterable[tuple[Sequence[str], Sequence[Sequence[Any]]]], needs_changed_at: bool) -> None:
        """Takes all rows. Raises MailboxError where the columns are none of leads, or there is too much of it."""
        for columns, rows in answer:
            if not self.columns:
                self.columns = _checked(columns, needs_changed_at)
            for row in rows:
                self._add(dict(zip(self.columns, row, strict=True)))
            if self._file.tell() > _LARGEST:
                raise MailboxError(Reason.CLIENT, "reading the database: its answer is larger than 2 GB")
        self._taken.clear()

    def _add(self, values: dict[str, Any]) -> None:
        self.count += 1
        self._see(values.pop(CHANGED_AT, None))
        given = {name: told for name, value in values.items() if (told := as_text(value))}
        key = next((given.pop(name) for name in _KEYS if name in given), "") or given.get("email", "").lower()
        problem = ""
        if key:
            problem = "its key stands in an earlier row already" if hash(key) in self._taken else ""
            self._taken.add(hash(key))
        line = json.dumps((key, given), separators=(",", ":")).encode()
        self.sums.add(key, line)
        self._file.write(json.dumps(problem).encode() + b"\t" + line + b"\n")

    def _see(self, at: Any) -> None:
        if at is None:
            return
        try:
            self.greatest = at if self.greatest is None or at > self.greatest else self.greatest
        except TypeError as error:
            raise MailboxError(
                Reason.CLIENT, f"reading the database: the values of `{CHANGED_AT}` are not of one kind"
            ) from error

    def rows(self) -> Iterator[SpooledRow]:
        """All rows, in their order."""
        self._file.seek(0)
        for number, line in enumerate(self._file, start=1):
            problem, _, told = line.partition(b"\t")
            key, given = json.loads(told)
            yield SpooledRow(number, key, given, json.loads(problem))

    def close(self) -> None:
        self._file.close()


def _checked(columns: Sequence[str], needs_changed_at: bool) -> Sequence[str]:
    found = [name.casefold() for name in columns]
    needed = ["email", CHANGED_AT] if needs_changed_at else ["email"]
    if missing := [name for name in needed if name not in found]:
        raise MailboxError(
            Reason.CLIENT,
            f"reading the database: the query has no column `{missing[0]}`; it has: {', '.join(found)[:200]}",
            hint=f"name one by `AS {missing[0]}`",
        )
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise MailboxError(Reason.CLIENT, f"reading the database: the query has {', '.join(twice)} twice")
    return found


def as_text(value: Any) -> str:
    """A value of a column, as a CSV would have it; empty for NULL and what is no text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace").strip()
    return str(value).strip()
