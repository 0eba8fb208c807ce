"""Calls and meetings that sources told: each is known by its id, and waits until its record is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select, update

from inboxwatch.lead_feed import LoggedActivity
from inboxwatch.store import lead_tables
from inboxwatch.store.one_of import one_of
from inboxwatch.store.upsert import insert_missing

_activity, _row = lead_tables.logged_activity, lead_tables.lead_row


class LoggedActivities:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, source: str, told: Sequence[LoggedActivity]) -> None:
        """Adds those that are not known yet; they wait."""
        names = ("id", "key", "type", "at", "by")
        rows = [{name: getattr(one, name) for name in names} | {"source": source, "waiting": True} for one in told]
        insert_missing(self._connection, _activity, rows)

    def due(self, source: str, now: datetime) -> list[tuple[LoggedActivity, str]]:
        """Those that wait though their record is known and their time has come, with the record's address."""
        known = and_(_row.c.source == _activity.c.source, _row.c.key == _activity.c.key)
        waiting = (_activity.c.waiting, _activity.c.source == source, _activity.c.at <= now)
        found = select(_activity, _row.c.email).join(_row, known).where(*waiting)
        return [
            (LoggedActivity(row.id, row.key, row.type, row.at, row.by), row.email)
            for row in self._connection.execute(found.order_by(_activity.c.at, _activity.c.id))
        ]

    def done(self, source: str, ids: Iterable[str]) -> None:
        """They wait no longer."""
        those = (_activity.c.source == source, one_of(_activity.c.id, set(ids)))
        self._connection.execute(update(_activity).where(*those).values(waiting=None))

    def follow(self, source: str, key: str, into: str) -> None:
        """Another record goes on in the place of one."""
        those = (_activity.c.source == source, _activity.c.key == key)
        self._connection.execute(update(_activity).where(*those).values(key=into))

    def forget_before(self, source: str, at: datetime) -> None:
        """Drops those that are too old to be told again."""
        self._connection.execute(delete(_activity).where(_activity.c.source == source, _activity.c.at < at))

    def drop(self, sources: Iterable[str]) -> None:
        self._connection.execute(delete(_activity).where(_activity.c.source.in_(list(sources))))
