"""The workers that share a store, as they have entered themselves; who of them lives is known by their locks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update

from inboxwatch.core.shards import House
from inboxwatch.store.held_locks import house_of, living
from inboxwatch.store.upsert import upsert
from inboxwatch.store.worker_tables import shard as _shard
from inboxwatch.store.worker_tables import worker as _worker

KEPT = timedelta(days=1)
"""For so long the entry of a worker that was seen last is kept."""


class WorkerRecord(NamedTuple):
    """A worker as it has entered itself. Times are UTC."""

    number: int
    name: str
    """Its host and process."""
    version: str
    began_at: datetime
    seen_at: datetime
    """When it was at work last; some seconds old at most while it is."""
    left_at: datetime | None
    """When it ended cleanly."""
    ahead: float
    """By how many seconds its machine's clock is ahead of the database's."""


class ShardRecord(NamedTuple):
    """Who took a shard last, or gave it back (None), and when (UTC)."""

    number: int
    worker: int | None
    since: datetime


class Workers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enter(self, name: str, version: str, now: datetime) -> int:
        """Enters a worker that begins; returns its number, higher than that of any before."""
        gone = or_(_worker.c.seen_at < now - KEPT, _worker.c.left_at < now - KEPT)
        self._connection.execute(delete(_worker).where(gone))
        new = insert(_worker).values(name=name, version=version, began_at=now, seen_at=now)
        return int(self._connection.execute(new.returning(_worker.c.number)).scalar_one())

    def seen(self, number: int, now: datetime, ahead: float) -> None:
        """Notes that a worker is at work, and by how many seconds its machine's clock is ahead."""
        noted = update(_worker).where(_worker.c.number == number).values(seen_at=now, ahead=ahead)
        self._connection.execute(noted)

    def leave(self, number: int, now: datetime) -> None:
        """Notes that a worker has ended cleanly."""
        self._connection.execute(update(_worker).where(_worker.c.number == number).values(left_at=now))

    def seen_since(self, at: datetime) -> set[int]:
        """The workers that were at work after an instant, and have not left."""
        lately = select(_worker.c.number).where(_worker.c.seen_at > at, _worker.c.left_at.is_(None))
        return set(self._connection.execute(lately).scalars())

    def house(self) -> House:
        """Who is at work and owns which shard, by the locks that they hold."""
        return house_of(self._connection)

    def living(self) -> frozenset[int]:
        """The workers whose sessions live, those included that are leaving."""
        return living(self._connection)

    def living_on(self, host: str) -> int:
        """How many workers live on a host; in a store of one process, none besides it."""
        if self._connection.dialect.name == "sqlite":
            return 0
        alive = living(self._connection)
        return sum(one.number in alive and one.name.rpartition("/")[0] == host for one in self.all())

    def took(self, number: int | None, shards: Collection[int], now: datetime) -> None:
        """Notes who has shards from now on; None: they were given back."""
        rows = [{"number": one, "worker": number, "since": now} for one in sorted(shards)]
        upsert(self._connection, _shard, rows, ["worker", "since"])

    def all(self) -> list[WorkerRecord]:
        """Every worker of the last day, the first that began first."""
        return [WorkerRecord(*row) for row in self._connection.execute(select(_worker).order_by(_worker.c.number))]

    def shards(self) -> list[ShardRecord]:
        """The shards that were ever taken."""
        return [ShardRecord(*row) for row in self._connection.execute(select(_shard).order_by(_shard.c.number))]
