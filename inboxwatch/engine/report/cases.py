"""Waits as a report sees them: how each came out at the end of the period, how long it took, whose it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from inboxwatch.core.model import ClockId
from inboxwatch.core.ownership.people import Person, teams_of_people
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.timeline import Action
from inboxwatch.core.statistics.survival import Length
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.outcomes import LeadOutcomes
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.qualified import ReportedQualification
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify.report_messages import Delay
from inboxwatch.notify.text import clean
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, NotifiedRecord
from inboxwatch.words import english

if TYPE_CHECKING:
    from inboxwatch.config import Config

Stretch = tuple[datetime, datetime]

LISTED = 10
"""Waits from before the period that a report names."""


class Outcome(StrEnum):
    """Scripts know it by its English text, people read that in their language."""

    IN_TIME = english("answered in time")
    LATE = english("answered late")
    OVERDUE = english("open, overdue")
    OPEN = english("open, not yet due")
    UNVERIFIED = english("open, cannot be verified")
    ENDED = english("ended without an answer")
    ENDED_LATE = english("ended without an answer, overdue")


ANSWERED = frozenset({Outcome.IN_TIME, Outcome.LATE})
NEVER = frozenset({Outcome.OVERDUE, Outcome.ENDED_LATE})
"""Past due, and no answer to this day."""
MISSED = frozenset({Outcome.LATE}) | NEVER
_DAYS_WORK = 8 * 3600.0
"""Seconds; of what took longer in business time nights and weekends explain nothing."""
STILL_OPEN = frozenset({Outcome.OVERDUE, Outcome.OPEN, Outcome.UNVERIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedWait:
    """One wait, or one follow-up, as it stood at the end of the period."""

    wait: WaitView
    stopped_at: datetime | None
    """None: still open at the end of the period."""
    outcome: Outcome
    cause: str
    """Why it is not answered: a stop condition, or the state of an open wait; empty where it was."""
    owner: str
    """Whose it was: the owner when it fell due where it was missed, else the owner when it stopped, or now."""
    away: bool
    """The owner was away while it could have been answered in time: it counts for nobody."""
    wall: Length
    business: Length
    """In the calendar of its policy."""
    zone: ZoneInfo
    reasons: tuple[Delay, ...] = ()
    """What made it long; filled for waits that were missed."""
    handovers: int = 0
    """How often it went over to another owner."""
    escalations: int = 0
    """Steps of its ladder that were told once it was due, each once however many people were told."""
    acknowledged_after: float | None = None
    """Seconds of elapsed time until somebody said "I have it"; None: nobody did."""
    colleague: bool | None = None
    """Where nobody is named any more: whether another than the owner answered."""

    @property
    def id(self) -> str:
        return self.wait.id

    @property
    def name(self) -> str:
        """The buyer's name, else the address. Like company and subject, untrusted text: cleaned, not escaped."""
        return clean(self.wait.buyer, 60)

    @property
    def company(self) -> str:
        return clean(self.wait.company, 60)

    @property
    def subject(self) -> str:
        return clean(self.wait.subject, 100)

    @property
    def metric(self) -> str:
        return self.wait.metric

    @property
    def tier(self) -> str:
        return self.wait.tier

    @property
    def mailbox(self) -> str:
        return self.wait.mailbox or ""

    @property
    def started_at(self) -> datetime:
        return self.wait.started_at

    @property
    def due_at(self) -> datetime:
        return self.wait.due_at

    @property
    def answered_by(self) -> str:
        """A person's id or an address; empty where it was not answered in the period."""
        return (self.wait.answered_by or "") if self.outcome in ANSWERED else ""

    @property
    def missed(self) -> bool:
        return self.outcome in MISSED

    @property
    def decided(self) -> bool:
        """Whether it counts for the attainment: answered in time, or missed."""
        return self.missed or self.outcome is Outcome.IN_TIME

    @property
    def by_colleague(self) -> bool:
        if self.colleague is not None:
            return self.colleague
        return self.outcome in ANSWERED and bool(self.owner) and self.answered_by != self.owner


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a report tells."""

    period: Period
    cases: tuple[ReportedWait, ...]
    """Waits that began in the period."""
    left_over: tuple[ReportedWait, ...]
    """Waits that began earlier and were still open at its end, the longest first, as many as are listed."""
    left_over_count: int
    """All of them; they are counted in no rate."""
    follow_ups: tuple[ReportedWait, ...]
    failed_contacts: tuple[tuple[str, bool], ...]
    """(owner, reached since) of each first message to a lead that bounced."""
    verified: Mapping[str, float]
    """Mailbox -> share of the period in which it was read."""
    coverage: Mapping[str, float | None]
    names: Mapping[str, str]
    """Person -> name."""
    teams: Mapping[str, str]
    """Person -> the one team (`teams_of_people`)."""
    team_names: frozenset[str] = frozenset()
    """The teams of the config."""
    board: str = ""
    """The address of the board, on which each wait has a page."""
    goal: float | None = None
    """The share (0..1) of waits that shall be answered on time; None: the config names none."""
    before: tuple[ReportedWait, ...] = ()
    """Waits that began in the period before, of the same length, as they stood at its end."""
    team: str = ""
    """Whose waits it is about; empty: everybody's."""
    people_shown: bool = True
    """Whether figures of single people are told; else `names` and `teams` know teams only."""
    outcomes: LeadOutcomes | None = None
    """What became of leads that asked in the half year up to the end of the period, or since its start; None where no
    source tells what became of any lead."""
    qualification: ReportedQualification | None = None
    """How its inquiries were qualified; None where the config has no classes."""


