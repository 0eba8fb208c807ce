"""The audit log: what somebody did or tried by which door. Rows are added and read, and go by age once the log itself
says so; the database refuses all else.

It holds no address, subject or reason: leads and messages are named by keyed hashes, so that whoever is forgotten
leaves rows that name nobody any more, and none has to be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from inboxwatch.store import audit_table, tables
from inboxwatch.store.audit_chain import HASHED, link
from inboxwatch.store.audit_record import AuditRecord
from inboxwatch.store.column_types import storable
from inboxwatch.store.upsert import insert_missing, upsert

_audit, _meta = audit_table.audit, tables.meta
CHAIN, EXPIRED = "audit chain", "audit expired"
"""Among the store's notes: the hash of the last row, and number and hash of the last that was erased by age."""
EXPIRE = "audit.expire"
"""The deed of a row that says up to which one rows were erased."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are asked for; an empty value asks for all."""

    since: datetime | None = None
    until: datetime | None = None
    """Rows of this instant are not among them."""
    by: str = ""
    lead: str = ""
    """The id of a lead."""


@dataclass(frozen=True, slots=True)
class Chained:
    """How far the chain of the log holds."""

    rows: int
    """That fit, one behind the other."""
    last: int
    """The number of the last of them; 0 before the first."""
    hash: str
    broken: int = 0
    """The first row that does not fit, or the last of those that the log does not say are expired."""
    cut: bool = False
    """Rows are missing at the end."""


class Audit:
    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a word."""
        self._connection = connection
        self._key = key

    def begin(self) -> None:
        """Makes the note of the chain's end in a store that has none yet: appending waits for it."""
        insert_missing(self._connection, _meta, [{"key": CHAIN, "value": ""}])

    def add(self, row: AuditRecord) -> None:
        """Appends a row; its `id` and `hash` are given by the store. Of two transactions that append, the second waits,
        and meets a conflict on PostgreSQL: the chain never forks.
        """
        values = {name: value for name, value in row._asdict().items() if name in HASHED}
        values["by"] = storable(row.by)
        head = self._connection.execute(
            select(_meta.c.value).where(_meta.c.key == CHAIN).with_for_update()
        ).scalar_one()
        values["hash"] = link(head, [values[name] for name in HASHED])
        self._connection.execute(insert(_audit).values(values))
        self._connection.execute(update(_meta).where(_meta.c.key == CHAIN).values(value=values["hash"]))

    def chain(self, most: int | None = None, *, before: datetime | None = None) -> Chained:
        """Follows the chain from its first row on, over `most` rows at most, of those `before` an instant."""
        number, previous = self._expired()
        if number and self._told_expired() != f"{number}:{previous}":
            return Chained(0, number, previous, broken=number)
        rows = select(_audit).where(_audit.c.id > number).order_by(_audit.c.id).limit(most)
        count, begun = 0, False
        for row in self._connection.execute(rows.execution_options(yield_per=_AT_ONCE)):
            if before is not None and row.at >= before:
                return Chained(count, number, previous)
            made = link(previous, [getattr(row, name) for name in HASHED])
            if row.hash != made and (begun or row.hash is not None):
                return Chained(count, number, previous, broken=row.id)
            begun = begun or row.hash is not None
            count, number, previous = count + 1, row.id, made
        head = self._connection.execute(select(_meta.c.value).where(_meta.c.key == CHAIN)).scalar()
        whole = most is not None and count == most
        return Chained(count, number, previous, cut=not whole and head != previous)

    def hash_of(self, number: int) -> str | None:
        """The hash of a row; None where there is no such row, or it has none."""
        expired, last = self._expired()
        if number == expired:
            return last
        return self._connection.execute(select(_audit.c.hash).where(_audit.c.id == number)).scalar()

    def expire(self, last: Chained) -> None:
        """Erases the rows up to one that the log has noted before as `EXPIRE`."""
        value = {"key": EXPIRED, "value": f"{last.last}:{last.hash}"}
        upsert(self._connection, _meta, [value], ["value"])
        self._connection.execute(delete(_audit).where(_audit.c.id <= last.last))

    def _told_expired(self) -> str | None:
        """What the log itself says was erased by age last."""
        told = select(_audit.c.object).where(_audit.c.deed == EXPIRE).order_by(_audit.c.id.desc()).limit(1)
        return self._connection.execute(told).scalar()

    def _expired(self) -> tuple[int, str]:
        """Number and hash of the last row that was erased by age; the chain goes on behind it."""
        found = self._connection.execute(select(_meta.c.value).where(_meta.c.key == EXPIRED)).scalar()
        number, _, hashed = (found or "0:").partition(":")
        return int(number), hashed

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
