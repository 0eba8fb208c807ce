"""What a policy would have done with the mail of an archive: clocks, owners and steps, in virtual time."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from inboxwatch.commands.leads import read_sources
from inboxwatch.commands.replay import message_line, problem_line, read_all
from inboxwatch.commands.terminal import progress
from inboxwatch.config import reply_rules as meanings
from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.intake import Entry, Intake, UnknownSenders, leads_of_all
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import Direction, Kind, MailboxId, Message, PersonId, ThreadId
from inboxwatch.core.ownership.advance import EVERYTHING, Advance, advance, assignment_at
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.ownership.routing import RoutingRule, ToMailboxOwner
from inboxwatch.core.sla.clock import Clock, Replay, State, Wait
from inboxwatch.core.sla.hours import ALWAYS
from inboxwatch.core.sla.meetings import accepted
from inboxwatch.core.sla.policy import Duration, EscalationPolicy, SLAPolicy, Step, StepTime
from inboxwatch.core.sla.timeline import Action, Mail
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.absences import author, away_until
from inboxwatch.engine.filing import mail_of, mailbox_of
from inboxwatch.engine.rule_context import RuleContext, Setting

if TYPE_CHECKING:
    from inboxwatch.config import Config


class _When(IntEnum):
    """Order of what happens at one instant: mail is known before anything is told."""

    STOP = 0
    AWAY = 1
    START = 2
    WAKE = 3


@dataclass(slots=True)
class _Course:
    """One clock on its way through virtual time."""

    clock: Clock
    actions: list[Action] = field(default_factory=list)
    notified: set[tuple[int, int]] = field(default_factory=set)
    owner: PersonId | None = None

    def at(self, now: datetime) -> Clock:
        """The clock as it looked at an instant before its stop."""
        return replace(
            self.clock,
            state=State.RUNNING,
            stop_reason=None,
            stopped_by=None,
            stopped_at=None,
            answered_by=None,
            actions=tuple(self.actions),
        )

    def over(self, now: datetime) -> bool:
        return self.clock.stopped_at is not None and self.clock.stopped_at <= now


class BackTest:
    """Replays entries under a setting (a config, or one made of `--us`)."""

    def __init__(self, setting: Setting, directory: Directory, entries: Iterable[Entry], as_of: datetime) -> None:
        self._setting = setting
        self._context = RuleContext(setting)
        self._leads = directory.leads
        self._as_of = as_of
        self._entries = list(entries)
        self._away: dict[PersonId, tuple[datetime, datetime]] = {}
        self._load: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._courses = [_Course(clock) for clock in self._fold(directory)]
        self._escalations: list[dict[str, Any]] = []
        self._play()

    def mailbox(self, entry: Entry) -> MailboxId | None:
        """The first configured mailbox among a message's recipients or sender."""
        return mailbox_of(entry.message, self._context.addresses)

    def clock_lines(self) -> Iterator[dict[str, Any]]:
        """The `clock` objects of contract section 5, in the order of their starts."""
        for course in sorted(self._courses, key=lambda one: (one.clock.started_at, one.clock.id)):
            yield _line(course, self._as_of)

    def escalation_lines(self) -> Iterator[dict[str, Any]]:
        """The `escalation` objects of contract section 5, in the order of time."""
        return iter(self._escalations)

    def _fold(self, directory: Directory) -> Iterator[Clock]:
        threads: dict[ThreadId, list[Mail]] = {}
        for entry in self._entries:
            if entry.direction is not Direction.INTERNAL:
                mail = mail_of(entry, directory, self.mailbox(entry))
                threads.setdefault(entry.match.thread, []).append(mail)
        strangers = {lead.id for lead in directory.leads.values() if lead.provisional}
        meetings = accepted(mail for mails in threads.values() for mail in mails)
        for thread, mails in threads.items():
            fold = Replay(thread, self._policy, self._setting.stop_conditions, strangers)
            yield from fold.clocks([*mails, *meetings])

    def _policy(self, wait: Wait) -> SLAPolicy | None:
        return self._context.policy(wait, self._leads)

    def _play(self) -> None:
        queue: list[tuple[datetime, _When, int, Any]] = []
        serial = 0

        def put(at: datetime, when: _When, what: Any) -> None:
            nonlocal serial
            serial += 1
            heapq.heappush(queue, (at, when, serial, what))

        for course in sorted(self._courses, key=lambda one: (one.clock.started_at, one.clock.id)):
            put(course.clock.started_at, _When.START, course)
            if course.clock.stopped_at is not None:
                put(course.clock.stopped_at, _When.STOP, course)
        for entry in self._entries:
            if author(entry, self._setting.us) is not None:
                put(entry.message.received_at, _When.AWAY, entry)
        while queue and queue[0][0] <= self._as_of:
            now, when, _, what = heapq.heappop(queue)
            if when is _When.STOP:
                if what.owner is not None:
                    self._load[what.owner] -= 1
            elif when is _When.AWAY:
                for course in self._absence(what):
                    put(now, _When.WAKE, course)
            elif when is _When.START:
                self._start(what, now)
                if not what.over(now):
                    put(now, _When.WAKE, what)
            elif not what.over(now):
                wake_at = self._wake(what, now)
                if wake_at is not None and wake_at > now:
                    put(wake_at, _When.WAKE, what)

    def _start(self, course: _Course, now: datetime) -> None:
        self._own(course, self._advance(course, EVERYTHING, now))

    def _wake(self, course: _Course, now: datetime) -> datetime | None:
        moved = self._advance(course, frozenset(course.notified), now)
        if (notification := moved.notification) is not None:
            step = notification.step
            course.notified |= {one.key for one in moved.passed} | {step.key}
            self._escalations.append(
                {
                    "type": "escalation",
                    "clock": course.clock.id,
                    "step": step.number,
                    "round": step.round,
                    "at": rfc3339(now),
                    "reason": step.reason.value,
                    "targets": list(notification.targets),
                }
            )
        self._own(course, moved)
        return moved.wake_at

    def _advance(self, course: _Course, notified: frozenset[tuple[int, int]], now: datetime) -> Advance:
        roster = self._context.roster(self._away, self._load.__getitem__, self._turns.__getitem__)
        clock = course.at(now)
        return advance(clock, self._context.case(clock, self._leads), roster, notified, now)

    def _own(self, course: _Course, moved: Advance) -> None:
        course.actions.extend(moved.assigned)
        self._turns.update(action.team for action in moved.assigned)
        if course.owner != moved.owner:
            if course.owner is not None:
                self._load[course.owner] -= 1
            self._load[moved.owner] += 1
            course.owner = moved.owner

    def _absence(self, entry: Entry) -> list[_Course]:
        """Notes that one of us is away or back; returns the waits that look for another owner."""
        person = author(entry, self._setting.us)
        at = entry.message.received_at
        if person is None:
            return []
        if entry.verdict.vacation:
            self._away[person] = (at, away_until(entry))
            return [one for one in self._courses if one.owner == person and not one.over(at)]
        if entry.verdict.kind is Kind.HUMAN:
            self._away.pop(person, None)
        return []


