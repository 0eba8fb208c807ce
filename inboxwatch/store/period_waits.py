"""Waits of a period and what is known of them, for reports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from inboxwatch.core.model import ClockId, LeadId, MailboxId, PersonId
from inboxwatch.core.sla.timeline import Action
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import REPLY, of_sales
from inboxwatch.store.clocks import to_action
from inboxwatch.store.records import ClockRecord, FirstContactRecord, clocks_of
from inboxwatch.store.upsert import chunks

_clock, _act, _message = tables.clock, tables.act, tables.message


class InquiryRecord(NamedTuple):
    """The wait by which a lead first asked, as far as it is counted. Times are UTC."""

    lead: LeadId
    tier: str
    started_at: datetime
    due_at: datetime
    state: str
    stop_reason: str | None
    stopped_at: datetime | None
    business_seconds: float | None
    """Of a wait that is over."""
    policy_version: str
    mailbox: MailboxId | None
    owner: PersonId | None
    held: bool


class PeriodWaits:
    """Queries over closed and open clocks alike; times are instants in UTC, periods hold their start, not their end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begun(self, start: datetime, end: datetime) -> list[ClockRecord]:
        """Clocks of every metric that started in a period, the earliest first."""
        begun = select(_clock).where(_clock.c.started_at >= start, _clock.c.started_at < end)
        return clocks_of(self._connection.execute(begun.order_by(_clock.c.started_at, _clock.c.id)))

    def inquiries(self, start: datetime, end: datetime) -> list[InquiryRecord]:
        """The first wait of each lead from `start` to `end`, both included, that began a matter: none of ours had
        written in its thread before. Those of class sales, where there are classes.
        """
        ours = _message.c.direction == "outbound", _message.c.kind == "human"
        written = exists().where(_message.c.thread == _clock.c.thread, _message.c.at < _clock.c.started_at, *ours)
        place = func.row_number().over(partition_by=_clock.c.lead, order_by=(_clock.c.started_at, _clock.c.id))
        first = (_clock.c.metric == "first_response", _clock.c.started_at >= start, _clock.c.started_at <= end)
        sales = of_sales(_clock.c.inquiry_class)
        columns = [_clock.c[name] for name in InquiryRecord._fields]
        placed = select(*columns, place.label("place")).where(*first, sales, ~written).subquery()
        found = select(*(placed.c[name] for name in InquiryRecord._fields)).where(placed.c.place == 1)
        return [InquiryRecord(*row) for row in self._connection.execute(found.order_by(placed.c.started_at))]

    def left_over(self, start: datetime, at: datetime, limit: int | None = None) -> list[ClockRecord]:
        """Waits that began before a period and were still open at an instant, the longest first."""
        found = select(_clock).where(*_left_over(start, at)).order_by(_clock.c.started_at, _clock.c.id)
        return clocks_of(self._connection.execute(found.limit(limit)))

    def left_over_count(self, start: datetime, at: datetime) -> int:
        counted = select(func.count()).select_from(_clock).where(*_left_over(start, at))
        return self._connection.execute(counted).scalar_one()

    def actions(self, clocks: Iterable[ClockId]) -> dict[ClockId, list[Action]]:
        """Actions on waits, by the id under which they were recorded, in their order."""
        found: dict[ClockId, list[Action]] = {}
        for part in chunks(sorted(clocks)):
            rows = select(_act).where(_act.c.clock.in_(part)).order_by(_act.c.at, _act.c.id)
            for row in self._connection.execute(rows):
                found.setdefault(row.clock, []).append(to_action(row))
        return found

    def first_contacts(self, start: datetime, end: datetime) -> list[FirstContactRecord]:
        """First messages to a lead that bounced in a period."""
        failed = tables.first_contact
        found = select(failed).where(failed.c.failed_at >= start, failed.c.failed_at < end)
        return [FirstContactRecord(*row) for row in self._connection.execute(found.order_by(failed.c.failed_at))]


def _left_over(start: datetime, at: datetime) -> tuple[ColumnElement[bool], ...]:
    still = or_(_clock.c.stopped_at.is_(None), _clock.c.stopped_at > at)
    return _clock.c.started_at < start, still, REPLY, of_sales(_clock.c.inquiry_class)
