"""What the start page tells a manager of everybody or of a team, and a rep of their own waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from inboxwatch.core.follow_up_days import Day
from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.people import Person, teams_of_people
from inboxwatch.core.ownership.reasons import OnLeave
from inboxwatch.core.sla.hours import BusinessCalendar
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.authority import Role, role
from inboxwatch.engine.follow_ups import follow_ups
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_filters import by_people, filtered_today
from inboxwatch.engine.wait_views import Detail, person_name, wait_views
from inboxwatch.store import Transaction
from inboxwatch.store.board_queries import FilteredCounts
from inboxwatch.store.records import ClockRecord
from inboxwatch.store.start_queries import Carried, DayBounds, Happened, OnTime, Owners

SOON = timedelta(hours=1)
SAVED_WITHIN = timedelta(hours=8)
"""What falls due so soon can be saved now; what is due later is still to come."""
STALE = timedelta(days=7)
"""Overdue for longer, a wait is not worked off any more: it is folded away, to be given to somebody or closed."""
SHOWN = 10
"""Waits of a list; all of them are one click away."""
STALE_SHOWN = 100
"""Stale waits that can be dealt with at once."""
LOOK_BACK = 14
"""Days within which the last working day is looked for."""
_DAY = timedelta(days=1)


class Whose(StrEnum):
    ALL = "all"
    TEAM = "team"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose waits a start page is about."""

    whose: Whose
    name: str = ""
    """A team of the config, or a person's id."""

    @classmethod
    def parse(cls, word: str) -> Scope | None:
        """The reverse of `str`; None where it is no scope."""
        whose, _, name = word.partition(":")
        if whose not in list(Whose) or bool(name) == (whose == Whose.ALL):
            return None
        return cls(Whose(whose), name)

    def __str__(self) -> str:
        return f"{self.whose}:{self.name}" if self.name else str(self.whose)

    @property
    def where(self) -> dict[str, str]:
        """The same as a filter of waits."""
        return {} if self.whose is Whose.ALL else {"team" if self.whose is Whose.TEAM else "owner": self.name}


def own_scope(rules: Rules, person: Person | None) -> Scope:
    """What somebody sees who has chosen nothing: a rep their own, a manager the team that they lead, else all."""
    if person is None:
        return Scope(Whose.ALL)
    if role(rules.config, person.id) < Role.MANAGER:
        return Scope(Whose.PERSON, person.id)
    led = [name for name, team in rules.config.teams.items() if team.lead == person.id]
    return Scope(Whose.TEAM, led[0]) if len(led) == 1 else Scope(Whose.ALL)


@dataclass(frozen=True, slots=True)
class OnTimeRate:
    """Waits that were to be answered, and how many of them were on time."""

    kept: int = 0
    missed: int = 0

    @property
    def share(self) -> float | None:
        """0..1; None without any."""
        whole = self.kept + self.missed
        return self.kept / whole if whole else None

    def with_more(self, one: OnTime) -> OnTimeRate:
        return OnTimeRate(self.kept + one.kept, self.missed + one.missed)


@dataclass(frozen=True, slots=True)
class Punctuality:
    """On time in a period, and in the one of the same length before."""

    now: OnTimeRate
    before: OnTimeRate
    by_day: tuple[tuple[date, OnTimeRate], ...]
    """The days of the period, in their order."""

    @property
    def change(self) -> float | None:
        """In points (-100..100) against the period before; None where either is not known."""
        now, before = self.now.share, self.before.share
        return None if now is None or before is None else (now - before) * 100


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """What one person carries."""

    person: str
    carried: Carried


@dataclass(frozen=True, slots=True)
class TeamLoad:
    team: str
    punctuality: Punctuality
    carried: Carried


@dataclass(frozen=True, slots=True)
class WaitLists:
    """The waits of a start page."""

    to_save: tuple[WaitView, ...]
    """Due within some hours: by tier, then by due time."""
    late: tuple[WaitView, ...]
    """Overdue and not stale: by tier, the latest first."""
    stale: tuple[WaitView, ...]
    """The longest overdue first."""
    coming: tuple[WaitView, ...] = ()
    """Due later; of a person alone."""
    follow_ups: tuple[WaitView, ...] = ()
    """Of today and before; of a person alone."""
    to_judge: tuple[WaitView, ...] = ()
    """Inquiries that wait to be judged, the first due first."""


