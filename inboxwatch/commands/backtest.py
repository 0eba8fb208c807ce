"""What a policy would have done with the mail of an archive: clocks, owners and steps, in virtual time."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from inboxwatch.commands.deeds import DeedContext, Deeds, PlacedDeed, applied, problem_lines
from inboxwatch.commands.deeds import read as read_deeds
from inboxwatch.commands.leads import listed_leads
from inboxwatch.commands.replay import message_line, problem_line, read_all
from inboxwatch.commands.replay_setting import setting_of, us_of
from inboxwatch.commands.terminal import progress
from inboxwatch.config import reply_rules as meanings
from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import UnknownSenders, leads_of_all
from inboxwatch.core.model import Direction, Kind, MailboxId, Message, MessageId, PersonId, ThreadId
from inboxwatch.core.ownership.advance import EVERYTHING, Advance, advance, assignment_at
from inboxwatch.core.qualification.decision import Decision, Qualifier
from inboxwatch.core.qualification.inquiry import Inquiry
from inboxwatch.core.sla.clock import Clock, State, Wait
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.meetings import accepted, answered_by_us, booked
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.absences import author, away_until
from inboxwatch.engine.filing import inquiry_of, mail_of, mailbox_of
from inboxwatch.engine.rule_context import RuleContext, Setting

if TYPE_CHECKING:
    from inboxwatch.config import Config


class _When(IntEnum):
    """Order of what happens at one instant: mail is known before anything is told."""

    STOP = 0
    AWAY = 1
    START = 2
    DEED = 3
    WAKE = 4


@dataclass(slots=True)
class _Course:
    """One clock on its way through virtual time."""

    clock: Clock
    actions: list[Action] = field(default_factory=list)
    notified: set[StepKey] = field(default_factory=set)
    owner: PersonId | None = None
    wait: _Course | None = None
    """Of a verdict that is awaited: the wait, whose owner and actions are its own."""

    @property
    def main(self) -> _Course:
        return self.wait or self

    def at(self, now: datetime) -> Clock:
        """The clock as it looked at an instant before its stop."""
        return replace(
            self.clock.under(now),
            state=State.RUNNING,
            stop_reason=None,
            stopped_by=None,
            stopped_at=None,
            answered_by=None,
            actions=tuple(self.main.actions),
        )

    def over(self, now: datetime) -> bool:
        return self.clock.stopped_at is not None and self.clock.stopped_at <= now

    @property
    def opens_at(self) -> datetime:
        """When it was first owed: later than its start where a person took a filter back."""
        start = self.clock.started_at
        return next((one.end for one in self.clock.holds if one.why == FILTERED and one.start == start), start)


class BackTest:
    """Replays entries under a setting (a config, or one made of `--us`)."""

    def __init__(  # six parameters: the config, the leads, and the mail and deeds of a time
        self,
        setting: Setting,
        directory: Directory,
        entries: Iterable[Entry],
        as_of: datetime,
        deeds: Sequence[PlacedDeed] = (),
    ) -> None:
        self._setting = setting
        self._qualification = setting.qualification
        self._directory = directory
        self._context = RuleContext(setting)
        self._leads = directory.leads
        self._as_of = as_of
        self._entries = list(entries)
        self._away: dict[PersonId, tuple[datetime, datetime]] = {}
        self._load: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._mails = self._timeline()
        read = [mail for mails in self._mails.values() for mail in mails]
        self._meetings = [*accepted(read), *answered_by_us(read), *booked(read)]
        self._strangers = {lead.id for lead in directory.leads.values() if lead.provisional}
        self._deeds = self._applied([one for one in deeds if one.deed.at <= as_of])
        self.classes: dict[MessageId, Decision] = {}
        """What each inquiry was as it came."""
        self._courses = _with_verdicts([_Course(one) for thread in self._mails for one in self._last_fold(thread)])
        self._escalations: list[dict[str, Any]] = []
        self._play()

    def mailbox(self, entry: Entry) -> MailboxId | None:
        """The first configured mailbox among a message's recipients or sender."""
        return mailbox_of(entry.message, self._context.addresses)

    def clock_lines(self) -> Iterator[dict[str, Any]]:
        """The `clock` objects of contract section 5, in the order of their starts."""
        for course in sorted(self._courses, key=lambda one: (one.clock.started_at, one.clock.id)):
            yield _line(course, self._as_of) | (_told(course) if self._qualification is not None else {})

    def escalation_lines(self) -> Iterator[dict[str, Any]]:
        """The `escalation` objects of contract section 5, in the order of time."""
        return iter(self._escalations)

    def inquiry(self, entry: Entry) -> Inquiry | None:
        """What a buyer's message tells by itself, where the config asks for it."""
        if not entry.verdict.owes_reply:
            return None
        return inquiry_of(entry, self._setting.us, self._qualification)

    def class_words(self, entry: Entry) -> dict[str, str | None]:
        """What qualification adds to a `message` object: the class as first decided, and the rule that fits."""
        if self._qualification is None:
            return {}
        inquiry, decision = self.inquiry(entry), self.classes.get(entry.message.id)
        rule = inquiry.rule if inquiry is not None and decision is not None else ""
        return {"class": decision.gives if decision is not None else None, "class_rule": rule or None}

    def problems(self) -> list[tuple[str, str]]:
        """(place, reason) of deeds that fit nothing."""
        return self._deeds.problems

    def _timeline(self) -> dict[ThreadId, list[Mail]]:
        threads: dict[ThreadId, list[Mail]] = {}
        for entry in self._entries:
            if entry.direction is not Direction.INTERNAL:
                mail = mail_of(entry, self._directory, self.mailbox(entry))
                threads.setdefault(entry.match.thread, []).append(replace(mail, inquiry=self.inquiry(entry)))
        return threads

    def _applied(self, deeds: Sequence[PlacedDeed]) -> Deeds:
        mails = {mail.id: (thread, mail) for thread, mails in self._mails.items() for mail in mails}
        classes = self._qualification.classes if self._qualification is not None else ()
        return applied(deeds, DeedContext(self._setting.people, classes, mails, self._known_at))

    def _known_at(self, thread: ThreadId, now: datetime, deeds: Deeds) -> Sequence[Clock]:
        """The clocks of a thread as an instant knows it: with the deeds so far."""
        mails = [mail for mail in self._mails[thread] if mail.at <= now]
        return self._replay(thread, deeds).clocks(
            [*mails, *(one for one in self._meetings if one.at <= now), *_of(deeds, thread)]
        )

    def _last_fold(self, thread: ThreadId) -> Sequence[Clock]:
        fold = self._replay(thread, self._deeds)
        clocks = fold.clocks([*self._mails[thread], *self._meetings, *_of(self._deeds, thread)])
        self.classes |= fold.classes
        return clocks

    def _replay(self, thread: ThreadId, deeds: Deeds) -> Replay:
        qualifier = None
        if self._qualification is not None:
            qualifier = Qualifier(self._qualification, self._directory.leads, deeds.said, self._directory.is_free_mail)
        return Replay(thread, self._policy, self._setting.stop_conditions, self._strangers, qualifier)

    def _policy(self, wait: Wait) -> SLAPolicy | None:
        return self._context.policy(wait, self._leads)

    def _play(self) -> None:
        queue: list[tuple[datetime, _When, int, Any]] = []
        serial = 0

        def put(at: datetime, when: _When, what: Any) -> None:
            nonlocal serial
            serial += 1
            heapq.heappush(queue, (at, when, serial, what))

        for course in sorted(self._courses, key=lambda one: (one.clock.started_at, one.wait is not None, one.clock.id)):
            if course.clock.never_owed:
                continue  # owed by nobody from its start on
            put(course.opens_at, _When.START, course)
            for action in course.clock.actions if course.wait is None else ():
                if action.kind in (ActionKind.ASSIGNED, ActionKind.ACKNOWLEDGED, ActionKind.QUALIFIED):
                    put(action.at, _When.DEED, (course, action))
            for term in course.clock.terms[1:]:
                put(term.since, _When.WAKE, course)
            if course.clock.stopped_at is not None:
                put(course.clock.stopped_at, _When.STOP, course)
        for entry in self._entries:
            if author(entry, self._setting.us) is not None:
                put(entry.message.received_at, _When.AWAY, entry)
        while queue and queue[0][0] <= self._as_of:
            now, when, _, what = heapq.heappop(queue)
            if when is _When.STOP:
                if what.owner is not None and what.wait is None:
                    self._load[what.owner] -= 1
            elif when is _When.AWAY:
                for course in self._absence(what):
                    put(now, _When.WAKE, course)
            elif when is _When.START:
                self._start(what, now)
                if not what.over(now):
                    put(now, _When.WAKE, what)
            elif when is _When.DEED:
                course, action = what
                if not course.over(now):
                    course.actions.append(action)
                    put(now, _When.WAKE, course)
            elif not what.over(now):
                wake_at = self._wake(what, now)
                if wake_at is not None and wake_at > now:
                    put(wake_at, _When.WAKE, what)

    def _start(self, course: _Course, now: datetime) -> None:
        self._own(course, self._advance(course, EVERYTHING, now))

    def _wake(self, course: _Course, now: datetime) -> datetime | None:
        clock, moved = course.at(now), self._advance(course, frozenset(course.notified), now)
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
                | ({} if self._qualification is None else {"policy": clock.policy.escalation.name})
            )
        self._own(course, moved)
        return moved.wake_at

    def _advance(self, course: _Course, notified: frozenset[StepKey], now: datetime) -> Advance:
        roster = self._context.roster(self._away, self._load.__getitem__, self._turns.__getitem__)
        clock = course.at(now)
        return advance(clock, self._context.case(clock, self._leads), roster, notified, now)

    def _own(self, course: _Course, moved: Advance) -> None:
        course = course.main
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
            return [one for one in self._courses if one.main.owner == person and not one.over(at)]
        if entry.verdict.kind is Kind.HUMAN:
            self._away.pop(person, None)
        return []