def _line(course: _Course, now: datetime) -> dict[str, Any]:
    clock = course.clock
    held = assignment_at(course.actions, clock.stopped_at)
    return {
        "type": "clock",
        "id": clock.id,
        "thread": clock.thread,
        "lead": clock.lead,
        "metric": clock.metric.value,
        "owner": held.owner if held else course.owner,
        "started_by": clock.started_by,
        "started_at": rfc3339(clock.started_at),
        "due_at": rfc3339(clock.due_at),
        "state": clock.state.value,
        "stop_reason": clock.stop_reason,
        "stopped_by": clock.stopped_by,
        "stopped_at": rfc3339(clock.stopped_at),
        "answered_by": clock.answered_by,
        "wall_seconds": clock.waited(now).total_seconds(),
        "business_seconds": clock.waited_business(now).total_seconds(),
        "breached": clock.breached(now),
    } | ({"flags": list(clock.flags)} if clock.flags else {})


def run_replay(
    paths: list[Path], config: Config | None, us: list[str], as_of: datetime | None, out: TextIO, *, text: bool = True
) -> None:
    """The command: prints messages, problems, clocks and escalations. Raises OSError where a path cannot be opened.

    `text` False reads headers and machine parts only.
    """
    for path in paths:
        with path.open("rb") if path.is_file() else nullcontext(path.stat()):
            pass
    ours = _us_of(us)
    lists = asyncio.run(read_sources(config)).values() if config else ()
    directory = Directory((row.lead for found in lists for row in found.rows), free_mail())
    rules = config.meanings if config else meanings.load()
    intake = Intake(config.us if config else ours, directory, ThreadIndex(), _makes_lead(config), rules)
    with _progress() as advance_bar:
        timeline = read_all(_shown(paths, advance_bar), intake, as_of, text)
    setting = config or setting_of(ours, timeline.entries)
    end = as_of or max(
        (entry.message.received_at for entry in timeline.entries), default=datetime.min.replace(tzinfo=UTC)
    )
    test = BackTest(setting, directory, timeline.entries, end)
    configured = config is not None
    lines = chain(
        (message_line(path, entry, test.mailbox(entry) if configured else None) for path, entry in timeline.sightings),
        (problem_line(problem) for problem in timeline.problems),
        test.clock_lines(),
        test.escalation_lines(),
    )
    for line in lines:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _makes_lead(config: Config | None) -> Callable[[Message], bool]:
    """Whose mail makes a provisional lead: with `shared` what came to a shared mailbox, as far as its headers tell."""
    if config is None:
        return leads_of_all
    unknown = UnknownSenders(config.unknown_senders)
    boxes = {box.address for box in config.mailboxes.values() if unknown.makes_leads(shared=box.team is not None)}
    return lambda message: unknown is UnknownSenders.ALWAYS or any(one.email in boxes for one in message.recipients)


