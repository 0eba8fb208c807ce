"""The mailboxes that were ever read: each with its position and its health."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from inboxwatch.store import tables
from inboxwatch.store.records import MailboxRecord
from inboxwatch.store.upsert import insert_missing

_box = tables.mailbox
_ONE = select(_box).where(_box.c.id == bindparam("of"))
_ALL = select(_box).order_by(_box.c.id)


class Mailboxes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> MailboxRecord | None:
        found = self._connection.execute(_ONE, {"of": name}).first()
        return None if found is None else MailboxRecord(*found)

    def all(self) -> list[MailboxRecord]:
        return [MailboxRecord(*row) for row in self._connection.execute(_ALL)]

    def ensure(self, names: Iterable[str]) -> None:
        """Creates the records of mailboxes that were never read."""
        rows = [{"id": name, "first_sight_done": False, "blind_told": False} for name in names]
        insert_missing(self._connection, _box, rows)
