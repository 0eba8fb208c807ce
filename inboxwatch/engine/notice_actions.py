"""What people do to waits from Slack and by signed links: who pressed, whether they may; done once, and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.ownership.routing import Window
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine import actions, qualify
from inboxwatch.engine.assignment_reasons import absent
from inboxwatch.engine.audit import Attempt, AuditedDaemon, AuditOutcome, Door, begin, end, under_way
from inboxwatch.engine.authority import concerned
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.deeds import sentence
from inboxwatch.engine.ladder import with_ladders
from inboxwatch.engine.lookup import Lookup
from inboxwatch.engine.notice_inquiries import notice_inquiry
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import ids_of_wait
from inboxwatch.engine.wait_views import person_name, wait_views
from inboxwatch.notify import messages
from inboxwatch.notify.actions import ActionOutcome, ActionRefused, Actor, Answer, Candidate, ClassChoice
from inboxwatch.store import Outage, Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import ENGLISH, Wording, words

DEEDS = {
    ActionKind.ACKNOWLEDGED: "wait.acknowledge",
    ActionKind.SNOOZED: "wait.snooze",
    ActionKind.PUT_OFF: "wait.put-off",
    ActionKind.ASSIGNED: "wait.assign",
    ActionKind.DISMISSED: "wait.dismiss",
    ActionKind.REOPENED: "wait.reopen",
    ActionKind.QUALIFIED: "wait.qualify",
    ActionKind.ACTIVITY: "activity.log",
}
"""What the audit log calls them, as over HTTP."""
STOP = "wait.stop"
"""A dismissal of a follow-up."""
UNDO_VERDICT = "wait.undo-verdict"
AGAIN = timedelta(minutes=2)
"""Within this time the same action of the same person is the same press, delivered twice."""


class NoticeActions:
    """`inboxwatch.notify.actions.Actions` on the engine: each press is one transaction."""

    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon if isinstance(daemon, AuditedDaemon) else AuditedDaemon(daemon)

    def language(self, by: Actor | None) -> str:
        rules = self._daemon.rules
        known = _known(rules, by) if by is not None else None
        return _words(rules, by, known).language

    def choices(self) -> tuple[ClassChoice, ...]:
        return qualify.known_choices(self._daemon.rules)

    async def acknowledge(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.ACKNOWLEDGED, reason))

    async def snooze(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.SNOOZED, reason, until=self._daemon.now() + length))

    async def put_off(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.PUT_OFF, reason, until=self._daemon.now() + length))

    async def stop(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.DISMISSED, reason, follow_up=True))

    async def assign(self, clock: str, by: Actor, owner: str, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.ASSIGNED, reason, owner=owner))

    async def dismiss(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.DISMISSED, reason))

    async def reopen(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.REOPENED, reason))

    async def qualify(self, clock: str, by: Actor, choice: ClassChoice, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.QUALIFIED, reason, choice=choice))

    async def undo_verdict(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.QUALIFIED, reason))

    async def activity(
        self, clock: str, by: Actor, kind: Literal["call", "meeting", "other"], note: str = ""
    ) -> ActionOutcome:
        return await self._press(clock, by, _Press(ActionKind.ACTIVITY, f"{kind}: {note}" if note else kind))

    async def candidates(self, clock: str, by: Actor) -> Sequence[Candidate]:
        rules = self._daemon.rules
        person = _person(rules, by)
        spoken = _words(rules, by, person)
        return await self._daemon.read(candidates, rules, clock, person, self._daemon.now(), spoken)

    async def lookup(self, by: Actor, query: str) -> Answer:
        rules, now = self._daemon.rules, self._daemon.now()
        person = _person(rules, by)
        return await self._daemon.read(
            lambda tx: Lookup(tx, rules, person, now, _words(rules, by, person)).answer(query)
        )

    async def _press(self, clock: str, by: Actor, press: _Press) -> ActionOutcome:
        """Acts in the attempt of a request, such as by a signed link; from a channel it is an attempt of its own."""
        if (request := under_way()) is not None:
            return await self._act(clock, by, press, request)
        attempt = Attempt(Door.SLACK, "", clock=clock)
        token = begin(attempt)
        try:
            return await self._act(clock, by, press, attempt)
        except ActionRefused as refused:
            if not isinstance(refused.__cause__, Outage):
                await self._daemon.conclude(attempt, AuditOutcome.REFUSED)
            raise
        finally:
            end(token)

    async def _act(self, clock: str, by: Actor, press: _Press, attempt: Attempt) -> ActionOutcome:
        rules = self._daemon.rules
        attempt.deed = press.deed
        attempt.clock, attempt.owner = clock, press.owner or ""
        try:
            person = _person(rules, by)
            attempt.by = person.id
            reading = _Reading(
                person, _words(rules, by, person), words(by.place_language) if by.place_language else None
            )
            return await self._daemon.write(_do, rules, clock, reading, press, self._daemon.now())
        except Outage as error:
            raise ActionRefused(_words(rules, by, _known(rules, by)).say(messages.NOT_NOW)) from error


@dataclass(frozen=True, slots=True)
class _Press:
    """What somebody wants done to a wait."""

    kind: ActionKind
    reason: str
    owner: str | None = None
    until: datetime | None = None
    follow_up: bool = False
    """It is meant of a follow-up alone."""
    choice: ClassChoice | None = None
    """Of a verdict: what it says; None takes the last one back."""

    @property
    def deed(self) -> str:
        """What the audit log calls it."""
        if self.kind is ActionKind.QUALIFIED and self.choice is None:
            return UNDO_VERDICT
        return STOP if self.follow_up else DEEDS[self.kind]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Who acts, and what is read there."""

    person: Person
    words: Wording
    """Theirs."""
    place: Wording | None
    """Of the place where others read what they did; None: theirs."""