@dataclass(frozen=True, slots=True)
class StartPage:
    total: Carried
    punctuality: Punctuality
    happened: Happened
    since: datetime
    """The start of the working day before today (UTC)."""
    since_day: date
    today: date
    blind: tuple[str, ...]
    """Mailboxes that cannot be read."""
    undelivered: int
    """Messages that no way could bring to anybody; of a person's own page none, whoever they were for."""
    unreached: int
    """Leads of these owners whom our first message never reached, nor any later one."""
    filtered: FilteredCounts | None
    """What was filtered today; None where it is not about everybody, since nobody owns it."""
    lists: WaitLists
    people: tuple[PersonLoad, ...]
    """Who has most overdue first."""
    away: Mapping[str, date | None]
    """Everybody of the config who is away now, and their last day of it, where it is known."""
    teams: tuple[TeamLoad, ...]


def start_page(tx: Transaction, rules: Rules, scope: Scope, now: datetime, days: int) -> StartPage:
    """Everything that a start page shows; `days` is the length of its period, today included."""
    config = rules.config
    owners = _owners(rules, scope)
    calendar = config.policies[-1].calendar
    zone = config.people[PersonId(scope.name)].zone if scope.whose is Whose.PERSON else calendar.zone
    today = now.astimezone(zone).date()
    carried = tx.start.carried(owners, _days(rules, now), (now, now + SOON, now - STALE))
    starts = [_midnight(today - _DAY * back, zone) for back in range(2 * days - 1, -1, -1)]
    counted = tx.start.on_time(owners, starts, now)
    since_day = next(
        (day for day in (today - _DAY * back for back in range(1, LOOK_BACK)) if _works(calendar, day, zone)),
        today - _DAY,
    )
    since, away = _midnight(since_day, zone), _away(tx, rules, now)
    return StartPage(
        total=_sum(carried),
        punctuality=_punctuality(counted, today, days),
        happened=tx.start.happened(owners, since, now),
        since=since,
        since_day=since_day,
        today=today,
        blind=_blind(tx, rules, scope),
        undelivered=tx.board.dead_letters() if scope.whose is not Whose.PERSON else 0,
        unreached=tx.board.failed_contact_count(owners),
        filtered=filtered_today(tx, config, {}, now) if scope.whose is Whose.ALL else None,
        lists=_lists(tx, rules, scope, owners, now),
        people=_people(rules, owners, carried, away),
        away=away,
        teams=_teams(rules, carried, counted, today, days) if scope.whose is Whose.ALL else (),
    )


def _owners(rules: Rules, scope: Scope) -> Owners:
    if scope.whose is Whose.PERSON:
        return [scope.name]
    return None if scope.whose is Whose.ALL else list(by_people(rules.config, scope.where)["owner"])


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _works(calendar: BusinessCalendar, day: date, zone: tzinfo) -> bool:
    """Whether a calendar opens on a day, or is open as it begins."""
    return calendar.next_open(_midnight(day, zone)) < _midnight(day + _DAY, zone)


def _days(rules: Rules, now: datetime) -> Mapping[DayBounds, Sequence[str]]:
    """Today as each person's zone has it; the first is that of whoever has left the config (UTC)."""
    found: dict[DayBounds, list[str]] = {_bounds(now, UTC): []}
    for person in rules.config.people.values():
        found.setdefault(_bounds(now, person.zone), []).append(person.id)
    return found


def _bounds(now: datetime, zone: tzinfo) -> DayBounds:
    today = now.astimezone(zone).date()
    start, end, next_end = (_midnight(today + _DAY * ahead, zone) for ahead in range(3))
    return DayBounds(start, end, next_end)


def _sum(carried: Iterable[Carried]) -> Carried:
    counts = [sum(numbers) for numbers in zip(*(one[1:] for one in carried), strict=True)]
    return Carried("", *(counts or [0] * 9))


