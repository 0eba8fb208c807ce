"""A sales company's figures counted again, without the program: from what truly happened, minute by minute.

Nothing here is imported of `inboxwatch`: own business time (each minute asked of zoneinfo), own ladder, own medians.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.support.sales_company import BEGIN, LEAVE, OFFICES, REPS, SHARED, TEAMS, Event, SalesCompany, Story

MINUTE = timedelta(minutes=1)
FIRST, NEXT, AWAY = "first_response", "next_response", "away"
LEADS = {member: lead for members, lead in TEAMS.values() for member in members}
TEAM_OF = {person: team for team, (members, lead) in TEAMS.items() for person in (*members, lead)}


class Minutes:
    """An office's opening, as the number of open minutes before each minute since the company began."""

    def __init__(self, office: str, days: int) -> None:
        known, zone = OFFICES[office], ZoneInfo(OFFICES[office].zone)
        self.before = [0]
        for number in range(days * 24 * 60):
            local = (BEGIN + MINUTE * number).astimezone(zone)
            works = local.weekday() < 5 and local.date() != known.closed
            opened = works and any(start <= local.time() < end for start, end in known.spans)
            self.before.append(self.before[-1] + opened)

    def number(self, at: datetime) -> int:
        return int((at - BEGIN) / MINUTE)

    def between(self, start: datetime, end: datetime) -> int:
        return self.before[self.number(end)] - self.before[self.number(start)]

    def after(self, start: datetime, minutes: int) -> datetime:
        """The first instant by which so many minutes were open."""
        return BEGIN + MINUTE * bisect_left(self.before, self.before[self.number(start)] + minutes)

    def opening(self, at: datetime) -> datetime:
        """The next instant at which it is open."""
        number = self.number(at)
        while self.before[number + 1] == self.before[number]:
            number += 1
        return BEGIN + MINUTE * number

    def delivery(self, at: datetime) -> datetime:
        """When something may be told: while it is open, or as it closes."""
        number = self.number(at)
        return at if number and self.before[number] > self.before[number - 1] else self.opening(at)


@cache
def minutes_of(office: str, days: int) -> Minutes:
    return Minutes(office, days + 15)


@dataclass(slots=True)
class Wait:
    """One wait, as it is known at the end of all."""

    story: int
    metric: str
    box: str
    office: str
    start: datetime
    half: datetime
    due: datetime
    owner: str
    stop: datetime | None = None
    answered_by: str = ""
    """Empty: it ended otherwise, or not at all."""
    given: list[tuple[datetime, str]] = field(default_factory=list)
    """Who had it since when."""
    escalated: list[datetime] = field(default_factory=list)
    """When steps were told that were due at its due time or after it."""
    acknowledged: list[datetime] = field(default_factory=list)

    def had_it(self, at: datetime) -> str:
        return [who for since, who in self.given if since <= at][-1]


@dataclass(frozen=True, slots=True)
class Counted:
    """One wait as it stood at an instant, in the words of a report."""

    wait: Wait
    stop: datetime | None
    outcome: str
    owner: str
    away: bool
    business: float
    wall: float
    answered: bool
    handovers: int
    escalations: int
    acknowledged: float | None
    """Seconds."""
    by_colleague: bool

    @property
    def missed(self) -> bool:
        return self.outcome in ("late", "overdue", "ended late")


