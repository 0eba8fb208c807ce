"""What the start page counts and lists: every figure by one query, whatever the number of waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select, true

from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import FOLLOW_UP, OWED, REPLY, VERDICT
from inboxwatch.store.clocks import holds
from inboxwatch.store.column_types import UTCDateTime
from inboxwatch.store.records import ClockRecord, clocks_of

_clock, _act, _told = tables.clock, tables.act, tables.told

Owners = Sequence[str] | None
"""Whose waits are meant; None: everybody's."""


class DayBounds(NamedTuple):
    """A day of some people, in their zone: its start, its end, the end of the next one (UTC)."""

    start: datetime
    end: datetime
    next_end: datetime


class Carried(NamedTuple):
    """What one person has open."""

    owner: str
    open: int
    overdue: int
    """Stale ones among them."""
    stale: int
    soon: int
    """Due within the hour, and not overdue."""
    due_today: int
    """Still to come today, in the owner's zone."""
    follow_ups_today: int
    follow_ups_tomorrow: int
    to_judge: int = 0
    to_judge_overdue: int = 0


class OnTime(NamedTuple):
    """Waits of one owner that began on one day, as far as it is known whether they were answered on time."""

    owner: str
    day: int
    """Its place among the days asked for."""
    kept: int
    missed: int


class Happened(NamedTuple):
    """What happened since an instant."""

    answered: int
    answered_late: int
    breached: int
    escalated: int
    """Steps after the due time that were told, once however many readers."""
    handed_over: int
    new_leads: int
    """Leads who wrote for the first time."""


