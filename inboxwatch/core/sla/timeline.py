"""The dated facts of a thread, and their one total order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from inboxwatch.core.frozen import record
from inboxwatch.core.model import ClockId, Delivery, Direction, Kind, LeadId, MailboxId, MessageId, PersonId
from inboxwatch.core.proof import LATE, NOTHING_KNOWN, Proof
from inboxwatch.core.qualification.inquiry import Inquiry
from inboxwatch.core.qualification.score import ScoreLine


@record(frozen=True, slots=True)
class Party:
    """Somebody outside: the address, the lead where known, and the side (a company, or the lead alone)."""

    email: str
    lead: LeadId | None = None
    side: str | None = None


@record(frozen=True, slots=True)
class Mail:
    """A message of a thread, as far as clocks need it."""

    at: datetime
    id: MessageId
    direction: Direction
    kind: Kind
    sender: Party
    """Of outbound mail: our author's address."""
    recipients: tuple[Party, ...] = ()
    """Those outside us only."""
    parent: MessageId | None = None
    author: str = ""
    """Of outbound mail: the person's id, or the address where it is nobody's."""
    mailbox: MailboxId | None = None
    """The first configured mailbox among its recipients or sender."""
    owes_reply: bool = False
    effect: str | None = None
    """As of Verdict: meeting_accepted, opted_out, meeting_answered, meeting_booked."""
    delivery: Delivery | None = None
    away_until: datetime | None = None
    """Of a vacation reply that names the day of return."""
    meeting: str = ""
    """What stands for the UID of the meeting to which it invites, or which it accepts."""
    own_address: bool = True
    """Of inbound mail: whether it bears an address of the lead's own, not a colleague's or a stranger's."""
    stamped: bool = True
    """Whether the server's own stamp tells its time."""
    proof: Proof = NOTHING_KNOWN
    """Who really sent it, as far as all its copies tell."""
    inquiry: Inquiry | None = None
    """Of inbound mail that a person wrote: what it tells of its class and score."""
    dated: datetime | None = None
    """The time that it claims, where that is not believed."""


class ActionKind(StrEnum):
    """What people and policies do to a wait."""

    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    PUT_OFF = "put_off"
    """Of a follow-up: it is due at `until`, whenever it was before."""
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    """A reply is owed after all: the dismissal before it is taken back, or that the buyer has gone quiet."""
    GONE_QUIET = "gone_quiet"
    """Of a follow-up: the program closed it, for the buyer has said nothing for long. `owner`: whose it was."""
    ASSIGNED = "assigned"
    QUALIFIED = "qualified"
    """What the wait is about (`inquiry_class`) and worth (`tier`). A person's: a verdict, which perhaps names a tier;
    one that is taken back is a further one, with what had decided before it as `Action.rule` (`core.sla.verdicts`).
    By `rules`: what it was worth at one of its messages (`Action.rule`). By `source:NAME` or `repolicy`: what other
    data, or other rules, make of it from then on."""
    ACTIVITY = "activity"
    LEAD_CLOSED = "lead_closed"
    MEETING_ACCEPTED = "meeting_accepted"
    """The lead accepted an invitation of ours (sent at `until`) by a message (`Action.rule`), or booked as it tells."""
    MEETING_ANSWERED = "meeting_answered"
    """One of ours answered the lead's invitation, which began the wait `clock`, by a message (`Action.rule`);
    `reason` is its effect."""
    CONFIRMED = "confirmed"
    """A weak match is right; of a message (`Action.rule`), not of a wait."""
    UNCONFIRMED = "unconfirmed"
    """That was taken back: the match is to be reviewed again."""
    SPLIT = "split"
    """A weak match was wrong: the message (`Action.rule`) has a thread of its own."""
    REJOINED = "rejoined"
    """That was taken back: the message (`Action.rule`) is where it was, to be reviewed again."""
    SAID_HUMAN = "said_human"
    """Somebody wrote the message (`Action.rule`), or whatever the address (`Action.rule`) sends."""
    UNSAID_HUMAN = "unsaid_human"
    """That was taken back."""
    FORGOTTEN = "forgotten"
    """All that named a person was erased; what stands in their place is its lead."""


REVIEWS = frozenset(
    {
        ActionKind.CONFIRMED,
        ActionKind.UNCONFIRMED,
        ActionKind.SPLIT,
        ActionKind.REJOINED,
        ActionKind.SAID_HUMAN,
        ActionKind.UNSAID_HUMAN,
    }
)
"""Actions on the match or the kind of a message: they concern its whole thread."""