def _us_of(words: Iterable[str]) -> Us:
    named = [word.strip().lower().removeprefix("@") for word in words]
    return Us(
        frozenset(word for word in named if "@" not in word),
        {word: PersonId(word) for word in named if "@" in word},
    )


@contextmanager
def _progress() -> Iterator[Callable[[Path], None]]:
    """A bar on a terminal; nothing where output is piped."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    with progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as bar:
        task = bar.add_task("reading")
        yield lambda path: bar.update(task, description=f"reading {path}")


def _shown(paths: Iterable[Path], show: Callable[[Path], None]) -> Iterator[Path]:
    for path in paths:
        show(path)
        yield path


@dataclass(frozen=True)
class _Address:
    """A mailbox of ours that is known by its address only, and owned by the person of that address."""

    address: str
    owner: str
    team: str | None = None


def setting_of(us: Us, entries: Iterable[Entry]) -> Setting:
    """The setting of `replay --us`: no people are configured, so each of our addresses stands for its person."""
    ours = dict.fromkeys(
        one.email
        for entry in entries
        for one in (*entry.message.recipients, entry.message.sender)
        if us.is_ours(one.email)
    )
    addresses = list(ours) or ["us"]
    four_hours = Duration(timedelta(hours=4))
    ladder = EscalationPolicy("default", (Step(StepTime(1.0), ("owner",)),), in_hours_only=False)
    policy = SLAPolicy("default", ALWAYS, four_hours, four_hours, ladder, version="default")
    return _Us(
        us=replace(us, addresses={**us.addresses, **{email: PersonId(email) for email in ours}}),
        people={PersonId(email): Person(PersonId(email), email, email) for email in addresses},
        teams={},
        mailboxes={MailboxId(email): _Address(email, email) for email in addresses},
        rules=(RoutingRule(ToMailboxOwner()),),
        fallback=PersonId(addresses[0]),
        policies=(policy,),
        stop_conditions=frozenset({"answered", "dismissed", "meeting_accepted", "opted_out"}),
    )


@dataclass(frozen=True)
class _Us:
    us: Us
    people: Mapping[PersonId, Any]
    teams: Mapping[str, Any]
    mailboxes: Mapping[MailboxId, Any]
    rules: tuple[Any, ...]
    fallback: PersonId
    policies: tuple[SLAPolicy, ...]
    stop_conditions: frozenset[str]