def read(tx: Transaction, config: Config, period: Period, team: str = "") -> Story:
    """Reads the story of a period, and the waits of the period before, from the store; of `team` alone only what was
    left over from before."""
    story = _Reader(tx, config, period).story(team)
    return replace(story, before=begun(tx, config, period.before))


def begun(tx: Transaction, config: Config, period: Period) -> tuple[ReportedWait, ...]:
    """The waits that began in a period, without follow-ups and without the buyers."""
    return _Reader(tx, config, period).replies()


class _Reader:
    def __init__(self, tx: Transaction, config: Config, period: Period) -> None:
        self._tx, self._config, self._period = tx, config, period
        self._waits = tx.waits
        self._rules = Rules.of(config, {})
        self._boxes = {row.id: row for row in tx.mailboxes.all()}
        self._seen_until: dict[str | None, datetime | None] = {row.id: row.seen_until for row in self._boxes.values()}
        self._seen_away: dict[str, list[Stretch]] = {}
        for row in tx.absences.between(datetime.min.replace(tzinfo=UTC), period.end):
            self._seen_away.setdefault(row.person, []).append((row.since, row.until))
        self._unread: dict[str | None, list[Stretch]] = {}
        for out in tx.health.outages(datetime.min.replace(tzinfo=UTC), period.end):
            self._unread.setdefault(out.mailbox, []).append((out.since, out.until or period.end))

    def story(self, team: str) -> Story:
        period, config = self._period, self._config
        begun = self._waits.begun(period.start, period.end)
        failed = self._waits.first_contacts(period.start, period.end)
        left_over, left_over_count = self._left_over(team)
        return Story(
            period=period,
            cases=tuple(self._cases([row for row in begun if row.metric.is_reply and row.of_sales])),
            left_over=tuple(self._cases(left_over)),
            left_over_count=left_over_count,
            follow_ups=tuple(self._cases([row for row in begun if row.metric == "follow_up" and row.of_sales])),
            failed_contacts=tuple((row.owner or "", row.resolved_at is not None) for row in failed),
            verified={
                name: share
                for name, share in self._tx.health.verified(period.start, period.end).items()
                if name in config.mailboxes
            },
            coverage={name: row.coverage for name, row in self._boxes.items() if name in config.mailboxes},
            names={id_: clean(person.name, 60) or id_ for id_, person in config.people.items()},
            teams=teams_of_people(config.teams.values()),
            team_names=frozenset(map(str, config.teams)),
            board=config.web.url,
            goal=config.goal,
        )

    def replies(self) -> tuple[ReportedWait, ...]:
        """The waits that began in the period, without follow-ups and without the buyers: they are counted only."""
        begun = self._waits.begun(self._period.start, self._period.end)
        return tuple(self._cases([row for row in begun if row.metric.is_reply and row.of_sales], Detail.CLOCK))

    def _left_over(self, team: str) -> tuple[Sequence[ClockRecord], int]:
        """Those that are listed of all, or of those of a team's people, and how many there are."""
        start, end = self._period.start, self._period.end
        if not team:
            return self._waits.left_over(start, end, LISTED), self._waits.left_over_count(start, end)
        rows, teams = self._waits.left_over(start, end), teams_of_people(self._config.teams.values())
        actions = self._waits.actions([one for row in rows for one in row.ids])
        waits = wait_views(self._tx, self._rules, rows, end, Detail.CLOCK)
        owners = [self._fate(wait, _of_wait(wait, actions))[2] for wait in waits]
        theirs = [row for row, owner in zip(rows, owners, strict=True) if teams.get(owner) == team]
        return theirs[:LISTED], len(theirs)

    def _cases(self, rows: Sequence[ClockRecord], detail: Detail = Detail.BUYER) -> Iterable[ReportedWait]:
        ids = [one for row in rows for one in row.ids]
        actions = self._waits.actions(ids)
        told: dict[str, list[NotifiedRecord]] = {}
        for one in self._tx.clocks.notifications(ids):
            if one.target and one.at <= self._period.end:
                told.setdefault(one.clock, []).append(one)
        for wait in wait_views(self._tx, self._rules, rows, self._period.end, detail):
            own = _of_wait(wait, actions)
            steps = [one for name in wait.ids for one in told.get(name, ())]
            case = replace(
                self._case(wait, own),
                handovers=_handovers(own, self._period.end),
                escalations=len({one.key for one in steps if one.reason != "warning"}),
                acknowledged_after=_acknowledged_after(own, wait.started_at, self._period.end),
            )
            if case.missed:
                case = replace(case, reasons=tuple(self._reasons(case, own, len(steps))))
            yield case

    def _case(self, wait: WaitView, actions: list[Action]) -> ReportedWait:
        end = self._period.end
        stopped, outcome, owner = self._fate(wait, actions)
        known = stopped or (self._read_until(wait) if outcome is Outcome.UNVERIFIED else end)
        known = max(known, wait.started_at)
        calendar = wait.sla.calendar if wait.sla else None
        wall = (known - wait.started_at).total_seconds()
        business = calendar.elapsed(wait.started_at, known).total_seconds() if calendar else wall
        over = outcome in ANSWERED
        return ReportedWait(
            wait=wait,
            stopped_at=stopped,
            outcome=outcome,
            cause="" if over else self._cause(wait, stopped, outcome),
            owner=owner,
            away=self.away(owner, wait.started_at, min(wait.due_at, stopped or wait.due_at)),
            wall=Length(wall, over),
            business=Length(business, over),
            zone=calendar.zone if calendar else self._period.zone,
        )

    def _fate(self, wait: WaitView, actions: list[Action]) -> tuple[datetime | None, Outcome, str]:
        """When it stopped, if it did by the end of the period; how it came out; whose it was."""
        end = self._period.end
        stopped = wait.stopped_at if wait.stopped_at is not None and wait.stopped_at <= end else None
        outcome = self._outcome(wait, stopped)
        owner = _owner_at(actions, wait.due_at if outcome in MISSED else stopped or end) or wait.owner or ""
        return stopped, outcome, owner

    def _outcome(self, wait: WaitView, stopped: datetime | None) -> Outcome:
        late = (stopped or self._period.end) > wait.due_at
        if stopped is not None:
            if wait.state is State.ANSWERED:
                return Outcome.LATE if late else Outcome.IN_TIME
            return Outcome.ENDED_LATE if late else Outcome.ENDED
        if wait.running and (wait.held or self._blind(wait)):
            return Outcome.UNVERIFIED
        return Outcome.OVERDUE if late else Outcome.OPEN

    def _blind(self, wait: WaitView) -> bool:
        """Its mailbox was last read before it fell due: an answer may be there. A mailbox of which only history was
        read has no such mark; its history was read to the end."""
        seen = self._seen_until.get(wait.mailbox)
        return seen is not None and seen < wait.due_at <= self._period.end

    def _read_until(self, wait: WaitView) -> datetime:
        seen = self._seen_until.get(wait.mailbox)
        return min(seen or wait.started_at, self._period.end)

    def _cause(self, wait: WaitView, stopped: datetime | None, outcome: Outcome) -> str:
        if stopped is not None:
            return str(wait.stop_reason or wait.state)
        if wait.acknowledged_until is not None and wait.acknowledged_until > self._period.end:
            return "acknowledged"
        if wait.snoozed_until is not None and wait.snoozed_until > self._period.end:
            return "snoozed"
        return outcome.value

    def away(self, person: str, start: datetime, end: datetime) -> bool:
        """Whether somebody was on leave or seen to be away at any time between two instants."""
        known = self._config.people.get(person)  # type: ignore[call-overload]  # a plain string from the store
        stretches = [*self._seen_away.get(person, ()), *(_leave(known) if known else ())]
        return any(since < end and until > start for since, until in stretches)

    def _reasons(self, case: ReportedWait, actions: list[Action], steps: int) -> Iterable[Delay]:
        wait, end = case.wait, case.stopped_at or self._period.end
        wall, business = case.wall.seconds, case.business.seconds
        if wall - business > max(3600.0, wall / 4) and business < _DAYS_WORK:
            yield Delay("off_hours", (wall - business) / wall)
        if case.away:
            yield Delay("owner_away")
        touching = [
            min(until, end) - max(since, wait.started_at)
            for since, until in self._unread.get(wait.mailbox, ())
            if since < end and until > wait.started_at
        ]
        unread = sum(touching, timedelta()).total_seconds()
        if unread > 60 and wall:
            yield Delay("unread", unread / wall)
        if moves := _handovers(actions, end):
            yield Delay("moved", moves)
        held = {action.kind for action in actions if action.at <= end}
        yield from (Delay(kind) for kind in ("acknowledged", "snoozed") if kind in held)
        if wait.reopened == "bounced":
            yield Delay("bounced")
        if wait.nudges:
            yield Delay("nudged", wait.nudges)
        if wait.first_sight:
            yield Delay("first_sight")
        elif not steps:
            yield Delay("untold")