def _line(course: _Course, now: datetime) -> dict[str, Any]:
    clock, actions = course.clock, course.main.actions
    if course.wait is not None and clock.stopped_at is not None:
        actions = [one for one in actions if one.at < clock.stopped_at]  # whose it was just before the verdict
    held = assignment_at(actions, clock.stopped_at)
    return {
        "type": "clock",
        "id": clock.id,
        "thread": clock.thread,
        "lead": clock.lead,
        "metric": clock.metric.value,
        "owner": held.owner if held else course.main.owner,
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


def _told(course: _Course) -> dict[str, Any]:
    """What qualification adds to a `clock` object."""
    clock = course.clock
    qualified = clock.qualified
    return {
        "policy": clock.policy.name,
        "tier": qualified.worth.tier if qualified else None,
        "score": qualified.worth.points if qualified else None,
        "class": qualified.decision.gives if qualified else None,
        "class_by": qualified.decision.by if qualified else None,
        "reopened": clock.reopened,
        "contradicted": clock.contradicted,
    }


def _of(deeds: Deeds, thread: ThreadId) -> list[Action]:
    return [*deeds.actions.get(thread, ()), *deeds.everywhere]


def _with_verdicts(courses: list[_Course]) -> list[_Course]:
    """The courses, those of verdicts beside the waits that await them."""
    waits = {(one.clock.thread, one.clock.started_by): one for one in courses if one.clock.metric.is_reply}
    for one in courses:
        if one.clock.metric is Metric.VERDICT:
            one.wait = waits[one.clock.thread, one.clock.started_by]
    return courses


def run_replay(  # seven parameters: what is read, how, under what, and where it is printed
    paths: list[Path],
    config: Config | None,
    us: list[str],
    as_of: datetime | None,
    out: TextIO,
    *,
    text: bool = True,
    deeds: Path | None = None,
) -> None:
    """The command: prints messages, problems, clocks and escalations. Raises OSError where a path cannot be opened.

    `text` False reads headers and machine parts only; `deeds` is a file of what people did.
    """
    done, refused = read_deeds(deeds) if deeds is not None else ([], [])
    for path in paths:
        with path.open("rb") if path.is_file() else nullcontext(path.stat()):
            pass
    ours = us_of(us)
    directory = Directory(listed_leads(config) if config else (), free_mail())
    rules = config.meanings if config else meanings.load()
    intake = Intake(config.us if config else ours, directory, ThreadIndex(), _makes_lead(config), rules)
    with _progress() as advance_bar:
        timeline = read_all(_shown(paths, advance_bar), intake, as_of, text)
    setting = config or setting_of(ours, timeline.entries)
    known = [*(entry.message.received_at for entry in timeline.entries), *(one.deed.at for one in done)]
    end = as_of or max(known, default=datetime.min.replace(tzinfo=UTC))
    test = BackTest(setting, directory, timeline.entries, end, done)
    configured = config is not None
    lines = chain(
        (
            message_line(path, entry, test.mailbox(entry) if configured else None) | test.class_words(entry)
            for path, entry in timeline.sightings
        ),
        (problem_line(problem) for problem in timeline.problems),
        problem_lines([*refused, *test.problems()]),
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
