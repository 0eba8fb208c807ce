"""What a maintainer needs to know of a store: its version, its size, its last errors, and what must not leave it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from inboxwatch.store import schema, tables
from inboxwatch.store.row_copy import counts

LAST = 50
"""So many of the last failed deliveries are told."""


class FailedDelivery(NamedTuple):
    """A delivery with an error, as it is now."""

    channel: str
    type: str
    state: str
    attempts: int
    owed_at: datetime
    error: str


class Diagnosis:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def kind(self) -> str:
        """The database, with its version."""
        version = ".".join(map(str, self._connection.dialect.server_version_info or ()))
        return f"{self._connection.dialect.name} {version}".strip()

    def revision(self) -> str:
        """The version of the tables."""
        return schema.revision(self._connection)

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return counts(self._connection, tables.metadata.sorted_tables)

    def failed_deliveries(self) -> list[FailedDelivery]:
        """The last ones that have an error, the newest first."""
        row = tables.delivery.c
        columns = (row.channel, row.type, row.state, row.attempts, row.owed_at, row.error)
        found = select(*columns).where(row.error.is_not(None)).order_by(row.id.desc()).limit(LAST)
        return [FailedDelivery(*one) for one in self._connection.execute(found)]

    def set_aside(self) -> list[tuple[str, str, int]]:
        """(mailbox, reason, how many) of messages that cannot be read, the most first."""
        row, number = tables.quarantine.c, func.count()
        found = select(row.mailbox, row.reason, number).group_by(row.mailbox, row.reason).order_by(number.desc())
        return [(one[0], one[1], one[2]) for one in self._connection.execute(found.limit(LAST))]

    def private_texts(self) -> Iterator[str]:
        """Subjects, names and addresses of all that is kept: what no error may quote to a stranger."""
        few, subject = {"yield_per": 1000}, tables.message.c.subject
        subjects = select(subject).where(subject != "").distinct()
        yield from map(str, self._connection.execute(subjects, execution_options=few).scalars())
        leads = select(tables.lead.c.id, tables.lead.c.data)
        for lead, data in self._connection.execute(leads, execution_options=few):
            yield from map(str, filter(None, (lead, data.get("name"), data.get("company"))))
