"""Clocks (a cache of the fold), what was done to them, and who was notified of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from inboxwatch.core.mail.threads import Stood
from inboxwatch.core.model import ClockId, Evidence, LeadId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import REPLY
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.records import ClockRecord, NotifiedRecord, clock_of, clock_row, clocks_of, notified_row
from inboxwatch.store.upsert import chunks, insert_all, insert_missing, upsert

_clock, _act, _notified, _alias = tables.clock, tables.act, tables.told, tables.clock_alias
Where = Mapping[str, str | Sequence[str]]
"""Columns of clocks and what they must hold: a value, or one of several."""


class Telling(NamedTuple):
    """By whom we know of an action that was done elsewhere."""

    source: str
    """The system that tells of it: a source of leads, or `api`."""
    ref: str
    """Its own id there: what is told again is the same."""
    at: datetime
    """When it was done, as it was told (UTC); `Action.at` may be later."""


_OF_THREADS = select(_clock).where(one_of_given(_clock.c.thread))
_NOTIFIED = select(_notified).where(one_of_given(_notified.c.clock))
_OWN = delete(_alias).where(one_of_given(_alias.c.alias))
_ACTS_IN_THREADS = select(_act).where(one_of_given(_act.c.thread)).order_by(_act.c.id)
_ACTS_ON_LEADS = select(_act).where(one_of_given(_act.c.lead), _act.c.thread.is_(None)).order_by(_act.c.id)
_COLUMNS = [column.name for column in _clock.columns if column.name != "id"]


class Clocks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_threads(self, threads: Sequence[str]) -> dict[ClockId, ClockRecord]:
        """The clocks of threads, by id."""
        clocks: dict[ClockId, ClockRecord] = {}
        if threads:
            found = self._connection.execute(_OF_THREADS, given(threads))
            clocks.update((clock.id, clock) for clock in map(clock_of, found))
        return clocks

    def get(self, clock: str) -> ClockRecord | None:
        """A clock by any id it ever had."""
        found = self._connection.execute(select(_clock).where(_clock.c.id == clock)).first()
        if found is None:
            named = select(_alias.c.clock).where(_alias.c.alias == clock).scalar_subquery()
            found = self._connection.execute(select(_clock).where(_clock.c.id == named)).first()
        return None if found is None else clock_of(found)

    def is_running(self, clock: str | None) -> bool:
        """Whether a wait is open, by any id it ever had."""
        row = self.get(clock) if clock else None
        return row is not None and row.state == "running"

    def due(self, now: datetime, limit: int, skip: frozenset[str] = frozenset()) -> list[tuple[ClockId, ThreadId]]:
        """(clock, thread) of running clocks whose time to be looked at has come, the longest due first; those that
        another worker looks at just now are left to it.
        """
        found = (
            select(_clock.c.id, _clock.c.thread)
            .where(_clock.c.state == "running", _clock.c.wake_at <= now)
            .order_by(_clock.c.wake_at, _clock.c.id)
            .limit(limit + len(skip))
            .with_for_update(skip_locked=True)
        )
        return [(row.id, row.thread) for row in self._connection.execute(found) if row.id not in skip][:limit]

    def due_many(self, now: datetime, count: int) -> bool:
        """Whether more than `count` clocks are waiting to be looked at."""
        due = select(_clock.c.id).where(_clock.c.state == "running", _clock.c.wake_at <= now).limit(count + 1)
        return len(self._connection.execute(due).all()) > count

    def next_wake(self, skip: frozenset[str] = frozenset()) -> datetime | None:
        """The earliest instant at which a running clock must be looked at."""
        found = (
            select(_clock.c.id, _clock.c.wake_at)
            .where(_clock.c.state == "running", _clock.c.wake_at.is_not(None))
            .order_by(_clock.c.wake_at)
            .limit(1 + len(skip))
        )
        return next((row.wake_at for row in self._connection.execute(found) if row.id not in skip), None)

    def wake(self, now: datetime, *, owner: str | None = None, held: bool = False) -> None:
        """Makes running clocks due at once: those of an owner, or those held back for an unread mailbox."""
        chosen = [_clock.c.state == "running"]
        if owner is not None:
            chosen.append(_clock.c.owner == owner)
        if held:
            chosen.append(_clock.c.held)
        self._connection.execute(update(_clock).where(*chosen).values(wake_at=now))

    def save(self, clocks: Sequence[ClockRecord]) -> None:
        """Adds clocks or replaces them whole."""
        for part in chunks(clocks, 200):
            upsert(self._connection, _clock, [clock_row(clock) for clock in part], _COLUMNS)

    def drop(self, gone: Mapping[str, str | None]) -> None:
        """Removes rows of ids that no wait has any more; an id's successor keeps it as an alias."""
        for old, new in gone.items():
            self._connection.execute(delete(_clock).where(_clock.c.id == old))
            if new is not None:
                self._connection.execute(update(_alias).where(_alias.c.clock == old).values(clock=new))
                upsert(self._connection, _alias, [{"alias": old, "clock": new}], ["clock"])

    def own(self, clocks: Sequence[str]) -> None:
        """Ids that are those of waits themselves are no other names of another wait any more."""
        if clocks:
            self._connection.execute(_OWN, given(clocks))

    def repolicy(self, clock: ClockRecord, policy: str, version: str) -> None:
        """Puts a clock under another policy; it must be evaluated then."""
        terms = [*clock.terms[:-1], clock.terms[-1]._replace(policy_version=version)] if clock.terms else []
        kept = {"policy": policy, "policy_version": version, "terms": list(map(list, terms)) or None}
        self._connection.execute(update(_clock).where(_clock.c.id == clock.id).values(kept))

    def running_replies(self, leads: Iterable[str]) -> list[ClockRecord]:
        """The open waits of leads in which a reply is owed."""
        open_ = (_clock.c.state == "running", REPLY)
        return clocks_of(self._connection.execute(select(_clock).where(one_of(_clock.c.lead, leads), *open_)))

    def open_threads(self, leads: Iterable[str]) -> set[str]:
        """The threads in which waits of leads are open."""
        theirs = select(_clock.c.thread).where(one_of(_clock.c.lead, leads), _clock.c.state == "running")
        return set(self._connection.execute(theirs).scalars())

    def contradict(self, leads: Iterable[str]) -> None:
        """Notes of filtered waits that their sender became a lead all the same."""
        theirs = (one_of(_clock.c.lead, leads), _clock.c.stop_reason == FILTERED)
        self._connection.execute(update(_clock).where(*theirs).values(contradicted=True))

    def load(self, owner: str) -> int:
        """Open waits of a person (follow-ups and verdicts are none)."""
        open_waits = (_clock.c.state == "running", _clock.c.owner == owner, REPLY)
        return int(self._connection.execute(select(func.count()).where(*open_waits)).scalar() or 0)

    def assigned_to(self, team: str) -> int:
        """How many waits routing gave to a team."""
        return int(self._connection.execute(select(func.count()).where(_act.c.team == team)).scalar() or 0)

    def actions(self, threads: Sequence[str], leads: Iterable[str]) -> dict[str, list[Action]]:
        """Actions by thread; those on a lead come under the key `lead:ID`."""
        actions: dict[str, list[Action]] = {}
        for statement, values in ((_ACTS_IN_THREADS, list(threads)), (_ACTS_ON_LEADS, list(leads))):
            for row in self._connection.execute(statement, given(values)) if values else ():
                actions.setdefault(row.thread or f"lead:{row.lead}", []).append(to_action(row))
        return actions

    def done(
        self, kinds: Collection[ActionKind], by: Collection[str], since: datetime, until: datetime, limit: int
    ) -> list[tuple[Action, ThreadId | None]]:
        """What some people did from `since` to before `until`, in the order of time, each with its thread."""
        period = (_act.c.at >= since, _act.c.at < until)
        chosen = select(_act).where(*period, _act.c.deed.in_(sorted(kinds)), _act.c.by.in_(sorted(by)))
        found = self._connection.execute(chosen.order_by(_act.c.at, _act.c.id).limit(limit))
        return [(to_action(row), row.thread) for row in found]

    def record_all(self, actions: Sequence[tuple[Action, str | None]] | Sequence[tuple[Action, str]]) -> None:
        """Adds actions, each with the thread it belongs to, in this order."""
        insert_all(self._connection, _act, [_values(action, thread) for action, thread in actions])

    def take_back(self, serials: Iterable[int]) -> None:
        """Removes what the program itself recorded, by the numbers of the actions."""
        for part in chunks(sorted(serials)):
            self._connection.execute(delete(_act).where(_act.c.id.in_(part)))

    def record(self, action: Action, thread: str | None) -> int:
        values = _values(action, thread)
        key = self._connection.execute(insert(_act).values(values)).inserted_primary_key
        return int(key[0]) if key else 0

    def record_split(self, action: Action, thread: str, before: Mapping[MessageId, Stood]) -> None:
        """Records that a message was split off to a thread, with where those stood whom that concerned."""
        values = _values(action, thread) | {"stood": {one: list(was) for one, was in before.items()}}
        self._connection.execute(insert(_act).values(values))

    def stood(self, thread: str, message: str) -> dict[MessageId, Stood]:
        """Where messages stood before one was split off to this thread; empty where an older version has done it."""
        chosen = (_act.c.thread == thread, _act.c.deed == ActionKind.SPLIT.value, _act.c.rule == message)
        found = select(_act.c.stood).where(*chosen, _act.c.stood.is_not(None)).order_by(_act.c.id.desc()).limit(1)
        told = self._connection.execute(found).scalar() or {}
        return {MessageId(one): Stood._make([*was[:2], Evidence(was[2]), *was[3:]]) for one, was in told.items()}

    def record_told(self, action: Action, telling: Telling) -> bool:
        """Records what another system tells, once for each id that it gives; False where that is recorded already."""
        values = _values(action, None) | {"source": telling.source, "ref": telling.ref, "told_at": telling.at}
        return insert_missing(self._connection, _act, [values]) == 1

    def told(self, source: str, ref: str) -> tuple[Action, datetime] | None:
        """What a system told under an id, and when that was done by its own word."""
        found = self._connection.execute(select(_act).where(_act.c.source == source, _act.c.ref == ref)).first()
        return (to_action(found), found.told_at) if found is not None else None

    def correct(self, assignment: Action, to: Action) -> None:
        """An assignment that was recorded for a wait turns out to be another one."""
        changed = update(_act).where(_act.c.id == assignment.serial)
        self._connection.execute(changed.values(owner=to.owner, rule=to.rule, reason=to.reason, team=to.team or None))

    def record_meeting(self, action: Action) -> bool:
        """Records a meeting that was accepted or answered, once for each message that says so; False: nothing new."""
        same = (_act.c.lead == action.lead, _act.c.deed == action.kind.value, _act.c.rule == action.rule)
        known = self._connection.execute(select(_act).where(*same)).first()
        if known is None:
            self.record(action, None)
            return True
        if (known.at, known.until, known.clock) == (action.at, action.until, action.clock):
            return False
        changed = update(_act).where(_act.c.id == known.id)
        self._connection.execute(changed.values(at=action.at, until=action.until, clock=action.clock))
        return True

    def withdraw_meetings(self, messages: Sequence[str]) -> list[LeadId]:
        """Takes out the meetings that were recorded as accepted by messages which turn out to say nothing new.

        Returns the leads of which there were any.
        """
        leads: list[LeadId] = []
        for part in chunks(list(messages)):
            chosen = (_act.c.deed == ActionKind.MEETING_ACCEPTED.value, _act.c.rule.in_(part))
            leads += self._connection.execute(select(_act.c.lead).where(*chosen)).scalars()
            self._connection.execute(delete(_act).where(*chosen))
        return leads

    def move(self, clocks: Iterable[str], old: str, new: str, messages: Iterable[str] = ()) -> None:
        """The actions on clocks go from one thread to another with them, and the reviews of messages with these."""
        for column, values in ((_act.c.clock, clocks), (_act.c.rule, messages)):
            for part in chunks(list(values)):
                chosen = [_act.c.thread == old, column.in_(part)]
                if column is _act.c.rule:
                    chosen.append(_act.c.deed.in_(sorted(REVIEWS)))
                self._connection.execute(update(_act).where(*chosen).values(thread=new))

    def move_all(self, old: str, new: str) -> None:
        """Nothing is left of a thread: its clocks, and all that was done in it, belong to another."""
        for table in (_clock, _act):
            self._connection.execute(update(table).where(table.c.thread == old).values(thread=new))

    def rejoin(self, thread: str, message: str, old: str) -> None:
        """What a split has made of a message is part of its former thread again. The split itself stands in both."""
        doubled = (_act.c.thread == thread, _act.c.deed == ActionKind.SPLIT.value, _act.c.rule == message)
        self._connection.execute(delete(_act).where(*doubled))
        self.move_all(thread, old)

    def notified(self, clocks: Iterable[str]) -> dict[str, set[StepKey]]:
        """The keys of the steps that notified or were passed, by clock id."""
        found: dict[str, set[StepKey]] = {}
        asked = list(clocks)
        for row in self._connection.execute(_NOTIFIED, given(asked)) if asked else ():
            found.setdefault(row.clock, set()).add((row.era, row.round, row.step))
        return found

    def notifications(self, clocks: Iterable[str]) -> list[NotifiedRecord]:
        """Who was notified of clocks, and the steps that were passed, in their order."""
        asked = list(clocks)
        rows = self._connection.execute(_NOTIFIED.order_by(_notified.c.at), given(asked)) if asked else ()
        return [NotifiedRecord(*row) for row in rows]

    def record_notified(self, steps: Sequence[NotifiedRecord]) -> None:
        insert_missing(self._connection, _notified, [notified_row(one) for one in steps])

    def listed(self, where: Where, after: tuple[datetime, str] | None, limit: int) -> list[ClockRecord]:
        """Clocks in the order of their due times; `where` holds state (open, closed) and columns."""
        chosen = []
        for name, value in where.items():
            if name == "state":
                chosen.append(_clock.c.state == "running" if value == "open" else _clock.c.state != "running")
            else:
                chosen.append(holds(_clock.c[name], value))
        if after is not None:
            at, clock = after
            chosen.append(or_(_clock.c.due_at > at, and_(_clock.c.due_at == at, _clock.c.id > clock)))
        found = select(_clock).where(*chosen).order_by(_clock.c.due_at, _clock.c.id).limit(limit)
        return clocks_of(self._connection.execute(found))

    def concerning(self, owners: Sequence[str], team: str | None, breached_since: datetime) -> list[ClockRecord]:
        """The running clocks of owners or of a team's mailboxes, and those of them that were breached since then."""
        theirs: ColumnElement[bool] = _clock.c.owner.in_(owners)
        if team is not None:
            theirs = or_(theirs, _clock.c.team == team)
        concerned = or_(_clock.c.state == "running", _clock.c.breached_at >= breached_since)
        return clocks_of(self._connection.execute(select(_clock).where(theirs, concerned)))

    def exchanged(self, clocks: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """How many messages of people went to and fro with a clock's lead before it began, and when the last did."""
        found: dict[str, tuple[int, datetime]] = {}
        mail = tables.message
        earlier = and_(
            mail.c.lead == _clock.c.lead,
            mail.c.at < _clock.c.started_at,
            mail.c.kind == "human",
            mail.c.direction != "internal",
        )
        for part in chunks(clocks):
            counts = select(_clock.c.id, func.count(), func.max(mail.c.at)).join(mail, earlier)
            rows = self._connection.execute(counts.where(_clock.c.id.in_(part)).group_by(_clock.c.id))
            found.update((row[0], (row[1], row[2])) for row in rows)
        return found

    def running(self) -> list[ClockRecord]:
        return clocks_of(self._connection.execute(select(_clock).where(_clock.c.state == "running")))


def holds(column: ColumnElement[Any], value: str | Sequence[str]) -> ColumnElement[bool]:
    """Whether a column has a value, or one of several; of none it has none."""
    return column == value if isinstance(value, str) else column.in_(value)


def to_action(row: Row[Any]) -> Action:
    return Action(
        at=row.at,
        kind=ActionKind(row.deed),
        by=row.by,
        clock=row.clock and ClockId(row.clock),
        lead=row.lead and LeadId(row.lead),
        until=row.until,
        owner=row.owner and PersonId(row.owner),
        reason=row.reason,
        rule=row.rule,
        team=row.team or "",
        serial=row.id,
        seen=frozenset(map(ClockId, row.seen or ())),
        inquiry_class=row.inquiry_class or "",
        tier=row.tier or "",
        score=row.score,
        lines=tuple(starmap(ScoreLine, row.lines or ())),
        version=row.version or "",
        messages=row.messages or 0,
    )


def _values(action: Action, thread: str | None) -> dict[str, Any]:
    return {
        "at": action.at,
        "deed": action.kind.value,
        "by": action.by,
        "clock": action.clock,
        "thread": thread,
        "lead": action.lead,
        "until": action.until,
        "owner": action.owner,
        "reason": action.reason,
        "rule": action.rule,
        "team": action.team or None,
        "seen": sorted(action.seen) or None,
        "inquiry_class": action.inquiry_class or None,
        "tier": action.tier or None,
        "score": action.score,
        "lines": list(map(list, action.lines)) or None,
        "version": action.version or None,
        "messages": action.messages or None,
    }