class Recount:
    """All waits of a company; with `lived` its deeds and ladders count, else it was read as history after its end."""

    def __init__(self, company: SalesCompany, *, lived: bool) -> None:
        self._company, self._lived = company, lived
        self.waits = [wait for story in company.stories for wait in self._waits(story)]

    def counted(self, start: datetime, end: datetime, team: str = "") -> list[Counted]:
        """The waits that began in a period as they stood at its end; of one team's people, or of all."""
        found = [self._at(wait, end) for wait in self.waits if start <= wait.start < end]
        return [one for one in found if not team or TEAM_OF.get(one.owner) == team]

    def left_over(self, start: datetime, end: datetime, team: str = "") -> int:
        """How many waits from before a period were open at its end."""
        open_then = [wait for wait in self.waits if wait.start < start and (wait.stop is None or wait.stop > end)]
        return sum(not team or TEAM_OF.get(self._at(wait, end).owner) == team for wait in open_then)

    def follow_ups(self, start: datetime, end: datetime) -> tuple[int, int, int]:
        """Of those that began in a period: the buyer had answered by its end; we wrote again, or called; still open."""
        ends = [
            stop for story in self._company.stories for began, stop in self._silences(story) if start <= began < end
        ]
        over = [how for stop in ends if stop is not None for at, how in (stop,) if at <= end]
        answered = sum(how == "asks" for how in over)
        return answered, len(over) - answered, len(ends) - len(over)

    # What happened.

    def _silences(self, story: Story) -> Iterator[tuple[datetime, tuple[datetime, str] | None]]:
        """Since when ours was the last word, and what ended that."""
        began: datetime | None = None
        for event in self._events(story):
            ends = event.what in ("asks", "called") or (event.what == "answers" and not self._lost(event))
            if began is not None and ends:
                yield began, (event.at, event.what)
                began = None
            if event.what == "answers" and not self._lost(event):
                began = event.at
        if began is not None:
            yield began, None

    def _events(self, story: Story) -> list[Event]:
        """A story's events and the calls to its buyer, whose every wait they end."""
        others = [one for one in self._company.stories if one.lead == story.lead and one is not story]
        calls = [event for one in others for event in one.events if event.what == "called"]
        known = [event for event in (*story.events, *calls) if event.at < self._company.end]
        deeds = ("acknowledged", "assigned", "dismissed", "called")
        return sorted((one for one in known if self._lived or one.what not in deeds), key=lambda one: one.at)

    def _waits(self, story: Story) -> Iterator[Wait]:
        events, answered = self._events(story), False
        opened: Wait | None = None
        for event in events:
            if event.what == "asks" and opened is None:
                opened = self._opened(story, NEXT if answered else FIRST, event)
            elif opened is not None and event.what == "answers" and not self._lost(event):
                answered, opened.stop, opened.answered_by = True, event.at, event.who
            elif opened is not None and event.what in ("dismissed", "called"):
                opened.stop = event.at
            if opened is not None and opened.stop is not None:
                self._live(opened, events)
                yield opened
                opened = None
        if opened is not None:
            self._live(opened, events)
            yield opened

    def _lost(self, event: Event) -> bool:
        """Whether it was known in the company's time that an answer never arrived."""
        return event.lost_at is not None and event.lost_at < self._company.end

    def _opened(self, story: Story, metric: str, event: Event) -> Wait:
        office = "london" if event.mailbox == SHARED else REPS[event.mailbox]
        minutes = {FIRST: 120, NEXT: 240}[metric]
        if event.mailbox == SHARED:  # three and six hours that elapse
            half, due = (event.at + MINUTE * part for part in (minutes * 3 // 4, minutes * 3 // 2))
        else:
            half, due = (self._hours(office).after(event.at, part) for part in (minutes // 2, minutes))
        return Wait(story.number, metric, event.mailbox, office, event.at, half, due, story.owner)

    def _hours(self, office: str) -> Minutes:
        return minutes_of(office, self._company.days)

    # Who had it, and what was told.

    def _live(self, wait: Wait, events: Iterable[Event]) -> None:
        # History is told to whoever would have had it then; what is open still, to whoever is there today.
        known_at = wait.start if self._lived or wait.stop is not None else self._company.end
        wait.given.append((wait.start, self._routed(wait, known_at)))
        if self._lived:
            _Ladder(wait, self._hours(wait.office)).climb(events, wait.stop or self._company.end + MINUTE)

    def _routed(self, wait: Wait, at: datetime) -> str:
        """The lead's owner, but for who is on leave then, or at work neither before it is due nor within the hour."""
        opens = self._hours(wait.office).opening(at)
        works = self._hours(REPS[wait.owner]).opening(opens)
        late = works > max(wait.due, opens + 60 * MINUTE)
        return "boss" if late or on_leave(wait.owner, opens) else wait.owner

    # How it stood.

    def _at(self, wait: Wait, end: datetime) -> Counted:
        stop = wait.stop if wait.stop is not None and wait.stop <= end else None
        late = (stop or end) > wait.due
        if stop is None:
            outcome = "overdue" if late else "open"
        elif wait.answered_by:
            outcome = "late" if late else "in time"
        else:
            outcome = "ended late" if late else "ended"
        owner = wait.had_it(wait.due if outcome in ("late", "overdue", "ended late") else stop or end)
        answered = outcome in ("in time", "late")
        said = [at for at in wait.acknowledged if at <= end]
        given = [who for at, who in wait.given if at <= end]
        return Counted(
            wait=wait,
            stop=stop,
            outcome=outcome,
            owner=owner,
            away=away_between(owner, wait.start, min(wait.due, stop or wait.due)),
            business=60.0 * self._hours(wait.office).between(wait.start, stop or end),
            wall=((stop or end) - wait.start).total_seconds(),
            answered=answered,
            handovers=sum(one != other for one, other in pairwise(given)),
            escalations=sum(at <= end for at in wait.escalated),
            acknowledged=(min(said) - wait.start).total_seconds() if said else None,
            by_colleague=answered and wait.answered_by != owner,
        )


class _Ladder:
    """The steps of one wait: half of the target, all of it, two hours later (the lead gets it), and two repeats."""

    def __init__(self, wait: Wait, hours: Minutes) -> None:
        self._wait, self._hours = wait, hours
        self._holds: list[tuple[datetime, datetime]] = []
        self._routed = True
        moved = hours.after(wait.due, 120)
        again = hours.after(moved, 240)
        self._steps = [wait.half, wait.due, moved, again, hours.after(again, 240)]
        self._told = -1

    def climb(self, events: Iterable[Event], end: datetime) -> None:
        """Until just before `end`, what happens in a minute before what is told in it."""
        wait = self._wait
        coming = [event for event in events if wait.start < event.at < end]
        while (at := self._next(coming)) is not None and at < end:
            while coming and coming[0].at == at:
                self._happens(coming.pop(0))
            if self._routed and on_leave(self._owner, self._hours.opening(at)):
                self._give(at, "boss")
            self._tell(at)

    @property
    def _owner(self) -> str:
        return self._wait.given[-1][1]

    def _next(self, coming: Sequence[Event]) -> datetime | None:
        last = self._wait.given[-1][0]
        found = [self._told_at(number) for number in range(self._told + 1, len(self._steps))]
        found += [event.at for event in coming[:1]]
        if self._routed and self._owner in LEAVE:
            begins = datetime.combine(LEAVE[self._owner][0], time(), zone_of(self._owner)).astimezone(UTC)
            found += [begins] if begins > last else []
        return min(found, default=None)

    def _happens(self, event: Event) -> None:
        wait = self._wait
        if event.what == "acknowledged":
            wait.acknowledged.append(event.at)
            self._holds.append((event.at, event.at + 90 * MINUTE))
            self._give(event.at, event.who)
        elif event.what == "assigned":
            self._give(event.at, event.owner)
        elif event.lost_at is not None:
            self._holds.append((event.at, event.lost_at))

    def _told_at(self, number: int) -> datetime:
        at = self._held(self._steps[number])
        return self._held(self._hours.delivery(at))

    def _held(self, at: datetime) -> datetime:
        while (end := max((end for start, end in self._holds if start <= at < end), default=None)) is not None:
            at = end
        return at

    def _tell(self, at: datetime) -> None:
        due = [number for number in range(self._told + 1, len(self._steps)) if self._told_at(number) <= at]
        if not due:
            return
        self._told = due[-1]
        if due[-1] > 0:
            self._wait.escalated.append(at)
        if 2 in due:
            lead = LEADS.get(self._owner, "boss") if self._wait.box != SHARED else TEAMS["uk"][1]
            if lead != self._owner:
                self._give(at, lead)

    def _give(self, at: datetime, who: str) -> None:
        self._routed = False
        self._wait.given.append((at, who))


def zone_of(person: str) -> ZoneInfo:
    return ZoneInfo(OFFICES[REPS[person]].zone)


def on_leave(person: str, at: datetime) -> bool:
    first, last = LEAVE.get(person, (date.max, date.min))
    return person in LEAVE and first <= at.astimezone(zone_of(person)).date() <= last


def away_between(person: str, start: datetime, end: datetime) -> bool:
    """Whether somebody was on leave at any time between two instants."""
    if person not in LEAVE:
        return False
    first, last = LEAVE[person]
    begins = datetime.combine(first, time(), zone_of(person))
    return begins < end and datetime.combine(last + timedelta(days=1), time(), zone_of(person)) > start


def share_on_time(waits: Iterable[Counted]) -> Fraction | None:
    known = list(waits)
    in_time, missed = sum(one.outcome == "in time" for one in known), sum(one.missed for one in known)
    return Fraction(in_time, in_time + missed) if in_time + missed else None


def time_until(waits: Iterable[Counted], share: Fraction, *, business: bool) -> float | None:
    """By when that share was answered: the product-limit estimate, in fractions. Open waits count as long as seen."""
    lengths = [(one.business if business else one.wall, one.answered) for one in waits]
    left = Fraction(1)
    for at in sorted({length for length, _ in lengths}):
        at_risk = sum(length >= at for length, _ in lengths)
        ended = sum(length == at and answered for length, answered in lengths)
        left *= 1 - Fraction(ended, at_risk)
        if ended and left <= 1 - share:
            return at
    return None


def middle(values: Iterable[float]) -> float | None:
    """The smaller of the two in the middle."""
    known = sorted(values)
    return known[(len(known) - 1) // 2] if known else None