class StartQueries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def carried(
        self, owners: Owners, days: Mapping[DayBounds, Sequence[str]], marks: tuple[datetime, datetime, datetime]
    ) -> list[Carried]:
        """What each owner has open. `days`: the day of those whose zone is not that of the first. `marks`: now, the end
        of the hour, and the due time before which a wait is stale.
        """
        now, hour, stale = marks
        due = _clock.c.due_at
        first, *others = days
        start, end, next_end = (
            case(*((_clock.c.owner.in_(days[day]), _at(day[place])) for day in others), else_=_at(first[place]))
            if others
            else _at(first[place])
            for place in range(3)
        )
        put_off = case((_clock.c.snoozed_until > due, _clock.c.snoozed_until), else_=due)
        owner = func.coalesce(_clock.c.owner, "")
        found = select(
            owner,
            _count(REPLY),
            _count(and_(REPLY, due <= now)),
            _count(and_(REPLY, due <= stale)),
            _count(and_(REPLY, due > now, due <= hour)),
            _count(and_(REPLY, due > now, due < end)),
            _count(and_(FOLLOW_UP, put_off >= start, put_off < end)),
            _count(and_(FOLLOW_UP, put_off >= end, put_off < next_end)),
            _count(VERDICT),
            _count(and_(VERDICT, due <= now)),
        ).where(_clock.c.state == "running", _of(owners))
        return [Carried(row[0], *map(int, row[1:])) for row in self._connection.execute(found.group_by(owner))]

    def on_time(self, owners: Owners, days: Sequence[datetime], now: datetime) -> list[OnTime]:
        """Waits by owner and day of their start; `days` are the starts of days in their order. What runs and is not due
        yet counts for neither, nor what ended in time without an answer, nor what cannot be verified.
        """
        began = [(_clock.c.started_at >= day, place) for place, day in reversed(list(enumerate(days)))]
        day = case(*began, else_=-1)
        late = func.coalesce(_clock.c.stopped_at, _at(now)) > _clock.c.due_at
        unsure = and_(_clock.c.state == "running", _clock.c.held)
        owner = func.coalesce(_clock.c.owner, "")
        found = select(
            owner, day, _count(and_(_clock.c.state == "answered", ~late)), _count(and_(late, ~unsure))
        ).where(_clock.c.started_at >= days[0], _clock.c.started_at <= now, REPLY, _of(owners))
        return [OnTime(*row) for row in self._connection.execute(found.group_by(owner, day))]

    def to_save(
        self, owners: Owners, tiers: Sequence[str], now: datetime, until: datetime, limit: int
    ) -> list[ClockRecord]:
        """Waits that fall due until an instant; by tier in the order given, then by due time."""
        due = and_(REPLY, _clock.c.due_at > now, _clock.c.due_at <= until)
        return self._listed(owners, due, (_rank(tiers), _clock.c.due_at, _clock.c.id), limit)

    def late(
        self, owners: Owners, tiers: Sequence[str], now: datetime, stale: datetime, limit: int
    ) -> list[ClockRecord]:
        """Overdue waits that are not stale; by tier in the order given, the latest first."""
        due = and_(REPLY, _clock.c.due_at <= now, _clock.c.due_at > stale)
        return self._listed(owners, due, (_rank(tiers), _clock.c.due_at.desc(), _clock.c.id), limit)

    def coming(self, owners: Owners, after: datetime, limit: int) -> list[ClockRecord]:
        """Waits that fall due after an instant, the first of them first."""
        return self._listed(owners, and_(REPLY, _clock.c.due_at > after), (_clock.c.due_at, _clock.c.id), limit)

    def stale(self, owners: Owners, stale: datetime, limit: int) -> list[ClockRecord]:
        """Stale waits, the longest overdue first."""
        return self._listed(owners, and_(REPLY, _clock.c.due_at <= stale), (_clock.c.due_at, _clock.c.id), limit)

    def to_judge(self, owners: Owners, limit: int) -> list[ClockRecord]:
        """What waits to be judged, the first due first."""
        return self._listed(owners, VERDICT, (_clock.c.due_at, _clock.c.id), limit)

    def _listed(self, owners: Owners, chosen: Any, order: Sequence[Any], limit: int) -> list[ClockRecord]:
        found = select(_clock).where(_clock.c.state == "running", chosen, _of(owners))
        return clocks_of(self._connection.execute(found.order_by(*order).limit(limit)))

    def happened(self, owners: Owners, since: datetime, now: datetime) -> Happened:
        """What happened from one instant to another; of a hand-over either owner counts."""
        counts = [int(number) for one in self._happened(owners, since, now) for number in one]
        return Happened(*counts)

    def _happened(self, owners: Owners, since: datetime, now: datetime) -> Iterator[Sequence[Any]]:
        late = _clock.c.breached_at.is_not(None)
        # The state stands among the counts: as a condition, SQLite would take it for the narrower one.
        answered, ended = _clock.c.state == "answered", (_clock.c.stopped_at >= since, _clock.c.stopped_at <= now)
        counts = select(_count(and_(answered, ~late)), _count(and_(answered, late)))
        yield self._connection.execute(counts.where(REPLY, *ended, _of(owners))).one()
        breached = (_clock.c.breached_at >= since, _clock.c.breached_at <= now)
        yield [self._number(select(_clock.c.id).where(REPLY, *breached, _of(owners)))]

        steps = select(_told.c.clock, _told.c.era, _told.c.round, _told.c.step).distinct()
        steps = steps.join(_clock, _clock.c.id == _told.c.clock).where(
            _told.c.reason.in_(("escalated", "repeated")), _told.c.at >= since, _told.c.at <= now, REPLY, _of(owners)
        )
        yield [self._number(steps)]

        recent = select(_act.c.clock).where(_act.c.deed == "assigned", _act.c.at >= since, _act.c.at <= now)
        before = func.lag(_act.c.owner).over(partition_by=_act.c.clock, order_by=(_act.c.at, _act.c.id))
        given = select(_act.c.at, _act.c.owner, before.label("before")).where(
            _act.c.deed == "assigned", _act.c.clock.in_(recent)
        )
        moved = given.subquery()
        mine = true() if owners is None else or_(moved.c.owner.in_(owners), moved.c.before.in_(owners))
        changed = and_(moved.c.before.is_not(None), moved.c.owner != moved.c.before)
        yield [self._number(select(moved.c.at).where(moved.c.at >= since, moved.c.at <= now, changed, mine))]

        earlier = _clock.alias()
        known = select(earlier.c.id).where(earlier.c.lead == _clock.c.lead, earlier.c.started_at < since)
        new = select(_clock.c.lead).distinct()
        begun = and_(_clock.c.started_at >= since, _clock.c.started_at <= now)
        yield [self._number(new.where(_clock.c.metric == "first_response", OWED, begun, ~known.exists(), _of(owners)))]

    def _number(self, found: Any) -> int:
        return int(self._connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())


def _at(instant: datetime) -> ColumnElement[datetime]:
    return literal(instant, UTCDateTime())


def _count(condition: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _of(owners: Owners) -> ColumnElement[bool]:
    return true() if owners is None else holds(_clock.c.owner, owners)


def _rank(tiers: Sequence[str]) -> ColumnElement[int]:
    """The place of a wait's tier, in lower case; every other stands behind them."""
    known = [(func.lower(_clock.c.tier) == tier, literal(place)) for place, tier in enumerate(tiers)]
    return case(*known, else_=literal(len(tiers))) if known else literal(0)
