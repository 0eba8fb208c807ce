"""Where each mailbox was read to, and how it fares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from inboxwatch.core.model import PersonId
from inboxwatch.store import tables
from inboxwatch.store.records import AbsenceRecord, MailboxRecord
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_box, _out = tables.mailbox, tables.outage


class Mailboxes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> MailboxRecord | None:
        found = self._connection.execute(select(_box).where(_box.c.id == name)).first()
        return None if found is None else MailboxRecord(*found)

    def all(self) -> list[MailboxRecord]:
        return [MailboxRecord(*row) for row in self._connection.execute(select(_box).order_by(_box.c.id))]

    def ensure(self, names: Iterable[str]) -> None:
        """Creates the rows of mailboxes that were never read."""
        rows = [{"id": name, "first_sight_done": False, "blind_told": False} for name in names]
        insert_missing(self._connection, _box, rows)

    def move(self, name: str, expected: str | None, cursor: str) -> bool:
        """Sets the cursor if it still is the expected one (compare and set); False where another worker moved it."""
        same = _box.c.cursor.is_(None) if expected is None else _box.c.cursor == expected
        moved = self._connection.execute(update(_box).where(_box.c.id == name, same).values(cursor=cursor))
        return moved.rowcount == 1

    def set(self, name: str, **values: Any) -> None:
        self._connection.execute(update(_box).where(_box.c.id == name).values(**values))

    def failing(self, name: str, now: datetime, reason: str, error: str) -> datetime:
        """Records a failed attempt; returns since when the mailbox has been failing."""
        row = self.get(name)
        since: datetime = row.failing_since if row is not None and row.failing_since else now
        self.set(name, failing_since=since, error_reason=reason, error=error)
        if row is not None and row.failing_since is None:
            unread = {"mailbox": name, "since": row.seen_until or now, "until": None}
            upsert(self._connection, tables.outage, [unread], ["until"])
        return since

    def recovered(self, name: str, now: datetime) -> MailboxRecord | None:
        """Records a complete poll; returns the mailbox as it was before."""
        row = self.get(name)
        self.set(name, last_success=now, failing_since=None, error_reason=None, error=None, blind_told=False)
        if row is not None and row.failing_since is not None:
            ended = update(_out).where(_out.c.mailbox == name, _out.c.until.is_(None)).values(until=now)
            self._connection.execute(ended)
        return row

    def verified(self, start: datetime, end: datetime) -> dict[str, float]:
        """The share (0..1) of a period in which each mailbox was read: for the rest no figure can vouch."""
        unread: dict[str, float] = {}
        late = select(_out).where(_out.c.since < end, or_(_out.c.until.is_(None), _out.c.until > start))
        for row in self._connection.execute(late):
            length = min(row.until or end, end) - max(row.since, start)
            unread[row.mailbox] = unread.get(row.mailbox, 0.0) + length.total_seconds()
        whole = (end - start).total_seconds()
        return {row.id: max(0.0, 1.0 - unread.get(row.id, 0.0) / whole) for row in self.all()}

    def quarantine(self, name: str, refs: Iterable[tuple[str, str]], now: datetime) -> int:
        """Keeps messages that cannot be read by name and reason; returns how many are new."""
        rows = [{"mailbox": name, "ref": ref, "reason": reason, "at": now} for ref, reason in refs]
        return insert_missing(self._connection, tables.quarantine, rows)

    def set_aside(self, name: str, refs: Sequence[str]) -> list[str]:
        """Which of the refs are in quarantine."""
        table, found = tables.quarantine, list[str]()
        for part in chunks(list(refs)):
            rows = select(table.c.ref).where(table.c.mailbox == name, table.c.ref.in_(part))
            found += self._connection.execute(rows).scalars()
        return found

    def quarantined(self) -> dict[str, int]:
        """How many messages of each mailbox are in quarantine."""
        box = tables.quarantine.c.mailbox
        return {row[0]: row[1] for row in self._connection.execute(select(box, func.count()).group_by(box))}

    def remember(self, key: str, value: str) -> None:
        upsert(self._connection, tables.meta, [{"key": key, "value": value}], ["value"])

    def recalled(self, prefix: str) -> dict[str, str]:
        """Everything remembered under keys that begin with a prefix."""
        rows = select(tables.meta).where(tables.meta.c.key.startswith(prefix, autoescape=True))
        return {row.key: row.value for row in self._connection.execute(rows)}

    def recall(self, key: str) -> str | None:
        return self._connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()

    def pin(self, version: str, document: str) -> None:
        """Keeps a policy's definition for the clocks that run under it."""
        insert_missing(self._connection, tables.policy, [{"version": version, "document": document}])

    def pinned(self, versions: Iterable[str] | None = None) -> dict[str, str]:
        """The documents of policies by version (None: all); those that were never kept are left out."""
        table, found = tables.policy, dict[str, str]()
        if versions is None:
            return {row.version: row.document for row in self._connection.execute(select(table))}
        for part in chunks(sorted(versions)):
            rows = self._connection.execute(select(table).where(table.c.version.in_(part)))
            found.update((row.version, row.document) for row in rows)
        return found

    def away(self, person: str, since: datetime, until: datetime, message_id: str) -> None:
        row = {"person": person, "since": since, "until": until, "message_id": message_id}
        upsert(self._connection, tables.absence, [row], ["until"])

    def absences(self, now: datetime) -> list[AbsenceRecord]:
        """Absences seen in mail that cover an instant."""
        seen = tables.absence
        covering = select(seen).where(seen.c.since <= now, seen.c.until > now)
        return [AbsenceRecord(*row) for row in self._connection.execute(covering)]

    def seen_away(self) -> frozenset[PersonId]:
        """Everybody whose mailbox ever said that they are away."""
        return frozenset(self._connection.execute(select(tables.absence.c.person).distinct()).scalars())

    def away_at(self, now: datetime) -> dict[PersonId, tuple[datetime, datetime]]:
        """Who is seen to be away at an instant, since when and until when."""
        return {row.person: (row.since, row.until) for row in self.absences(now)}

    def back(self, person: str, at: datetime) -> int:
        """Ends the seen absences of a person who has written himself; returns how many."""
        seen = tables.absence
        ended = update(seen).where(seen.c.person == person, seen.c.since < at, seen.c.until > at).values(until=at)
        return self._connection.execute(ended).rowcount
