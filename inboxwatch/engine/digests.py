"""The daily digest: to each person, and of each team to its lead, when the reader's calendar opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.policy import Metric, place_in_lists
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import person_name, wait_views
from inboxwatch.notify import NoticeType, NoticeWait, messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import DigestMark, DigestsBeganMark
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import Wording

OPENS = time(8, tzinfo=UTC)
"""The opening hour of those without a calendar."""
LATE = timedelta(hours=3)
"""How long after the opening a digest still leaves, as after a restart."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DigestSubject:
    """Whom a digest is about, and who reads it."""

    reader: Person
    team: str | None = None

    @property
    def name(self) -> str:
        return f"team/{self.team}" if self.team else str(self.reader.id)


@dataclass(frozen=True, slots=True)
class _Days:
    """The days that a digest speaks of, in its reader's zone."""

    zone: tzinfo
    today: date
    before: date
    """The day on which the calendar opened last."""
    after: date
    """The day on which it opens next."""

    @classmethod
    def of(cls, person: Person, today: date) -> _Days:
        if person.calendar is None:
            return cls(UTC, today, today - _DAY, today + _DAY)
        zone, opens = person.calendar.zone, person.calendar.next_open
        after = opens(_midnight(today + _DAY, zone)).astimezone(zone).date()
        earlier = (today - _DAY * days for days in range(1, 15))
        before = next(
            (day for day in earlier if opens(_midnight(day, zone)).astimezone(zone).date() == day), today - _DAY
        )
        return cls(zone, today, before, after)

    def start(self, day: date) -> datetime:
        return _midnight(day, self.zone)

    def called(self, day: date, words: Wording) -> str:
        return messages.day_name(day, self.today, words=words)


def enqueue_digests(tx: Transaction, rules: Rules, now: datetime) -> int:
    """Enqueues the digests whose hour has come, each once a day however often it is called; returns how many."""
    if not rules.config.daily_digests:
        return 0
    began = tx.marks.get(DigestsBeganMark())
    if began is None:
        # What opened before the first start of all is no news.
        tx.marks.set(DigestsBeganMark(), now)
        return 0
    decided = tx.marks.all(DigestMark)
    new, people = 0, roster(tx, rules, now)
    for subject in _subjects(rules):
        opens_at, day = _opening(subject.reader, now)
        known = decided.get(subject.name) == date.fromisoformat(day)
        if not opens_at <= now < opens_at + LATE or opens_at < began or known:
            continue
        if people.absence(subject.reader.id, now):
            continue
        tx.marks.set(DigestMark(subject.name), date.fromisoformat(day))
        about = {"team": subject.team} if subject.team else {"person": str(subject.reader.id)}
        if Daily(tx, rules, now).write(about, day) is not None:
            key = f"daily/{day}/{subject.name}"
            body = {"daily": about, "day": day}
            digest = rules.notices.notice(NoticeType.DIGEST, key, [subject.reader.id], now, **body)
            new += tx.deliveries.enqueue(digest)
    return new


def _subjects(rules: Rules) -> Iterator[DigestSubject]:
    people = rules.config.people
    yield from (DigestSubject(person) for person in people.values())
    for name, team in rules.config.teams.items():
        if team.lead is not None:
            yield DigestSubject(people[team.lead], name)


def _opening(person: Person, now: datetime) -> tuple[datetime, str]:
    """When the reader's day begins (UTC; a later day's where today is closed), and the day's name for keys."""
    zone = person.zone
    today = now.astimezone(zone).date()
    if person.calendar is None:
        return datetime.combine(today, OPENS), today.isoformat()
    opens_at = person.calendar.next_open(_midnight(today, zone))
    return opens_at, opens_at.astimezone(zone).date().isoformat()


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


