"""What the board asks: open waits as a reader chooses them, how many there are, who is in the choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from inboxwatch.core.model import ClockId
from inboxwatch.core.sla.gone_quiet import GONE_QUIET
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import FOLLOW_UP, REPLY, VERDICT
from inboxwatch.store.clocks import Where, holds
from inboxwatch.store.figure_columns import metric_state
from inboxwatch.store.records import ClockRecord, FirstContactRecord, clocks_of
from inboxwatch.store.upsert import chunks

_clock, _failed = tables.clock, tables.first_contact
FILTERS = ("owner", "tier", "mailbox", "lead", "inquiry_class")


class WaitCounts(NamedTuple):
    """How many open waits there are under a filter."""

    states: dict[str, int]
    """By metric state; states without waits are left out."""
    overdue: int
    oldest: datetime | None
    """The start of the oldest."""

    @property
    def all(self) -> int:
        return sum(self.states.values())


class ToJudge(NamedTuple):
    """How many inquiries wait to be judged under a filter."""

    all: int
    overdue: int


class FilteredCounts(NamedTuple):
    """How many inquiries nobody owes an answer to."""

    by_class: dict[str, int]
    """The most first."""
    contradicted: int

    @property
    def all(self) -> int:
        return sum(self.by_class.values())


class BoardQueries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def waits(
        self,
        where: Where,
        now: datetime,
        *,
        overdue: bool | None = None,
        metric: str = "wait",
        offset: int = 0,
        limit: int,
    ) -> list[ClockRecord]:
        """Open waits in the order of their due times; `where` holds `state` (a metric state) and any of FILTERS.

        `overdue` keeps those whose due time has passed (True) or not (False); `metric` is `wait`, `follow_up` or
        `verdict`.
        """
        chosen = [*self._chosen(where, now, metric)]
        if overdue is not None:
            chosen.append(_clock.c.due_at <= now if overdue else _clock.c.due_at > now)
        found = select(_clock).where(*chosen).order_by(_clock.c.due_at, _clock.c.id)
        return clocks_of(self._connection.execute(found.offset(offset).limit(limit)))

    def due_between(
        self, where: Where, now: datetime, until: datetime, *, offset: int, limit: int
    ) -> list[ClockRecord]:
        """Open waits that fall due from now until an instant, in that order."""
        due = (_clock.c.due_at > now, _clock.c.due_at <= until)
        found = select(_clock).where(*self._chosen(where, now, "wait"), *due).order_by(_clock.c.due_at, _clock.c.id)
        return clocks_of(self._connection.execute(found.offset(offset).limit(limit)))

    def closed(self, where: Where, now: datetime, *, offset: int = 0, limit: int) -> list[ClockRecord]:
        """Waits that are over, the latest first."""
        found = select(_clock).where(_clock.c.stopped_at <= now, REPLY, *_held_to(where))
        ordered = found.order_by(_clock.c.stopped_at.desc(), _clock.c.id)
        return clocks_of(self._connection.execute(ordered.offset(offset).limit(limit)))

    def filtered(self, where: Where, *, offset: int = 0, limit: int) -> list[ClockRecord]:
        """Waits that were filtered and are so still, the latest first."""
        found = select(_clock).where(*_filtered(where)).order_by(_clock.c.stopped_at.desc(), _clock.c.id)
        return clocks_of(self._connection.execute(found.offset(offset).limit(limit)))

    def filtered_since(self, where: Where, since: datetime) -> FilteredCounts:
        """How many of them were filtered since an instant."""
        about = func.coalesce(_clock.c.inquiry_class, "")
        contradicted = func.sum(case((_clock.c.contradicted, 1), else_=0))
        found = select(about, func.count(), contradicted).where(*_filtered(where), _clock.c.stopped_at >= since)
        rows = self._connection.execute(found.group_by(about).order_by(func.count().desc(), about)).all()
        return FilteredCounts({row[0]: row[1] for row in rows}, sum(int(row[2]) for row in rows))

    def follow_ups(self, where: Where) -> list[tuple[ClockId, str, datetime]]:
        """(clock, owner, when) of every open follow-up, unsorted; an owner may be empty. One that is put off stands at
        the end of that, where it is later than its due time.
        """
        chosen = self._chosen(where, datetime.max.replace(tzinfo=UTC), "follow_up")
        found = self._connection.execute(
            select(_clock.c.id, _clock.c.owner, _clock.c.due_at, _clock.c.snoozed_until).where(*chosen)
        )
        return [(ClockId(row.id), row.owner or "", max(row.due_at, row.snoozed_until or row.due_at)) for row in found]

    def quiet_since(self, due: datetime, after: tuple[datetime, str] | None, limit: int) -> list[ClockRecord]:
        """Open follow-ups that were due by an instant, in the order of their due times, behind a place."""
        chosen = [*self._chosen({}, due, "follow_up"), _clock.c.due_at <= due]
        if after is not None:
            at, clock = after
            chosen.append(or_(_clock.c.due_at > at, and_(_clock.c.due_at == at, _clock.c.id > clock)))
        found = select(_clock).where(*chosen).order_by(_clock.c.due_at, _clock.c.id).limit(limit)
        return clocks_of(self._connection.execute(found))

    def gone_quiet(self, where: Where, since: datetime, limit: int) -> tuple[list[ClockRecord], int]:
        """Follow-ups that were closed as gone quiet since an instant, the latest first, and how many they are."""
        chosen = [*_held_to(where), _clock.c.stop_reason == GONE_QUIET, _clock.c.stopped_at >= since]
        found = select(_clock).where(*chosen).order_by(_clock.c.stopped_at.desc(), _clock.c.id).limit(limit)
        count = self._connection.execute(select(func.count()).select_from(_clock).where(*chosen)).scalar_one()
        return clocks_of(self._connection.execute(found)), int(count)

    def of_ids(self, ids: Sequence[str]) -> list[ClockRecord]:
        """Clocks in the order of their ids given; those that are none any more are left out."""
        found: dict[str, ClockRecord] = {}
        for part in chunks(ids):
            rows = clocks_of(self._connection.execute(select(_clock).where(_clock.c.id.in_(part))))
            found |= {row.id: row for row in rows}
        return [found[one] for one in ids if one in found]

    def counts(self, where: Where, now: datetime) -> WaitCounts:
        """Open waits by state; a chosen state does not narrow them."""
        state = metric_state(now)
        late = func.sum(case((_clock.c.due_at <= now, 1), else_=0))
        others = {name: value for name, value in where.items() if name != "state"}
        found = select(state, func.count(), late, func.min(_clock.c.started_at))
        rows = self._connection.execute(found.where(*self._chosen(others, now, "wait")).group_by(state)).all()
        oldest = min((row[3] for row in rows), default=None)
        return WaitCounts({row[0]: row[1] for row in rows}, sum(int(row[2]) for row in rows), oldest)

    def to_judge(self, where: Where, now: datetime) -> ToJudge:
        """What waits to be judged; a chosen state does not narrow it."""
        others = {name: value for name, value in where.items() if name != "state"}
        late = func.coalesce(func.sum(case((_clock.c.due_at <= now, 1), else_=0)), 0)
        found = select(func.count(), late).where(*self._chosen(others, now, "verdict"))
        return ToJudge(*map(int, self._connection.execute(found).one()))

    def choices(self) -> dict[str, list[str]]:
        """The owners and tiers of open clocks, for the filters."""
        columns = {"owner": _clock.c.owner, "tier": _clock.c.tier}
        found = {}
        for name, column in columns.items():
            values = select(column).where(_clock.c.state == "running", column.is_not(None), column != "").distinct()
            found[name] = sorted(self._connection.execute(values).scalars())
        return found

    def failed_contacts(self, owners: str | Sequence[str] | None = None, limit: int = 50) -> list[FirstContactRecord]:
        """First contacts that failed and are still open, the latest first; of some owners, or of all."""
        found = select(_failed).where(*_lost(owners)).order_by(_failed.c.failed_at.desc())
        return [FirstContactRecord(*row) for row in self._connection.execute(found.limit(limit))]

    def failed_contact_count(self, owners: str | Sequence[str] | None = None) -> int:
        found = select(func.count()).select_from(_failed).where(*_lost(owners))
        return int(self._connection.execute(found).scalar_one())

    def dead_letters(self) -> int:
        found = select(func.count()).where(tables.delivery.c.state == "dead")
        return int(self._connection.execute(found).scalar_one())

    def pulse(self) -> tuple[object, ...]:
        """Changes whenever something that the board shows has changed, short of the time itself."""
        running = select(
            func.count(),
            func.count(_clock.c.warned_at),
            func.count(_clock.c.breached_at),
            func.max(_clock.c.acknowledged_until),
            func.max(_clock.c.snoozed_until),
            func.sum(case((_clock.c.held, 1), else_=0)),
            func.sum(_clock.c.nudges),
        ).where(_clock.c.state == "running")
        boxes, delivery = tables.mailbox, tables.delivery
        ill = select(func.count(boxes.c.failing_since), func.count(boxes.c.last_success))
        dead = select(func.count()).where(delivery.c.state == "dead")
        lost = select(func.count()).select_from(_failed).where(*_lost(None))
        asked = (running, select(func.max(tables.act.c.id)), select(func.max(delivery.c.id)), ill, dead, lost)
        return tuple(value for one in asked for value in self._connection.execute(one).one())

    def _chosen(self, where: Where, now: datetime, metric: str) -> Iterable[Any]:
        yield _clock.c.state == "running"
        yield {"wait": REPLY, "follow_up": FOLLOW_UP, "verdict": VERDICT}[metric]
        if "state" in where:
            yield metric_state(now) == where["state"]
        yield from _held_to(where)


def _filtered(where: Where) -> Iterable[ColumnElement[bool]]:
    yield _clock.c.stop_reason == FILTERED
    yield REPLY
    yield from _held_to(where)


def _held_to(where: Where) -> Iterable[ColumnElement[bool]]:
    """The filters among what a list is asked for."""
    return (holds(_clock.c[name], value) for name, value in where.items() if name in FILTERS)


def _lost(owners: str | Sequence[str] | None) -> Iterable[ColumnElement[bool]]:
    yield _failed.c.resolved_at.is_(None)
    if owners is not None:
        yield holds(_failed.c.owner, owners)
