"""What the store still names and the config no longer does: listed before it moves, then moved and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.routing import Window
from inboxwatch.core.sla.policy import Metric
from inboxwatch.engine.assignment_reasons import in_words
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.qualifiers import qualified_of
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, alarm_messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import AlarmMark
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import ENGLISH, Wording

MARK = "departed/"
"""Begins the names of what stays gone, and is not told at each start."""
ROLES = frozenset({"owner", "manager", "fallback", "team_lead"})
"""Targets that are nobody's name."""


class Named(StrEnum):
    """What a config names."""

    PERSON = "person"
    MAILBOX = "mailbox"
    TARGET = "person or channel"


@dataclass(frozen=True, slots=True)
class Moved:
    """An open wait whose owner is gone."""

    clock: str
    owner: PersonId
    """Whose it becomes."""
    reason: str


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that open waits still need, and the config does not name."""

    kind: Named
    name: str
    clocks: tuple[str, ...]
    """The open waits that it concerns, by id."""
    moved: tuple[Moved, ...] = ()
    fallback: PersonId | None = None
    """Who is told instead of a target."""

    def __str__(self) -> str:
        return self.told(ENGLISH)

    def told(self, words: Wording) -> str:
        """What is gone and what becomes of its waits, in a sentence."""
        if self.kind is Named.PERSON:
            to = [(one.clock, one.owner) for one in self.moved]
            return alarm_messages.person_gone(person=self.name, moved=to, words=words)
        if self.kind is Named.MAILBOX:
            return alarm_messages.mailbox_gone(mailbox=self.name, clocks=self.clocks, words=words)
        waits, fallback = len(self.clocks), str(self.fallback)
        return alarm_messages.target_gone(target=self.name, waits=waits, fallback=fallback, words=words)

    @property
    def mark(self) -> str:
        """The same whatever waits it concerns."""
        return f"{MARK}{self.kind.name.lower()}/{self.name}"

    @property
    def key(self) -> str:
        """The same for the same waits: two processes that start together tell of them once."""
        digest = blake2b("/".join(sorted(self.clocks)).encode(), digest_size=8)
        return f"{self.mark}/{digest.hexdigest()}"


def departures(tx: Transaction, rules: Rules, now: datetime) -> list[Departure]:
    """What open waits need that the config no longer names, and what becomes of them; changes nothing."""
    running = sorted(tx.clocks.running(), key=lambda row: (row.due_at, row.id))
    return [*_people(tx, rules, running, now), *_mailboxes(rules, running), *_targets(tx, rules, running)]


def settle_departures(tx: Transaction, rules: Rules, now: datetime) -> list[Departure]:
    """Gives the waits of people who are gone to whom routing names now, who hear of it as of any change of owner, and
    tells IT, once.
    """
    found = departures(tx, rules, now)
    moving = {one.clock for departure in found for one in departure.moved}
    threads = {row.thread for row in map(tx.clocks.get, sorted(moving)) if row is not None}
    evaluate(tx, rules, sorted(threads), Occasion(now))
    told = {name for name, since in tx.marks.all(AlarmMark).items() if since and name.startswith(MARK)}
    lasting = {departure.mark for departure in found if not departure.moved}
    for departure in found:
        if departure.mark not in told:
            _tell(tx, rules, departure, now)
    for mark in told ^ lasting:
        tx.marks.set(AlarmMark(mark), now if mark in lasting else None)
    return found


def _tell(tx: Transaction, rules: Rules, departure: Departure, now: datetime) -> None:
    told = rules.config.it_alerts
    body = {"title": departure.told(rules.words)}
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, departure.key, told, now, **body))


def _people(tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], now: datetime) -> Iterator[Departure]:
    people = rules.config.people
    # The clock of a verdict moves with the wait that awaits it.
    waits = (row for row in rows if row.metric is not Metric.VERDICT)
    orphans = [row for row in waits if row.owner is not None and row.owner not in people]
    if not orphans:
        return
    policies = policies_of(tx, rules, {row.policy_version for row in orphans})
    leads = tx.leads.get_many({row.lead for row in orphans})
    present = roster(tx, rules, now)
    for person in dict.fromkeys(row.owner for row in orphans):
        moved = []
        for row in orphans:
            if row.owner == person:
                calendar = (policies.get(row.policy_version) or rules.config.policies[-1]).calendar
                case = rules.context.case_of(row.lead, leads.get(row.lead), row.mailbox, qualified_of(row))
                given = present.assign(case, Window(calendar.next_open(now), row.due_at))
                moved.append(Moved(row.id, given.owner, _why(given.rule, in_words(given.reasons))))
        yield Departure(Named.PERSON, str(person), tuple(one.clock for one in moved), tuple(moved))


def _why(rule: str, reason: str) -> str:
    return f"{rule} ({reason})" if reason else rule


def _mailboxes(rules: Rules, rows: Iterable[ClockRecord]) -> Iterator[Departure]:
    gone: dict[str, list[str]] = {}
    for row in rows:
        if row.mailbox is not None and row.mailbox not in rules.config.mailboxes:
            gone.setdefault(row.mailbox, []).append(row.id)
    yield from (Departure(Named.MAILBOX, name, tuple(clocks)) for name, clocks in gone.items())


def _targets(tx: Transaction, rules: Rules, rows: Sequence[ClockRecord]) -> Iterator[Departure]:
    """Whom the ladders of older policies name."""
    policies = policies_of(tx, rules, {row.policy_version for row in rows})
    gone: dict[str, list[str]] = {}
    for row in rows:
        policy = policies.get(row.policy_version)
        steps = policy.escalation.steps if policy else ()
        named = {target for step in steps for target in step.notify} - ROLES
        for target in sorted(named):
            if not rules.notices.knows(target):
                gone.setdefault(target, []).append(row.id)
    fallback = rules.config.fallback
    yield from (Departure(Named.TARGET, name, tuple(ids), fallback=fallback) for name, ids in gone.items())
