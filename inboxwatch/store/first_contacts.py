"""First contacts that failed: our first message to a lead bounced."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from inboxwatch.core.model import LeadId
from inboxwatch.store import tables
from inboxwatch.store.upsert import insert_missing

_failed = tables.first_contact
_UNRESOLVED = select(_failed.c.lead).where(_failed.c.resolved_at.is_(None))


class FailedContacts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def leads(self) -> set[LeadId]:
        """The leads whom our first message did not reach, nor any later one."""
        return set(self._connection.execute(_UNRESOLVED).scalars())

    def record(
        self, lead: str, message_id: str, failed_at: datetime, resolved_at: datetime | None, owner: str, tier: str
    ) -> bool:
        """Records a failed first contact, or its end; True where it is new."""
        row = {"lead": lead, "message_id": message_id, "failed_at": failed_at, "owner": owner, "tier": tier}
        fresh = insert_missing(self._connection, _failed, [row]) == 1
        same = (_failed.c.lead == lead, _failed.c.message_id == message_id)
        self._connection.execute(update(_failed).where(*same).values(resolved_at=resolved_at))
        return fresh