def _of_wait(wait: WaitView, actions: Mapping[ClockId, list[Action]]) -> list[Action]:
    """All that was done on a wait, under whichever of its ids, in order."""
    own = [one for name in wait.ids for one in actions.get(name, ())]
    return sorted(own, key=lambda action: (action.at, action.serial))


def _handovers(actions: list[Action], until: datetime) -> int:
    """How often the owner was another than before, up to an instant."""
    given = [action.owner for action in actions if action.kind == "assigned" and action.owner and action.at <= until]
    return sum(one != other for one, other in pairwise(given))


def _acknowledged_after(actions: list[Action], start: datetime, until: datetime) -> float | None:
    said = [action.at for action in actions if action.kind == "acknowledged" and start <= action.at <= until]
    return (min(said) - start).total_seconds() if said else None


def _owner_at(actions: list[Action], at: datetime) -> str | None:
    """The owner in force at an instant; the first one owns it from its start."""
    given = [action for action in actions if action.kind == "assigned" and action.owner]
    before = [action for action in given if action.at <= at]
    chosen = before[-1] if before else next(iter(given), None)
    return str(chosen.owner) if chosen is not None else None


def _leave(person: Person) -> Iterable[Stretch]:
    """The leave of a person as instants; without a calendar its days are those of UTC."""
    for first, last in person.leave:
        end = datetime.combine(last + timedelta(days=1), time(), person.zone)
        yield datetime.combine(first, time(), person.zone), end