def _words(rules: Rules, by: Actor | None, person: Person | None) -> Wording:
    """In which somebody is spoken to."""
    return words(by.language) if by is not None and by.language else rules.words_of(person.id if person else None)


def _person(rules: Rules, by: Actor) -> Person:
    """The person of the config who pressed. Raises ActionRefused."""
    if (found := _known(rules, by)) is None:
        raise ActionRefused(_words(rules, by, None).say(messages.UNKNOWN_ACTOR))
    return found


def _known(rules: Rules, by: Actor) -> Person | None:
    config = rules.config
    slack = next((one for one in config.people.values() if by.slack_id and one.slack_id == by.slack_id), None)
    known = config.us.person(by.email) if by.email else None
    return config.people.get(PersonId(by.person)) or slack or (config.people[known] if known else None)


def _wait(tx: Transaction, rules: Rules, clock: str, person: Person, spoken: Wording) -> ClockRecord:
    """The wait, for somebody who may act on it."""
    row = tx.clocks.get(clock)
    if row is None:
        raise ActionRefused(spoken.say(messages.UNKNOWN_WAIT))
    config = rules.config
    allowed = concerned(config, tx, row)
    if person.id not in allowed:
        owner = person_name(rules, row.owner) or str(row.owner)
        raise ActionRefused(messages.not_concerned(owner=owner, words=spoken))
    return row


def _do(tx: Transaction, rules: Rules, clock: str, by: _Reading, press: _Press, now: datetime) -> ActionOutcome:
    """Acts, unless just this was just done; says what has become of the wait. Raises ActionRefused."""
    person = by.person
    row = _wait(tx, rules, clock, person, by.words)
    if press.kind is ActionKind.QUALIFIED:
        return _qualify(tx, rules, row, by, press, now)
    if not _done_before(tx, rules, row, person, press, now):
        _once(tx, rules, row, by, press, now)
    row = tx.clocks.get(clock) or row
    (view,) = with_ladders(tx, rules, [row], wait_views(tx, rules, [row], now), now)
    until = {
        ActionKind.ACKNOWLEDGED: row.acknowledged_until,
        ActionKind.SNOOZED: row.snoozed_until,
        ActionKind.PUT_OFF: row.due_at,
    }.get(press.kind)
    done = Action(now, press.kind, person.id, until=until, owner=row.owner, reason=press.reason)
    return _outcome(tx, rules, view, done, by)


def _qualify(  # six parameters: the wait, who judges it, and when
    tx: Transaction, rules: Rules, row: ClockRecord, by: _Reading, press: _Press, now: datetime
) -> ActionOutcome:
    """A verdict, or the last one taken back; shows the clock that was pressed, be it that of the verdict."""
    person, choice = by.person, press.choice
    try:
        wait = qualify.inquiry_of(tx, row.id)
        if (attempt := under_way()) is not None:
            attempt.clock = wait.id  # what the audit log names, whichever of both clocks was pressed
        if not _done_before(tx, rules, wait, person, press, now):
            acting = actions.Acting(person.id, now, press.reason)
            if choice is None:
                wait = qualify.take_back(tx, rules, now, wait.id, acting).clock
            else:
                qualify.still_offered(rules, choice)
                given = qualify.GivenVerdict(wait.id, person.id, choice.inquiry_class, choice.tier, reason=press.reason)
                wait = qualify.judge(tx, rules, now, given).clock
    except Refused as refused:
        raise ActionRefused(messages.nothing_done(why=refused.said(by.words), words=by.words)) from refused
    row = tx.clocks.get(row.id) or row
    (view,) = with_ladders(tx, rules, [row], wait_views(tx, rules, [row], now), now)
    done = Action(
        now,
        ActionKind.QUALIFIED,
        person.id,
        reason=press.reason,
        inquiry_class=wait.inquiry_class,
        tier=choice.tier if choice is not None else wait.tier,
        rule=wait.class_by if choice is None else "",
    )
    return _outcome(tx, rules, view, done, by)


