"""The audit log: what somebody did or tried by which door. Rows are added and read; the database refuses all else.

It holds no address, subject or reason: leads and messages are named by keyed hashes, so that whoever is forgotten
leaves rows that name nobody any more, and none has to be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select

from inboxwatch.store import tables
from inboxwatch.store.records import AuditRecord

_audit = tables.audit


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are asked for; an empty value asks for all."""

    since: datetime | None = None
    until: datetime | None = None
    """Rows of this instant are not among them."""
    by: str = ""
    lead: str = ""
    """The id of a lead."""


class Audit:
    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a word."""
        self._connection = connection
        self._key = key

    def add(self, row: AuditRecord) -> None:
        """Appends a row; its `id` is given by the store."""
        values = {name: value for name, value in row._asdict().items() if name not in ("id", "known_lead")}
        self._connection.execute(insert(_audit).values(values))

    def page(
        self, where: AuditFilter, limit: int, *, before: int | None = None, after: int | None = None
    ) -> list[AuditRecord]:
        """Rows before the one of an id, newest first; or `after` one, oldest first."""
        clock, chosen = tables.clock, list[ColumnElement[bool]]()
        if where.since is not None:
            chosen.append(_audit.c.at >= where.since)
        if where.until is not None:
            chosen.append(_audit.c.at < where.until)
        if where.by:
            chosen.append(_audit.c.by == where.by)
        if where.lead:
            chosen.append(_audit.c.lead == self._key(where.lead))
        if before is not None:
            chosen.append(_audit.c.id < before)
        if after is not None:
            chosen.append(_audit.c.id > after)
        found = (
            select(_audit, clock.c.lead.label("known_lead"))
            .outerjoin(clock, clock.c.id == _audit.c.object)
            .where(*chosen)
            .order_by(_audit.c.id.desc() if after is None else _audit.c.id)
            .limit(limit)
        )
        return [AuditRecord(*row) for row in self._connection.execute(found)]