@record(frozen=True, slots=True)
class Action:
    """What a person, a policy or routing did, to one wait (`clock`) or to all waits of a lead."""

    at: datetime
    kind: ActionKind
    by: str
    """A person's id; `routing`, or `escalation` for the program's own; of QUALIFIED also `rules` and others."""
    clock: ClockId | None = None
    lead: LeadId | None = None
    until: datetime | None = None
    owner: PersonId | None = None
    reason: str = ""
    rule: str = ""
    team: str = ""
    """The team among whose members routing chose the owner."""
    serial: int = 0
    """Order of recording; breaks ties between actions of one instant."""
    inquiry_class: str = ""
    """Also of ASSIGNED, as is the tier: what the wait was about and worth when it was given."""
    tier: str = ""
    score: float | None = None
    lines: tuple[ScoreLine, ...] = ()
    """What the score is made of."""
    version: str = ""
    """Of the classes and rules that have decided."""
    messages: int = 0
    """How many messages the wait had up to the one at which `rules` decided."""
    seen: frozenset[ClockId] = frozenset()
    """Of a dismissal, and of what takes it back: the ids of the wait as the person knew it, one for each of its
    messages. What came in before the action but was read after it was never seen: it is not dismissed. Empty: all that
    was received before it."""


Fact = Mail | Action


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in their one order, whatever the order given; doubles of a message collapse to its earliest sighting.

    An answer is never earlier than what it answers: servers' clocks differ, causality does not (clock-rules 12).
    """
    mails: dict[MessageId, Mail] = {}
    actions: dict[Action, None] = {}
    for fact in facts:
        if isinstance(fact, Action):
            actions[fact] = None
        elif (known := mails.get(fact.id)) is None or _sighting(fact) < _sighting(known):
            mails[fact.id] = fact
    mails = {mail.id: mail for mail in _believed(mails.values())}
    placed: list[tuple[datetime, int, int, str, Fact]] = []
    for mail in mails.values():
        at, depth = _causal(mail, mails)
        rank = 0 if mail.direction is Direction.INBOUND else 1
        placed.append((at, depth, rank, mail.id, mail if at == mail.at else replace(mail, at=at)))
    ordered: list[Fact] = [row[4] for row in sorted(placed, key=lambda row: row[:4])]
    done = sorted(
        actions,
        key=lambda action: (action.at, action.serial, action.kind, action.clock or "", action.by, action.inquiry_class),
    )
    return _merge(ordered, done)


def _believed(mails: Iterable[Mail]) -> Iterator[Mail]:
    """The mail with our own put at the time of its first copy, where that came long after its Date.

    A copy that is laid into Sent later answers nobody earlier. Where the mailbox was moved, every message of it came
    later: then the stamp of the buyer's mail before it is none of its receipt either, and the Date is believed.
    """
    known = list(mails)
    asked = [mail for mail in known if mail.direction is Direction.INBOUND]
    for mail in known:
        held = mail.proof.held_since
        if held is not None and mail.direction is Direction.OUTBOUND and held > mail.at + LATE:
            before = max((one for one in asked if one.at <= mail.at), key=lambda one: (one.at, one.id), default=None)
            if before is not None and before.stamped:
                yield replace(mail, at=held, dated=mail.at)
                continue
        yield mail


def _sighting(mail: Mail) -> tuple[datetime, str, str]:
    return (mail.at, mail.kind, repr(mail))


def _causal(mail: Mail, mails: dict[MessageId, Mail]) -> tuple[datetime, int]:
    """The latest instant on the way to the root, and how long that way is; a cycle ends it."""
    at, depth, seen = mail.at, 0, {mail.id}
    parent = mail.parent
    while parent is not None and parent in mails and parent not in seen:
        seen.add(parent)
        depth += 1
        at = max(at, mails[parent].at)
        parent = mails[parent].parent
    return at, depth


def _merge(mails: list[Fact], actions: list[Action]) -> list[Fact]:
    """Actions come after the mail of their instant: what was known when they were done."""
    merged: list[Fact] = []
    position = 0
    for action in actions:
        while position < len(mails) and mails[position].at <= action.at:
            merged.append(mails[position])
            position += 1
        merged.append(action)
    return merged + mails[position:]
