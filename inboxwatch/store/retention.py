"""Erases what is older than the config keeps: whole threads in which nothing has happened since, and what is beside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select

from inboxwatch.core.statistics import past
from inboxwatch.core.statistics.figures import Figures
from inboxwatch.store import tables
from inboxwatch.store.deliveries import OPEN
from inboxwatch.store.statistics import PAST, Statistics, past_rows
from inboxwatch.store.upsert import chunks, upsert

_message, _clock, _act, _delivery = tables.message, tables.clock, tables.act, tables.delivery
THREADS = 500
"""Erased in one transaction."""
ROWS = 2000
"""Of each other table."""


class Retention:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def expired_threads(self, cutoff: datetime, most: int = THREADS) -> list[str]:
        """Threads whose last message is from before an instant, in which no wait is open, and none has ended and nobody
        has done anything since; and those of which only ended waits are left.
        """
        other, clock, act = _message.alias(), _clock.alias(), _act.alias()
        idle = (
            ~exists().where(clock.c.thread == _message.c.thread, _is_current(clock, cutoff)),
            ~exists().where(act.c.thread == _message.c.thread, act.c.at >= cutoff),
            ~exists().where(other.c.thread == _message.c.thread, other.c.at >= cutoff),
        )
        found = select(_message.c.thread).where(_message.c.thread.is_not(None), _message.c.at < cutoff, *idle)
        threads = list(self._connection.execute(found.distinct().limit(most)).scalars())
        again, rest = _clock.alias(), most - len(threads)
        bare = select(_clock.c.thread).where(
            _clock.c.stopped_at < cutoff,
            ~exists().where(other.c.thread == _clock.c.thread),
            ~exists().where(again.c.thread == _clock.c.thread, _is_current(again, cutoff)),
        )
        return threads + list(self._connection.execute(bare.distinct().limit(rest)).scalars()) if rest else threads

    def erase_threads(self, threads: Sequence[str]) -> int:
        """Erases threads with their waits, and what was done and told about them; returns how many messages."""
        erased = 0
        for part in chunks(list(threads), 100):
            mail = self._connection.execute(
                select(_message.c.key, _message.c.message_id).where(_message.c.thread.in_(part))
            )
            ids = {row.key: row.message_id for row in mail}
            clocks = list(self._connection.execute(select(_clock.c.id).where(_clock.c.thread.in_(part))).scalars())
            fact = tables.kind_fact
            self._delete(tables.sighting.c.key, list(ids))
            self._delete(tables.proof.c.key, list(ids))
            self._delete(fact.c.name, list(ids.values()), ~fact.c.sender)
            self._delete(tables.clock_alias.c.clock, clocks)
            self._delete(tables.told.c.clock, clocks)
            self._delete(_delivery.c.clock, clocks, _delivery.c.state.not_in(OPEN))
            self._delete(_act.c.clock, clocks)
            for column in (_act.c.thread, tables.ghost.c.thread, _clock.c.thread, _message.c.thread):
                self._delete(column, part)
            erased += len(ids)
        return erased

    def expired_rest(self, cutoff: datetime, most: int = ROWS) -> list[tuple[Table, list[Any]]]:
        """What is too old and belongs to no thread, at most so many rows a table: tables with primary keys."""
        apart, again = tables.quarantine, tables.recall
        lead, failed = tables.lead, tables.first_contact
        nobodys = or_(_delivery.c.clock.is_(None), ~exists().where(_clock.c.id == _delivery.c.clock))
        no_mail = ~exists().where(_message.c.lead == lead.c.id)
        no_mail_of = {table: ~exists().where(_message.c.lead == table.c.lead) for table in (_act, failed)}
        idle: tuple[tuple[Table, ColumnElement[bool]], ...] = (
            (_message, and_(_message.c.thread.is_(None), _message.c.at < cutoff)),
            (tables.unfiled, tables.unfiled.c.at < cutoff),
            (tables.clue, tables.clue.c.day < cutoff.toordinal()),
            (again, and_(again.c.again_at.is_(None), again.c.at < cutoff)),
            (_delivery, and_(_delivery.c.owed_at < cutoff, _delivery.c.state.not_in(OPEN), nobodys)),
            (tables.outage, tables.outage.c.until < cutoff),
            (tables.absence, tables.absence.c.until < cutoff),
            (apart, and_(apart.c.again_at.is_(None), apart.c.at < cutoff)),
            (failed, and_(failed.c.failed_at < cutoff, no_mail_of[failed])),
            (_act, and_(_act.c.thread.is_(None), _act.c.at < cutoff, _act.c.deed != "forgotten", no_mail_of[_act])),
            (lead, and_(lead.c.provisional, lead.c.updated_at < cutoff, no_mail)),
        )
        found = []
        for table, chosen in idle:
            keys = select(*table.primary_key.columns).where(chosen).limit(most)
            if rows := list(self._connection.execute(keys)):
                found.append((table, rows))
        return found

    def erase_rest(self, expired: Sequence[tuple[Table, Sequence[Any]]]) -> int:
        """Erases rows by their primary keys, and what hangs on them; returns how many rows."""
        hanging = {
            _message: [tables.sighting.c.key],
            tables.lead: [tables.lead_address.c.lead, tables.lead_domain.c.lead],
        }
        for table, rows in expired:
            keys = list(table.primary_key.columns)
            for row in rows:
                same = [key == value for key, value in zip(keys, row, strict=True)]
                self._connection.execute(delete(table).where(*same))
            for column in hanging.get(table, ()):
                self._delete(column, [row[0] for row in rows])
        return sum(len(rows) for _, rows in expired)

    def figures(self, now: datetime) -> Figures:
        """What is counted now, with what was erased before."""
        return Statistics(self._connection).figures(now)

    def keep_figures(self, before: Figures, now: datetime) -> None:
        """Keeps what the figures have lost since `before`."""
        more = past.lost(before, self.figures(now))
        if more:
            rows = past.together(past_rows(self._connection), more)
            row = {"key": PAST, "value": json.dumps(rows, separators=(",", ":"))}
            upsert(self._connection, tables.meta, [row], ["value"])

    def _delete(self, column: Any, values: Sequence[Any], *besides: ColumnElement[bool]) -> None:
        for part in chunks(list(values)):
            self._connection.execute(delete(column.table).where(column.in_(part), *besides))


def _is_current(clock: Any, cutoff: datetime) -> ColumnElement[bool]:
    return or_(clock.c.state == "running", clock.c.stopped_at >= cutoff)
