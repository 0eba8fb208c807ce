"""What people say an inquiry is: a verdict on a wait or its sender, and a verdict taken back (rules 41 to 49)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Literal

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import MessageId, PersonId
from inboxwatch.core.qualification.decision import PERSON, SALES, UNKNOWN, Qualification, SenderWord
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import Verdicts, is_verdict, taken_back, tier_named, word_taken_back
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.actions import Acting, known_owner, known_person
from inboxwatch.engine.actions import given as to_owner
from inboxwatch.engine.evaluate import Occasion, evaluate, folded
from inboxwatch.engine.refused import NoSuchWait, Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import wait_of
from inboxwatch.engine.wait_views import person_name
from inboxwatch.notify import qualification_messages as said
from inboxwatch.notify.actions import ClassChoice
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import english


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """What a person says an inquiry is."""

    ref: str
    """The id of a clock, of the wait or of the verdict that it awaits; or a Message-ID of the wait."""
    by: str
    """A person's id in the config."""
    inquiry_class: str
    tier: str = ""
    """What it is worth; empty: as it was."""
    scope: Literal["wait", "sender"] = "wait"
    """`sender`: of whatever its sender writes from now on, too."""
    owner: str | None = None
    """To whom the wait is given with it."""
    reason: str = ""


def choices(rules: Rules, wait: WaitView) -> tuple[ClassChoice, ...]:
    """What a person can say that a wait is."""
    return () if wait.follow_up else known_choices(rules)


def known_choices(rules: Rules) -> tuple[ClassChoice, ...]:
    """What a person can say that an inquiry is: what a seller is needed for first, with each tier."""
    terms = rules.qualification
    if terms is None:
        return ()
    tiers = sorted(terms.tiers, key=lambda one: -terms.tiers[one])
    sales = [ClassChoice(SALES, tier, for_sales=True) for tier in ("", *tiers)]
    others = [ClassChoice(name) for name in terms.classes if name not in (SALES, UNKNOWN)]
    return (*sales, *others)


def still_offered(rules: Rules, choice: ClassChoice) -> None:
    """Raises Refused where a message or link offered a tier that the config has no more; a class is looked at by
    `judge`.
    """
    tiers = rules.qualification.tiers if rules.qualification is not None else {}
    if choice.tier and choice.tier not in tiers:
        raise Refused(409, said.TIER_GONE, name=repr(choice.tier))


@dataclass(frozen=True, slots=True)
class JudgedWait:
    """What a verdict has made of a wait."""

    clock: ClockRecord
    verdict: Action


class AlreadyJudged(Refused):
    """Somebody has said so already, and it stands."""

    def __init__(self, person: str, what: str) -> None:
        super().__init__(409, said.SAID_ALREADY, person=person, what=what)


def inquiry_of(tx: Transaction, ref: str) -> ClockRecord:
    """The wait that is meant by a clock's id, its own or its verdict's, or by a Message-ID of it. Raises Refused."""
    ref = ref.strip().strip("<>")
    row = tx.clocks.get(ref)
    if row is None and (thread := tx.mail.thread_of(ref)) is not None:
        named = {clock_id(MessageId(ref), metric) for metric in (Metric.FIRST_RESPONSE, Metric.FOLLOW_UP)}
        row = next((one for one in tx.clocks.of_threads([thread]).values() if one.ids & named), None)
    if row is None:
        raise NoSuchWait(ref)
    if row.metric is Metric.FOLLOW_UP:
        raise Refused(409, said.FOLLOW_UP)
    return wait_of(tx, row)


def judge(tx: Transaction, rules: Rules, now: datetime, given: GivenVerdict) -> JudgedWait:
    """A person says what an inquiry is; open, ended and filtered waits alike. Raises Refused.

    What stands is compared in this transaction: of two who say the same, by two processes, the second is told so.
    """
    known_person(rules, given.by)
    gives = _listed(rules, given.inquiry_class)
    if given.owner is not None:
        known_owner(rules, given.owner)
    row = inquiry_of(tx, given.ref)
    sender = _sender(tx, given.ref, row)
    at = max(now, row.started_at)  # a server's clock may be ahead: nobody judges what has not come
    verdict = Action(
        at, ActionKind.QUALIFIED, given.by, row.id, row.lead, reason=given.reason, inquiry_class=gives, tier=given.tier
    )
    if _stands(tx, row, verdict, given, sender):
        person = row.class_by.removeprefix(PERSON)
        raise AlreadyJudged(person_name(rules, person) or person, said.what(gives, row.tier))
    tx.clocks.record(verdict, row.thread)
    if given.scope == "sender":
        tx.sender_verdicts.record(sender, SenderWord(at, gives, given.by, given.tier), given.reason)
    if given.owner is not None:
        acting = Acting(given.by, at, given.reason)
        about = row._replace(inquiry_class=gives, tier=given.tier or row.tier)
        tx.clocks.record(to_owner(about, PersonId(given.owner), acting), row.thread)
    judged = _evaluated(tx, rules, row, verdict, now)
    if given.owner is not None and judged.clock.state is not State.RUNNING:
        raise Refused(409, english("owner: the wait is over, so nobody can be given it; leave `owner` out"))
    return judged