def _outcome(tx: Transaction, rules: Rules, view: WaitView, done: Action, by: _Reading) -> ActionOutcome:
    """A wait after what was done to it, with that in a sentence for the place where it is shown."""
    words = by.place or by.words
    told = sentence(rules, done, view, by.person, words)
    return ActionOutcome(view, told, qualify.choices(rules, view), notice_inquiry(tx, rules, view, words))


def _once(tx: Transaction, rules: Rules, row: ClockRecord, by: _Reading, press: _Press, now: datetime) -> None:
    spoken = by.words
    if press.kind is not ActionKind.REOPENED and row.state != "running":
        why = messages.wait_over(stop_reason=str(row.stop_reason), words=spoken)
        raise ActionRefused(messages.nothing_done(why=why, words=spoken))
    acting = actions.Acting(by.person.id, now, press.reason)
    try:
        match press.kind:
            case ActionKind.ACKNOWLEDGED:
                actions.acknowledge(tx, rules, row.id, acting)
            case ActionKind.SNOOZED:
                actions.snooze(tx, rules, row.id, acting, press.until or now)
            case ActionKind.ASSIGNED:
                actions.assign(tx, rules, row.id, acting, press.owner or "")
            case ActionKind.PUT_OFF:
                actions.put_off(tx, rules, row.id, acting, press.until or now)
            case ActionKind.DISMISSED if press.follow_up:
                actions.stop_following_up(tx, rules, row.id, acting)
            case ActionKind.DISMISSED:
                actions.dismiss(tx, rules, row.id, acting)
            case ActionKind.REOPENED:
                actions.reopen(tx, rules, row.id, acting)
            case ActionKind.ACTIVITY:
                actions.log_activity(tx, rules, row.lead, acting, now)
    except Refused as refused:
        raise ActionRefused(messages.nothing_done(why=refused.said(spoken), words=spoken)) from refused


def _done_before(tx: Transaction, rules: Rules, row: ClockRecord, person: Person, press: _Press, now: datetime) -> bool:
    """Whether the last thing that anybody did to the wait is this very action, a moment ago."""
    people, ids = rules.config.people, ids_of_wait(tx, row)
    recorded = [action for found in tx.clocks.actions([row.thread], [row.lead]).values() for action in found]
    done = [action for action in recorded if action.by in people and (action.clock in ids or action.clock is None)]
    last = max(done, key=lambda action: action.serial, default=None)
    if last is None or last.by != person.id or now - last.at > AGAIN:
        return False
    return any(
        action.at == last.at
        and action.kind is press.kind
        and press.owner in (None, action.owner)
        and (press.kind is not ActionKind.QUALIFIED or _same_verdict(action, press.choice))
        and (press.until is None or action.until is None or abs(action.until - press.until) <= AGAIN)
        for action in done
    )


def _same_verdict(action: Action, choice: ClassChoice | None) -> bool:
    if choice is None or is_taking_back(action):
        return choice is None and is_taking_back(action)
    return (action.inquiry_class, action.tier) == (choice.inquiry_class, choice.tier)


def candidates(
    tx: Transaction, rules: Rules, clock: str, asker: Person, now: datetime, spoken: Wording
) -> list[Candidate]:
    """Who could own a wait, for somebody whom it concerns. Raises ActionRefused."""
    return candidates_of(tx, rules, _wait(tx, rules, clock, asker, spoken), now, spoken)


def candidates_of(
    tx: Transaction, rules: Rules, row: ClockRecord, now: datetime, spoken: Wording = ENGLISH
) -> list[Candidate]:
    """The wait's own people first, then everybody else; of both those who are here before those who are not."""
    config = rules.config
    here = roster(tx, rules, now)
    near = concerned(config, tx, row)
    found = []
    for person in sorted(config.people.values(), key=lambda one: (one.id not in near, one.name)):
        if person.id == row.owner:
            continue
        why = here.passed_over(person.id, Window(now, max(now, row.due_at)))
        found.append(Candidate(person.id, person.name, why is None, absent(why, spoken) if why else ""))
    return sorted(found, key=lambda candidate: not candidate.present)
