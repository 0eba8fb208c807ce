"""Absences seen in mail: a person's own mailbox answered with a vacation reply."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from inboxwatch.core.model import PersonId
from inboxwatch.store import tables
from inboxwatch.store.records import AbsenceRecord
from inboxwatch.store.upsert import upsert

_seen = tables.absence
_PEOPLE = select(_seen.c.person).distinct()
_COVERING = select(_seen.c.person, _seen.c.since, _seen.c.until).where(
    _seen.c.since <= bindparam("now"), _seen.c.until > bindparam("now")
)


class Absences:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, absence: AbsenceRecord) -> None:
        """Adds an absence; one that began at the same instant ends as the later reply says."""
        row = {"person": absence.person, "since": absence.since, "until": absence.until}
        upsert(self._connection, _seen, [row | {"message_id": absence.message_id}], ["until"])

    def at(self, now: datetime) -> dict[PersonId, tuple[datetime, datetime]]:
        """Who is away at an instant, since when and until when."""
        found = self._connection.execute(_COVERING, {"now": now})
        return {person: (since, until) for person, since, until in found}

    def between(self, start: datetime, end: datetime) -> list[AbsenceRecord]:
        """Absences that touch a period, the earliest first."""
        found = select(_seen).where(_seen.c.since < end, _seen.c.until > start).order_by(_seen.c.since)
        return [AbsenceRecord(*row) for row in self._connection.execute(found)]

    def people(self) -> frozenset[PersonId]:
        """Everybody whose mailbox ever said that they are away."""
        return frozenset(self._connection.execute(_PEOPLE).scalars())

    def end(self, person: str, at: datetime) -> int:
        """Ends the absences of a person who has written in person; returns how many."""
        ended = update(_seen).where(_seen.c.person == person, _seen.c.since < at, _seen.c.until > at)
        return self._connection.execute(ended.values(until=at)).rowcount
