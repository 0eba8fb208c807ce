"""Messages that cannot be read: known by name and reason, never read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, insert_missing

_apart = tables.quarantine


class Quarantine:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, mailbox: str, refs: Iterable[tuple[str, str]], now: datetime) -> int:
        """Sets messages aside by (ref, reason); returns how many are new."""
        rows = [{"mailbox": mailbox, "ref": ref, "reason": reason, "at": now} for ref, reason in refs]
        return insert_missing(self._connection, _apart, rows)

    def among(self, mailbox: str, refs: Sequence[str]) -> set[str]:
        """Which of the refs of a mailbox are set aside."""
        found: set[str] = set()
        for part in chunks(list(refs)):
            rows = select(_apart.c.ref).where(_apart.c.mailbox == mailbox, _apart.c.ref.in_(part))
            found.update(self._connection.execute(rows).scalars())
        return found

    def counts(self) -> dict[str, int]:
        """How many messages of each mailbox are set aside; mailboxes without any are left out."""
        counted = select(_apart.c.mailbox, func.count()).group_by(_apart.c.mailbox)
        return {row[0]: row[1] for row in self._connection.execute(counted)}