class Daily:
    """What one reader learns in the morning, as the store has it now."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime) -> None:
        self._rules = rules
        self._tx = tx
        self._now = now

    def write(self, about: dict[str, str], day: str) -> tuple[str, list[NoticeWait]] | None:
        """The title and the waits, each under its `section`; None where there is nothing to say.

        `about` names a person or a team.
        """
        config = self._rules.config
        team = config.teams.get(about.get("team", ""))
        reader = team.lead if team else about.get("person")
        if reader is None or reader not in config.people:
            return None
        owners = [str(member) for member in team.members] if team else [reader]
        days = _Days.of(config.people[PersonId(reader)], date.fromisoformat(day))
        rows = self._tx.clocks.concerning(owners, about.get("team"), days.start(days.before))
        words = self._rules.words_of(reader)
        sections = list(self._sections(rows, days, words, by_person=team is not None))
        if not sections:
            return None
        waits = [(heading, row) for heading, found in sections for row in found]
        views = wait_views(self._tx, self._rules, [row for _, row in waits], self._now)
        shown = [NoticeWait(view, section=heading) for (heading, _), view in zip(waits, views, strict=True)]
        running = [view for view in views if view.running]
        late = sum(view.overdue for view in running if view.is_reply)
        follow_ups = sum(view.follow_up for view in running)
        title = messages.digest_title(
            team=messages.team_name(about["team"], words=words) if team else "",
            day=days.today,
            overdue=late,
            due=sum(view.is_reply for view in running) - late,
            follow_ups=follow_ups,
            to_judge=sum(view.is_verdict for view in running),
            words=words,
        )
        return title, shown

    def _sections(
        self, rows: Sequence[ClockRecord], days: _Days, words: Wording, *, by_person: bool
    ) -> Iterator[tuple[str, list[ClockRecord]]]:
        """Headings with their counts, and the clocks under each; empty ones are left out."""
        verdicts = [row for row in rows if row.state == "running" and row.metric is Metric.VERDICT]
        yield from _section(words.say(messages.heading(Metric.VERDICT)), verdicts, lambda row: True)
        waits = [row for row in rows if row.state == "running" and row.metric.is_reply]
        today = days.start(days.today)
        yield from _section(words.say(messages.OVERDUE), waits, lambda row: row.due_at <= self._now)
        yield from _section(words.say(messages.OPEN), waits, lambda row: row.due_at > self._now)
        over = [row for row in rows if row.state != "running" and row.metric.is_reply]
        label = messages.breached(days.before, days.today, words=words)
        yield from _section(label, over, lambda row: row.breached_at is not None and row.breached_at < today)
        follow_ups = [row for row in rows if row.state == "running" and row.metric is Metric.FOLLOW_UP]
        ends = today + _DAY, days.start(days.after + _DAY)
        for day, since, until in ((days.today, None, ends[0]), (days.after, ends[0], ends[1])):
            due = [row for row in follow_ups if (since is None or since <= row.due_at) and row.due_at < until]
            for owner in dict.fromkeys(row.owner for row in due) if by_person else [None]:
                name = person_name(self._rules, owner) or owner or ""
                label = messages.follow_ups(owner=name, day=days.called(day, words), words=words)
                own = [row for row in due if owner is None or row.owner == owner]
                yield from _section(label, own, lambda row: True)


def _section(
    label: str, rows: Sequence[ClockRecord], wanted: Callable[[ClockRecord], bool]
) -> Iterator[tuple[str, list[ClockRecord]]]:
    found = sorted(filter(wanted, rows), key=lambda row: (row.due_at, row.id))
    if found:
        yield messages.section(heading=label, count=len(found)), found


def first_sight(
    tx: Transaction, rules: Rules, mailbox: str, clocks: Sequence[str], now: datetime, words: Wording
) -> tuple[str, list[NoticeWait]] | None:
    """The title and the waits of the digest after a first reading: what is still open and late, verdicts, replies and
    follow-ups apart, the longest overdue first; None where nothing is.
    """
    known = {row.id: row for row in map(tx.clocks.get, clocks) if row is not None}
    rows = sorted(known.values(), key=lambda row: (*place_in_lists(row.metric), row.due_at, row.id))
    rows = [row for row in rows if row.state == "running" and row.due_at <= now]
    if not rows:
        return None
    counts = Counter(messages.heading(row.metric) for row in rows)
    shown = [
        NoticeWait(view, section=messages.section(heading=words.say(heading), count=counts[heading]))
        for view in wait_views(tx, rules, rows, now)
        for heading in (messages.heading(view.metric),)
    ]
    title = messages.overdue_at_first_sight(
        replies=sum(row.metric.is_reply for row in rows),
        follow_ups=sum(row.metric is Metric.FOLLOW_UP for row in rows),
        verdicts=sum(row.metric is Metric.VERDICT for row in rows),
        mailbox=mailbox,
        words=words,
    )
    return title, shown