def _punctuality(counted: Sequence[OnTime], today: date, days: int) -> Punctuality:
    """`counted` is of twice as many days, today the last."""
    by_day = [OnTimeRate()] * (2 * days)
    for one in counted:
        by_day[one.day] = by_day[one.day].with_more(one)
    before, now = by_day[:days], by_day[days:]
    dated = tuple((today - _DAY * (days - 1 - place), rate) for place, rate in enumerate(now))
    return Punctuality(_added(now), _added(before), dated)


def _added(rates: Sequence[OnTimeRate]) -> OnTimeRate:
    return OnTimeRate(sum(one.kept for one in rates), sum(one.missed for one in rates))


def _blind(tx: Transaction, rules: Rules, scope: Scope) -> tuple[str, ...]:
    """Mailboxes that cannot be read: those of the people meant, and the team's own."""
    boxes = rules.config.mailboxes
    owners = _owners(rules, scope)
    ill = [row.id for row in tx.mailboxes.all() if row.failing_since and row.id in boxes]
    if owners is None:
        return tuple(ill)
    team = scope.name if scope.whose is Whose.TEAM else None
    return tuple(one for one in ill if boxes[one].owner in owners or (team is not None and boxes[one].team == team))


def tiers_in_order(rules: Rules) -> list[str]:
    """Tiers as the SLA policies name them, in their order: the first policy that holds is taken, so what matters most
    stands first.
    """
    return list(dict.fromkeys(tier for policy in rules.config.policies for tier in sorted(policy.when.get("tier", ()))))


def _lists(tx: Transaction, rules: Rules, scope: Scope, owners: Owners, now: datetime) -> WaitLists:
    tiers, stale, until = tiers_in_order(rules), now - STALE, now + SAVED_WITHIN
    rows: dict[str, Sequence[ClockRecord]] = {
        "to_save": tx.start.to_save(owners, tiers, now, until, SHOWN),
        "late": tx.start.late(owners, tiers, now, stale, SHOWN),
        "stale": tx.start.stale(owners, stale, STALE_SHOWN),
        "to_judge": tx.start.to_judge(owners, SHOWN),
    }
    if scope.whose is Whose.PERSON:
        found = follow_ups(tx, rules, scope.where, now)
        ids = [clock for day in (Day.TODAY, Day.OVERDUE) for clock in found.by_day.get(day, ())]
        rows["coming"] = tx.start.coming(owners or (), until, SHOWN)
        rows["follow_ups"] = tx.board.of_ids(ids[:SHOWN])
    views = iter(wait_views(tx, rules, [row for part in rows.values() for row in part], now, Detail.BUYER))
    return WaitLists(**{name: tuple(next(views) for _ in part) for name, part in rows.items()})


def _away(tx: Transaction, rules: Rules, now: datetime) -> dict[str, date | None]:
    here, seen = roster(tx, rules, now), tx.absences.at(now)
    found: dict[str, date | None] = {}
    for person in rules.config.people.values():
        why = here.absence(person.id, now)
        if isinstance(why, OnLeave):
            found[person.id] = why.last
        elif why is not None:
            found[person.id] = seen[person.id][1].astimezone(person.zone).date() if person.id in seen else None
    return found


def _people(
    rules: Rules, owners: Owners, carried: Sequence[Carried], away: Mapping[str, date | None]
) -> tuple[PersonLoad, ...]:
    """Whoever has something open, and of the others those who are away."""
    loads = {one.owner: PersonLoad(one.owner, one) for one in carried if one.owner}
    for person in away:
        if person not in loads and (owners is None or person in owners):
            loads[person] = PersonLoad(person, Carried(person, *[0] * 9))

    def order(one: PersonLoad) -> tuple[int, int, str]:
        return -one.carried.overdue, -one.carried.open, person_name(rules, one.person) or one.person

    return tuple(sorted(loads.values(), key=order))


def _teams(
    rules: Rules, carried: Sequence[Carried], counted: Sequence[OnTime], today: date, days: int
) -> tuple[TeamLoad, ...]:
    """Each team by the waits of its people; none where there is but one."""
    if len(rules.config.teams) < 2:
        return ()
    team_of = teams_of_people(rules.config.teams.values())
    return tuple(
        TeamLoad(
            team,
            _punctuality([one for one in counted if team_of.get(one.owner) == team], today, days),
            _sum(one for one in carried if team_of.get(one.owner) == team),
        )
        for team in sorted(rules.config.teams)
    )
