"""Known leads in a database: one SELECT, as a whole list or by what has changed; strictly read-only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, ClassVar
from uuid import uuid4

from connectors.leads.lead_columns import feed_row
from connectors.leads.sql.database import Asking, LeadDatabase, out_of_time
from connectors.leads.sql.position import SqlPosition, part_of
from connectors.leads.sql.settings import SqlSettings
from connectors.leads.sql.spool import Spool, SpooledRow, as_text
from connectors.worker_threads import workers
from inboxwatch import now as instant
from inboxwatch.connector import Context, Cursor, Probe, Row, Settings
from inboxwatch.lead_feed import LeadBatch

_GRACE = 15.0
"""Seconds beyond `time_limit` in which the thread must have ended: for the connection, and to cancel."""
_SMALLER = {
    "postgresql": "CREATE ROLE inboxwatch LOGIN PASSWORD '...'; GRANT USAGE ON SCHEMA ... TO inboxwatch; "
    "GRANT SELECT ON ... TO inboxwatch",
    "mysql": "CREATE USER inboxwatch IDENTIFIED BY '...'; GRANT SELECT ON DATABASE.TABLE TO inboxwatch",
    "sqlite": "chmod, so that inboxwatch may read the file only",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look found, and how its batches are made."""

    spool: Spool
    begun: SqlPosition
    """Of all batches but the last."""
    ended: SqlPosition
    whole: bool
    parts: frozenset[int] | None = None
    """Of a list: those with changes; the rows of others are no more than present. None: all."""


class SqlFeed:
    """The lead source `sql`."""

    settings: ClassVar[type[Settings]] = SqlSettings

    def __init__(self, settings: SqlSettings, context: Context) -> None:
        self._settings = settings
        self._source = context.name
        self._size = context.reading.batch_size
        self._database = LeadDatabase(settings.url.reveal(), settings.time_limit)
        asked = f"{settings.query}\0{settings.changed}"
        self._query = blake2b(asked.encode(), digest_size=8).hexdigest()

    @property
    def every(self) -> timedelta:
        """See LeadFeed."""
        return timedelta(seconds=self._settings.every)

    def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        """See LeadFeed. A whole pass is due by our own clock: a database has no zone of its own."""
        return self._changes(SqlPosition.decoded(cursor, self._query))

    async def _changes(self, at: SqlPosition) -> AsyncGenerator[LeadBatch, None]:
        now = self._now()
        spool = Spool()
        try:
            look = await self._looked(at, spool, now)
            if look is None:
                return
            async with aclosing(self._batches(look)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            spool.close()

    async def _looked(self, at: SqlPosition, spool: Spool, now: datetime) -> _Look | None:
        """None where nothing has changed."""
        changed = self._settings.changed
        whole = not changed or at.due(now)
        await self._read(spool, "" if whole else changed, None if whole else at.bound)
        if not changed:
            parts = spool.sums.differing(at.sums)
            if not parts:
                return None
            known = (at.sums or spool.sums).without(parts)
            ended = SqlPosition(self._query, sums=spool.sums)
            return _Look(spool, replace(at, sums=known), ended, True, parts)
        if whole:
            ended = SqlPosition(self._query, since=spool.greatest, since_at=now, whole_at=now)
            return _Look(spool, replace(at, whole_at=None), ended, True)
        ended = at.seen(spool.greatest, now)
        return None if ended == at and not spool.count else _Look(spool, at, ended, False)

    async def _read(self, spool: Spool, changed: str, since: Any) -> None:
        asking = self._database.asking()

        def work() -> None:
            with closing(self._database.rows(self._settings.query, changed, since, asking)) as answer:
                spool.fill(answer, bool(self._settings.changed))

        await self._worked(work, asking)

    async def _worked(self, work: Any, asking: Asking) -> Any:
        """On a thread; what is given up, or takes too long, is cancelled on the server."""
        try:
            return await workers().run(self._database.host, work, self._settings.time_limit + _GRACE)
        except (TimeoutError, asyncio.CancelledError) as error:
            # Some drivers connect once more for that: the loop waits for no network.
            threading.Thread(target=asking.cancel, name="ends a query", daemon=True).start()
            if isinstance(error, TimeoutError):
                raise out_of_time() from None
            raise

    async def _batches(self, look: _Look) -> AsyncGenerator[LeadBatch, None]:
        rows = look.spool.rows()
        token, left, number = uuid4().hex[:12], look.spool.count, 0
        while True:
            batch = self._batch(look, rows)
            left -= self._size
            last = left <= 0
            position = look.ended if last else look.begun
            yield replace(
                batch,
                cursor=replace(position, step=f"{token}.{number}").encoded(),
                begins=look.whole and number == 0,
                whole=look.whole and last,
            )
            if last:
                return
            number += 1

    def _batch(self, look: _Look, rows: Iterator[SpooledRow]) -> LeadBatch:
        found: list[Row] = []
        present: list[str] = []
        gone: list[str] = []
        refused: list[tuple[str, str]] = []
        for one in islice(rows, self._size):
            place = f"{self._source}: row {one.number}"
            try:
                if one.problem:
                    raise _RepeatedKeyError(one.problem)
                row = feed_row(one.given, self._source, one.key, place)
                if look.parts is None or part_of(one.key) in look.parts:
                    found.append(row)
                else:
                    present.append(row.key)
            except ValueError as error:
                refused.append((place, str(error)))
                if one.key and not isinstance(error, _RepeatedKeyError):
                    gone.append(one.key)
        return LeadBatch(Cursor(""), tuple(found), tuple(gone), present=tuple(present), refused=tuple(refused))

    async def probe(self) -> Probe:
        """See LeadFeed."""
        asking = self._database.asking()

        def look() -> tuple[Any, Any]:
            return self._database.looked_at(self._settings.query, asking), self._database.writable(asking)

        (columns, some, count), writable = await self._worked(look, asking)
        spool = Spool()
        try:
            spool.fill([(columns, some)], bool(self._settings.changed))
            refused = self._batch(_Look(spool, SqlPosition(""), SqlPosition(""), True), spool.rows()).refused
        finally:
            spool.close()
        facts: tuple[tuple[str, str], ...] = (
            ("columns", ", ".join(as_text(name) for name in columns)),
            ("leads", f"{count}"),
        )
        warnings = [f"{place}: {why}" for place, why in refused[:3]]
        if writable is None:
            facts += (("rights", "not known: give a login that may only read"),)
        elif writable:
            steps = _SMALLER.get(self._database.backend, "")
            warnings.append(f"the login could write ({'; '.join(writable[:3])}); the smaller grant: {steps}")
        return Probe(facts=facts, warnings=tuple(warnings))

    async def aclose(self) -> None:
        """See LeadFeed. Every look opens and closes a connection of its own."""

    @staticmethod
    def _now() -> datetime:
        return instant.now()


class _RepeatedKeyError(ValueError):
    """The row above it with the same key is the one that counts."""
