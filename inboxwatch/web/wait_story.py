"""A wait's history as one story: messages, actions and notifications in the order in which they happened."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import Direction, Kind
from inboxwatch.core.proof import NOTHING_KNOWN
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back, is_verdict
from inboxwatch.notify import NoticeType, qualification_messages
from inboxwatch.notify.assignment_words import why_given
from inboxwatch.store.records import DeliveryState, NotifiedRecord
from inboxwatch.web import page_messages
from inboxwatch.web.history import History
from inboxwatch.words import ENGLISH, Wording, english

_ACTIONS = {
    "acknowledged": english("acknowledged it"),
    "snoozed": english("snoozed it"),
    "dismissed": english("said that no reply is owed"),
    "reopened": english("said that a reply is owed after all"),
    "gone_quiet": english("closed it: the buyer has gone quiet"),
    "activity": english("logged a call or meeting"),
    "lead_closed": english("closed the lead"),
    "meeting_accepted": english("accepted the invitation"),
    "confirmed": english("said that a message belongs here"),
    "unconfirmed": english("took back that a message belongs here"),
    "split": english("said that a message is another matter"),
    "rejoined": english("took back that a message is another matter"),
    "said_human": english("said that a person writes"),
    "unsaid_human": english("took back that a person writes"),
}
_FOLLOW_UP_ACTIONS = {
    "put_off": english("follows up later: it is due"),
    "snoozed": english("follows up later, not"),
    "dismissed": english("stopped following up"),
    "reopened": english("follows up again"),
}
"""Of a follow-up in other words: nobody waits for a reply of ours."""
_NOTIFIED = {
    "warning": english("due soon, told"),
    "breach": english("overdue, told"),
    "escalated": english("escalated to"),
    "repeated": english("told again"),
    "unverified": english("told, can't tell whether it was answered"),
}
_WITHHELD = {
    "passed": english("%(step)s passed over: a later step was due as well"),
    "first sight": english("%(step)s not told: it was due before inboxwatch first read the mailbox"),
}
_OUTCOMES = {
    "sent": english("%(channel)s to %(target)s: sent"),
    "dead": english("%(channel)s to %(target)s: could not be delivered"),
    "cancelled": english("%(channel)s to %(target)s: cancelled"),
}
_ON_ITS_WAY = english("%(channel)s to %(target)s: on its way")


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened."""

    at: datetime
    mark: str
    """inbound, outbound, internal, deed, owner, told, end: how it is marked."""
    actor: str
    """A person's id, an address, or the program's own part; empty where nobody acted."""
    what: str
    """In its reader's language, as `detail` of our own notifications is."""
    detail: str = ""
    """The reason, subject or evidence: text of others."""
    targets: tuple[str, ...] = ()
    until: datetime | None = None
    on: datetime | None = None
    """For when a follow-up is meant."""


def timeline(history: History, words: Wording = ENGLISH) -> list[TimelineEvent]:
    """The story of a wait, oldest first."""
    events = [*_messages(history, words), *_actions(history, words), *_notifications(history, words)]
    clock = history.clock
    if clock.stopped_at is not None and clock.stop_reason != "answered":
        why = page_messages.ending(clock.stop_reason or clock.state, words)
        events.append(TimelineEvent(clock.stopped_at, "end", "", words.say("The wait ended: %(why)s", why=why)))
    return sorted(events, key=lambda event: event.at)


def _messages(history: History, words: Wording) -> list[TimelineEvent]:
    verbs = {
        Direction.INBOUND: english("wrote"),
        Direction.OUTBOUND: english("replied"),
        Direction.INTERNAL: english("wrote among us"),
    }
    events = []
    for message in history.messages:
        what = words.say(verbs[message.direction])
        if message.direction is Direction.OUTBOUND and history.proofs.get(message.key, NOTHING_KNOWN).doubtful:
            what = words.say("seems to have answered, not verified")
        elif message.kind is not Kind.HUMAN:
            against = ", ".join(message.signs.machine) or message.signal
            what = words.say("sent, %(kind)s: %(signs)s", kind=message.kind.replace("_", " "), signs=against)
            if message.signs.person:
                what += "; " + words.say("for a person: %(signs)s", signs=", ".join(message.signs.person))
        author, subject = message.author or "", message.subject or ""
        events.append(TimelineEvent(message.at, message.direction.value, author, what, subject))
    return events


def _actions(history: History, words: Wording) -> list[TimelineEvent]:
    events = []
    for action in history.actions:
        if action.kind is ActionKind.ASSIGNED:
            why = why_given(action.rule, action.reason, words=words)
            events.append(
                TimelineEvent(action.at, "owner", action.by, words.say("gave it to"), why, (action.owner or "",))
            )
        else:
            verbs = _ACTIONS | _FOLLOW_UP_ACTIONS if history.clock.metric == Metric.FOLLOW_UP else _ACTIONS
            judged = action.kind is ActionKind.QUALIFIED
            what = _qualified(action, words) if judged else words.say(verbs.get(action.kind, action.kind.value))
            moved = action.kind is ActionKind.PUT_OFF
            events.append(
                TimelineEvent(
                    action.at,
                    "deed",
                    action.by,
                    what,
                    action.reason,
                    until=None if moved else action.until,
                    on=action.until if moved else None,
                )
            )
    return events


def _qualified(action: Action, words: Wording) -> str:
    """A verdict, or what rules and data made of a wait."""
    told = qualification_messages.what(action.inquiry_class, action.tier)
    if is_verdict(action) and is_taking_back(action):
        return words.say("took the verdict back; it is %(what)s again", what=told)
    return words.say("said what it is: %(what)s", what=told)


def _notifications(history: History, words: Wording) -> list[TimelineEvent]:
    """Notifications of one step are one event, with what became of each message."""
    outcomes: dict[StepKey, list[str]] = defaultdict(list)
    for one in history.deliveries:
        if one.type is NoticeType.ESCALATION and one.step is not None and one.round is not None:
            told = _OUTCOMES.get(one.state, _ON_ITS_WAY)
            why = f" ({one.error})" if one.state is DeliveryState.DEAD and one.error else ""
            outcomes[one.era, one.round, one.step].append(
                f"{words.say(told, channel=one.channel, target=one.target)}{why}"
            )
    steps: dict[StepKey, list[NotifiedRecord]] = defaultdict(list)
    for notified in history.notifications:
        steps[notified.key].append(notified)
    events = []
    for key, notifications in steps.items():
        _, repetition, step = key
        first = notifications[0]
        name = words.say("Step %(step)s", step=step)
        if repetition > 1:
            name = words.say("Step %(step)s, round %(round)s", step=step, round=repetition)
        if first.reason in _WITHHELD:
            events.append(TimelineEvent(first.at, "told", "", words.say(_WITHHELD[first.reason], step=name)))
            continue
        targets = tuple(notified.target for notified in notifications if notified.target)
        what = f"{name}: {words.say(_NOTIFIED.get(first.reason, first.reason))}"
        events.append(TimelineEvent(first.at, "told", "", what, "; ".join(outcomes[key]), targets))
    return events
