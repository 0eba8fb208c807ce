"""Known leads, by source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.leads import Directory
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, upsert

_lead = tables.lead


class Leads:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Lead]:
        return [to_lead(row) for row in self._connection.execute(select(_lead).order_by(_lead.c.id))]

    def get(self, lead: str) -> Lead | None:
        row = self._connection.execute(select(_lead).where(_lead.c.id == lead)).first()
        return None if row is None else to_lead(row)

    def get_many(self, leads: Iterable[str]) -> dict[LeadId, Lead]:
        found: dict[LeadId, Lead] = {}
        for part in chunks(sorted(leads)):
            rows = self._connection.execute(select(_lead).where(_lead.c.id.in_(part)))
            found.update((row.id, to_lead(row)) for row in rows)
        return found

    def directory(self, addresses: Iterable[str], ids: Iterable[str]) -> Directory:
        return Directory(self.all(), free_mail())

    def by_address(self, email: str) -> Lead | None:
        return self.directory([email], ()).by_address(email)

    def find(self, query: str, limit: int) -> list[Lead]:
        wanted = query.casefold()
        return [one for one in self.all() if wanted in one.name.casefold() or wanted in one.company.casefold()]

    def ids_of(self, source: str) -> list[LeadId]:
        return [one.id for one in self.all() if one.source == source]

    def page(self, after: str, limit: int) -> list[Lead]:
        """Leads whose id sorts behind `after`."""
        found = select(_lead).where(_lead.c.id > after).order_by(_lead.c.id).limit(limit)
        return [to_lead(row) for row in self._connection.execute(found)]

    def put(self, leads: Iterable[Lead], now: datetime) -> None:
        rows = [_row(lead, now) for lead in leads]
        columns = ["source", "owner", "status", "provisional", "data", "updated_at"]
        for part in chunks(rows):
            upsert(self._connection, _lead, part, columns)

    def drop(self, leads: Sequence[str]) -> int:
        """Removes leads; their mail and clocks stay. Returns how many there were."""
        gone = 0
        for part in chunks(list(leads)):
            gone += self._connection.execute(delete(_lead).where(_lead.c.id.in_(part))).rowcount
        return gone


def _row(lead: Lead, now: datetime) -> dict[str, Any]:
    return {
        "id": lead.id,
        "source": lead.source,
        "owner": lead.owner,
        "status": lead.status,
        "provisional": lead.provisional,
        "data": asdict(lead),
        "updated_at": now,
    }


def to_lead(row: Row[Any]) -> Lead:
    data = dict(row.data)
    data["id"] = LeadId(data["id"])
    data["owner"] = PersonId(data["owner"]) if data["owner"] else None
    data["aliases"] = tuple(data["aliases"])
    data["attributes"] = tuple((key, value) for key, value in data["attributes"])
    return Lead(**data)
