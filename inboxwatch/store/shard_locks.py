"""Who is at work and who owns which shard: advisory locks of PostgreSQL, each worker's held by one session of its own.

The lock manager is what makes it safe: a lock has one holder, and goes with its session. A worker that crashes loses
its session at once, one that freezes or whose machine is gone as soon as the server has heard nothing for `LEASE`.
Advisory locks belong to a session, not to a transaction: nothing that shares sessions may stand between (PgBouncer's
transaction mode).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from inboxwatch.core.shards import House
from inboxwatch.store.engines import open_session_engine
from inboxwatch.store.failures import Outage, name_outages
from inboxwatch.store.held_locks import AT_WORK, CLASS, LIVES, held_locks, house_in, living_in
from inboxwatch.store.worker_tables import look_request as _look
from inboxwatch.store.workers import Workers

LEASE = 10.0
"""Seconds after which the server ends a session that says nothing, and its locks with it."""
_HINTS = "inboxwatch"
HINT = f"NOTIFY {_HINTS}"
"""Tells all workers that there is something to see."""
_TIMES = text("SELECT clock_timestamp(), pg_postmaster_start_time()")
_TAKE = text(f"SELECT n FROM unnest(CAST(:shards AS int[])) AS n WHERE pg_try_advisory_lock({CLASS}, n)")  # noqa: S608  (no value of anybody's)
_GIVE = text(f"SELECT count(pg_advisory_unlock({CLASS}, n)) FROM unnest(CAST(:shards AS int[])) AS n")  # noqa: S608


class Seen(NamedTuple):
    """What a look at the locks has shown."""

    house: House
    living: frozenset[int]
    """The workers that live, those included that are leaving."""
    at: datetime
    """The time of the database."""
    server_began: datetime
    """When the server that was asked began: another instant after a restart, and where another has taken its place."""


class ShardLocks:
    """The session of one worker. Each method blocks, and raises Outage where the session is lost: then `open` again."""

    def __init__(self, url: str, number: int) -> None:
        """`number` is the worker's own."""
        self._engine = open_session_engine(url)
        name_outages(self._engine)
        self._number = number
        self._session: Connection | None = None

    def open(self) -> None:
        """Begins a session that shows that this worker lives. Raises Outage, too where an earlier one of it is not
        over yet for the server.
        """
        self.close()
        self._session = session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if (session.dialect.server_version_info or ()) >= (14,):
            session.execute(text(f"SET idle_session_timeout = {int(LEASE * 1000)}"))
        session.execute(text(f"SET statement_timeout = {int(LEASE * 1000)}"))
        session.execute(text(f"LISTEN {_HINTS}"))
        if not self.take([LIVES + self._number]):
            self.close()
            raise Outage("the server still holds an earlier session of this worker")

    def join(self) -> None:
        """Shows that this worker wants a share, and says so to the others."""
        self.take([AT_WORK + self._number])
        self.hint()

    def look(self) -> Seen:
        """What everybody sees now; the server hears that this worker lives."""
        session = self._kept()
        at, began = session.execute(_TIMES).one()
        held = held_locks(session)
        return Seen(house_in(held), living_in(held), at.astimezone(UTC), began.astimezone(UTC))

    def take(self, shards: Collection[int]) -> frozenset[int]:
        """Takes shards that this worker does not own; returns those that nobody else was quicker to take."""
        return frozenset(self._kept().execute(_TAKE, {"shards": sorted(shards)}).scalars() if shards else ())

    def give(self, shards: Collection[int]) -> None:
        """Gives shards back, and says so to the others."""
        if shards:
            self._kept().execute(_GIVE, {"shards": sorted(shards)})
            self.hint()

    def leave(self) -> None:
        """Shows that this worker wants no share any more; it lives, and may still own shards."""
        self.give([AT_WORK + self._number])

    def hint(self) -> None:
        """Says to all workers that there is something to see."""
        self._kept().execute(text(HINT))

    def seen(self, at: datetime, ahead: float) -> None:
        """Enters that this worker is at work, and by how many seconds its machine's clock is ahead."""
        Workers(self._kept()).seen(self._number, at, ahead)

    def left(self) -> None:
        """Enters that this worker has ended in order."""
        Workers(self._kept()).leave(self._number, self.look().at)

    def seen_since(self, at: datetime) -> set[int]:
        """The workers that were at work after an instant, and have not left in order."""
        return Workers(self._kept()).seen_since(at)

    def note(self, shards: Collection[int], owner: int | None, at: datetime) -> None:
        """Enters who has shards now, for people."""
        if shards:
            Workers(self._kept()).took(owner, shards, at)

    def wanted(self) -> dict[str, datetime]:
        """Mailboxes that are to be read now, and since when."""
        return {row.mailbox: row.wanted_at for row in self._kept().execute(select(_look))}

    def fileno(self) -> int | None:
        """The socket that becomes readable when there is a hint, or the session is lost."""
        if self._session is None or self._session.invalidated:
            return None
        driver: Any = self._session.connection.driver_connection
        return int(driver.fileno())

    def close(self) -> None:
        """Ends the session: what it holds is free."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(Outage, DBAPIError):  # a session that is lost cannot be ended in order
                session.close()

    def _kept(self) -> Connection:
        if self._session is None:
            raise Outage("the session by which this worker shows that it lives is lost")
        return self._session
