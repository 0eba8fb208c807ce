"""How each mailbox fares: since when it cannot be read, when it could not be, how much of it the store holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from inboxwatch.store import tables
from inboxwatch.store.mailboxes import Mailboxes
from inboxwatch.store.records import MailboxRecord, OutageRecord
from inboxwatch.store.upsert import upsert

_box, _out = tables.mailbox, tables.outage


class MailboxHealth:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._boxes = Mailboxes(connection)

    def failing(self, mailbox: str, now: datetime, reason: str, error: str) -> datetime:
        """Records a failed attempt; returns since when the mailbox has been failing."""
        before = self._boxes.get(mailbox)
        since = (before.failing_since if before is not None else None) or now
        self._set(mailbox, failing_since=since, error_reason=reason, error=error)
        if before is not None and before.failing_since is None:
            unread = {"mailbox": mailbox, "since": before.seen_until or now, "until": None}
            upsert(self._connection, _out, [unread], ["until"])
        return since

    def held_back(self, mailbox: str, reason: str, error: str) -> None:
        """Records that a provider wants to be left alone for a while: noted, but no failure."""
        self._set(mailbox, error_reason=reason, error=error)

    def blind_notified(self, mailbox: str) -> None:
        """IT knows that the mailbox cannot be read."""
        self._set(mailbox, blind_told=True)

    def recovered(
        self, mailbox: str, now: datetime, *, complete: bool = True, remarks: str | None = None
    ) -> MailboxRecord | None:
        """Ends a failure; returns the mailbox as it was before.

        `complete` says that it was read to its end, which is its last success; else the reason stays noted. `remarks`
        say what was not read of it, a line each.
        """
        before = self._boxes.get(mailbox)
        success = {"last_success": now, "error_reason": None, "error": None, "remarks": remarks}
        read: dict[str, Any] = success if complete else {}
        self._set(mailbox, failing_since=None, blind_told=False, **read)
        if before is not None and before.failing_since is not None:
            ended = update(_out).where(_out.c.mailbox == mailbox, _out.c.until.is_(None)).values(until=now)
            self._connection.execute(ended)
        return before

    def read_at_last(self, mailbox: str, messages: int) -> None:
        """Counts messages that had been set aside."""
        self._set(mailbox, recovered=_box.c.recovered + messages)

    def counted(self, mailbox: str, coverage: float) -> None:
        """Records the share (0..1) of the server's messages that the store holds."""
        self._set(mailbox, coverage=coverage)

    def outages(self, start: datetime, end: datetime) -> list[OutageRecord]:
        """Stretches that touch a period in which a mailbox was unread, the earliest first."""
        touching = (_out.c.since < end, or_(_out.c.until.is_(None), _out.c.until > start))
        found = select(_out).where(*touching).order_by(_out.c.since)
        return [OutageRecord(*row) for row in self._connection.execute(found)]

    def verified(self, start: datetime, end: datetime) -> dict[str, float]:
        """The share (0..1) of a period in which each mailbox was read: for the rest no figure can vouch."""
        unread: dict[str, float] = {}
        for out in self.outages(start, end):
            length = min(out.until or end, end) - max(out.since, start)
            unread[out.mailbox] = unread.get(out.mailbox, 0.0) + length.total_seconds()
        whole = (end - start).total_seconds()
        return {box.id: max(0.0, 1.0 - unread.get(box.id, 0.0) / whole) for box in self._boxes.all()}

    def _set(self, mailbox: str, **values: Any) -> None:
        self._connection.execute(update(_box).where(_box.c.id == mailbox).values(**values))
