"""What people did to a wait, in a sentence beside it: for who did it, and for everybody who was told of the wait."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import ROUTING
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back, is_verdict
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import done_to
from inboxwatch.engine.wait_views import person_name
from inboxwatch.notify import follow_up_messages, messages, qualification_messages
from inboxwatch.store import Transaction
from inboxwatch.words import Wording

TAKEN = "acknowledged"
"""The reason of the assignment that an acknowledgement makes."""


def sentence(rules: Rules, action: Action, wait: WaitView, reader: Person, words: Wording) -> str:
    """A deed in words, with its instants in the zone of who reads it."""
    name, reason, until = person_name(rules, action.by), action.reason, local(action.until, reader)
    if wait.follow_up and action.kind is ActionKind.DISMISSED:
        return follow_up_messages.stopped(person=name, reason=reason, words=words)
    if wait.follow_up and action.kind is ActionKind.REOPENED:
        return follow_up_messages.taken_up(person=name, reason=reason, words=words)
    match action.kind:
        case ActionKind.QUALIFIED:
            told = qualification_messages.what(action.inquiry_class, action.tier)
            judged = qualification_messages.taken_back if is_taking_back(action) else qualification_messages.judged
            return judged(person=name, told=told, reason=reason, words=words)
        case ActionKind.ACKNOWLEDGED:
            return messages.acknowledged(person=name, until=until, reason=reason, words=words)
        case ActionKind.SNOOZED:
            return messages.snoozed(person=name, until=until, reason=reason, words=words)
        case ActionKind.PUT_OFF:
            return follow_up_messages.put_off(person=name, until=until, reason=reason, words=words)
        case ActionKind.ASSIGNED:
            owner = None if action.owner == action.by else person_name(rules, action.owner) or str(action.owner)
            return messages.assigned(person=name, owner=owner, reason=reason, words=words)
        case ActionKind.DISMISSED:
            return messages.dismissed(person=name, reason=reason, words=words)
        case ActionKind.REOPENED:
            return messages.reopened(person=name, reason=reason, words=words)
    return messages.reached(person=name, goes_on=wait.running, reason=reason, words=words)


def last_deed(tx: Transaction, rules: Rules, wait: WaitView, reader: PersonId | None) -> str:
    """What somebody did to a wait last; empty where nobody has, or the program has moved it since."""
    known = tx.clocks.actions([wait.thread], [wait.lead])
    about_lead = [one for one in known.get(f"lead:{wait.lead}", ()) if one.kind is ActionKind.ACTIVITY]
    done = [one for one in done_to(tx, wait, known.get(wait.thread, ())) if one.kind not in REVIEWS]
    done += [one for one in about_lead if one.at >= wait.started_at]
    done = [one for one in done if one.kind is not ActionKind.QUALIFIED or is_verdict(one)]
    done.sort(key=lambda one: one.serial)
    if len(done) > 1 and _goes_with(done[-1], done[-2]):
        done.pop()
    people = rules.config.people
    if not done or done[-1].by not in people:
        return ""
    known_reader = people.get(reader) if reader else None
    return sentence(rules, done[-1], wait, known_reader or people[PersonId(done[-1].by)], rules.words_of(reader))


def _goes_with(given: Action, before: Action) -> bool:
    """Whether the deed before gave somebody a wait: an acknowledgement takes it, a verdict names an owner
    or has routing name one."""
    if given.kind is not ActionKind.ASSIGNED:
        return False
    by_verdict = is_verdict(before) and before.at == given.at and given.by in (before.by, ROUTING)
    return given.reason == TAKEN or by_verdict


def local(at: datetime | None, reader: Person) -> datetime | None:
    """An instant in the zone of its reader."""
    return at.astimezone(reader.zone) if at else None