def take_back(tx: Transaction, rules: Rules, now: datetime, ref: str, acting: Acting) -> JudgedWait:
    """Takes the last verdict on a wait back that stands: it is what it was before, and so is its sender.

    Raises Refused.
    """
    known_person(rules, acting.by)
    row = inquiry_of(tx, ref)
    verdicts = _verdicts(tx, row)
    stand = _standing(verdicts, row)
    if not stand:
        raise Refused(409, said.NOTHING_SAID)
    last, at = stand[-1], max(now, row.started_at)
    others = [one for one in folded(tx, rules, row.thread, without=last) if one.metric.is_reply and one.ids & row.ids]
    if not others:  # no policy would cover it
        raise Refused(409, said.NOTHING_SAID)
    without = min(others, key=lambda one: one.started_at)
    earlier = takewhile(lambda one: one is not last, (one for one in verdicts if one.lead == row.lead))
    back = Action(at, ActionKind.QUALIFIED, acting.by, row.id, row.lead, reason=acting.reason)
    verdict = taken_back(last, without, earlier, back)
    tx.clocks.record(verdict, row.thread)
    _take_back_of_senders(tx, row, last, at, acting)
    return _evaluated(tx, rules, row, verdict, now)


def _take_back_of_senders(tx: Transaction, row: ClockRecord, last: Action, at: datetime, acting: Acting) -> None:
    """What a verdict said of the sender as well."""
    senders = {one.sender for one in tx.mail.rows(row.thread)}
    for sender, words in tx.sender_verdicts.of(senders).items():
        if words[-1] == SenderWord(last.at, last.inquiry_class, last.by, last.tier):
            tx.sender_verdicts.record(sender, word_taken_back(words[:-1], at, acting.by), acting.reason)


def _listed(rules: Rules, name: str) -> str:
    """A class of the config that a verdict can give. Raises Refused."""
    name, terms = name.strip().lower(), _terms(rules)
    known = ", ".join(one for one in terms.classes if one != UNKNOWN)
    if name == UNKNOWN:
        raise Refused(422, said.NO_VERDICT, known=known)
    if name not in terms.classes:
        raise Refused(422, said.NOT_LISTED, name=repr(name), known=known)
    return name


def _terms(rules: Rules) -> Qualification:
    if rules.qualification is None:
        raise Refused(422, said.NO_CLASSES)
    return rules.qualification


def _sender(tx: Transaction, ref: str, row: ClockRecord) -> str:
    """Who wrote the message that is meant, or that began the wait."""
    named = tx.mail.row(MessageId(ref.strip().strip("<>"))) or tx.mail.row(row.started_by)
    return named.sender if named is not None else row.lead


def _stands(tx: Transaction, row: ClockRecord, verdict: Action, given: GivenVerdict, sender: str) -> bool:
    """Whether a verdict says nothing that was not said."""
    if not row.class_by.startswith(PERSON) or row.inquiry_class != verdict.inquiry_class:
        return False
    if given.owner is not None and given.owner != row.owner:
        return False
    if given.scope == "sender":
        words: Sequence[SenderWord] = tx.sender_verdicts.of([sender]).get(plain_address(sender), ())
        if not words or (words[-1].gives, words[-1].tier) != (verdict.inquiry_class, verdict.tier):
            return False
    return not verdict.tier or tier_named(one for one in _verdicts(tx, row) if one.lead == row.lead) == verdict.tier


def can_be_taken_back(tx: Transaction, row: ClockRecord) -> bool:
    """Whether a verdict on a wait stands."""
    return bool(_standing(_verdicts(tx, row), row))


def _standing(verdicts: Iterable[Action], row: ClockRecord) -> tuple[Action, ...]:
    return Verdicts.of(one for one in verdicts if one.clock in row.ids).standing


def _verdicts(tx: Transaction, row: ClockRecord) -> list[Action]:
    """What people said in the thread of a wait, in the order of time."""
    known = tx.clocks.actions([row.thread], []).get(row.thread, ())
    return sorted(filter(is_verdict, known), key=lambda one: (one.at, one.serial))


def _evaluated(tx: Transaction, rules: Rules, row: ClockRecord, verdict: Action, now: datetime) -> JudgedWait:
    evaluate(tx, rules, [row.thread], Occasion(now))
    return JudgedWait(tx.clocks.get(row.id) or row, verdict)
