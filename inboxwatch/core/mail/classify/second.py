"""The second line of evidence: what the message it answers, its recipients, its sender and people tell of a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from inboxwatch.core.mail.classify import body_text
from inboxwatch.core.mail.classify.grounds import Answered, Grounds, Relation, Said, Trait
from inboxwatch.core.mail.classify.kinds import LIST_MARKS
from inboxwatch.core.mail.classify.signs import CERTAIN, STRONG
from inboxwatch.core.mail.subjects import read
from inboxwatch.core.model import Direction, Kind, Message, Verdict

INSTANT = timedelta(seconds=20)
"""No person reads and answers within it."""
PROMPT = timedelta(minutes=2)
"""Our ticket systems acknowledge within it, our people do not."""
FEW = 10
"""Recipients of a mail that one person wrote to others; of mailings nobody asks how fast they were answered."""

_DISCUSSION = ("list-post", "x-beenthere", "x-mailing-list", "mailing-list")
_LIST_SIGNALS = frozenset((*LIST_MARKS, "list-unsubscribe", "precedence: list", "precedence: bulk"))
_TOOL_SIGNALS = frozenset(
    {"list-unsubscribe", "list-unsubscribe-post", "x-list-unsubscribe", "x-unsubscribe", "precedence: bulk"}
)
"""What tools for sales letters put on the mail of one person to another."""
_LIST_ENVELOPE = "envelope sender of the list "
_MAILINGS = frozenset(
    {"list-unsubscribe-post", "feedback-id", "x-campaign", "x-campaignid", "x-mc-user", "x-report-abuse"}
)
_BY_WORDS = ("text: ", "subject begins with ", "subject says ")
_BY_TIME = "came "


def judge(grounds: Grounds, at: datetime, relation: Relation) -> Verdict:
    """The kind of a message received at an instant, by itself and by all that is known beside it.

    Nothing else decides: whoever asks again later, with the same other mail and facts, gets the same answer.
    """
    verdict = _related(grounds, at, relation)
    if relation.fact is not None and verdict.kind is not Kind.HUMAN and _overruled(verdict, relation.fact):
        verdict = _said(verdict, relation.fact, ours=Trait.OURS in grounds.traits)
    meant = grounds.meant.get(verdict.kind)
    return verdict if meant is None else meant.told(verdict)


def _related(grounds: Grounds, at: datetime, relation: Relation) -> Verdict:
    verdict, parent = grounds.alone, relation.parent
    if Trait.OURS in grounds.traits:
        return _ours(grounds, at, parent)
    answers_ours = parent is not None and parent.direction is Direction.OUTBOUND
    if verdict.kind is Kind.HUMAN and answers_ours and parent is not None:
        delay = at - parent.at
        if timedelta(0) <= delay <= INSTANT and parent.kind is Kind.HUMAN and parent.few:
            signal = f"{_BY_TIME}{int(delay.total_seconds())} s after ours"
            return Verdict(Kind.AUTO_REPLY, signal, machine=(signal, *verdict.machine), person=verdict.person)
    if verdict.kind is Kind.BULK and (why := _why_a_person(grounds, relation, answers_ours=answers_ours)):
        return _person(verdict, why)
    return verdict


def _ours(grounds: Grounds, at: datetime, parent: Answered | None) -> Verdict:
    """What our people write in a standard letter, from a box of any name or with a sales tool, is an answer too."""
    verdict = grounds.alone
    signal = verdict.signal
    worded = signal.startswith(_BY_WORDS)
    weighed = verdict.kind is Kind.BULK and verdict.weight is not None and verdict.weight < CERTAIN - STRONG
    answered = parent is not None and parent.direction is Direction.INBOUND and parent.kind is Kind.HUMAN
    tool = verdict.kind is Kind.BULK and signal in _TOOL_SIGNALS and answered and Trait.FEW in grounds.traits
    # Our people thank as well as a program does, but not at once.
    thanks = answered and parent is not None and at - parent.at >= PROMPT and Trait.BY_HAND in grounds.traits
    if verdict.kind is Kind.AUTO_REPLY and not (signal.startswith("text: ") or thanks):
        return verdict
    if verdict.kind in (Kind.AUTO_REPLY, Kind.BULK) and (worded or weighed or tool):
        return replace(verdict, kind=Kind.HUMAN, signal=f"ours, in spite of {signal}", vacation=False)
    return verdict


def _why_a_person(grounds: Grounds, relation: Relation, *, answers_ours: bool) -> str:
    """What outweighs the signs of a mailing, or nothing."""
    verdict, traits = grounds.alone, grounds.traits
    signal = verdict.signal
    if signal in _LIST_SIGNALS or signal.startswith(_LIST_ENVELOPE):
        if Trait.TO_US in traits and (Trait.DISCUSSION in traits or signal.startswith(_LIST_ENVELOPE)):
            return "addressed to us personally"
        if answers_ours and Trait.REPLY in traits:
            return "an answer to ours"
    known = relation.lead and (relation.written_to or answers_ours)
    if signal in _TOOL_SIGNALS and known and Trait.US_ALONE in traits:
        return "a known lead's, to us alone"
    if verdict.weight is not None:
        weight = (CERTAIN if relation.lead else 0) + (STRONG if relation.written_to else 0)
        weight += STRONG + 1 if answers_ours else 0
        if weight > verdict.weight:
            return "a known lead's" if relation.lead else "an answer to ours" if answers_ours else "we wrote to them"
    return ""


def _person(verdict: Verdict, why: str) -> Verdict:
    return replace(
        verdict,
        kind=Kind.HUMAN,
        signal=f"{why}, in spite of {verdict.signal}",
        owes_reply=True,
        machine=verdict.machine or (verdict.signal,),
        person=(why, *verdict.person),
        weight=None,
    )


def _overruled(verdict: Verdict, fact: Said) -> bool:
    """Whether a fact decides: of one message any, of a sender what only looked like a machine's.

    A buyer whose mail was taken for a mailing goes on leave as well: their vacation replies stay what they say.
    """
    if not fact.sender or verdict.kind is Kind.BULK:
        return True
    return verdict.kind is Kind.AUTO_REPLY and verdict.signal.startswith((*_BY_WORDS, _BY_TIME))


def _said(verdict: Verdict, fact: Said, *, ours: bool) -> Verdict:
    """What a person of ours said, who has seen the message."""
    of = "of the sender" if fact.sender else "of it"
    return Verdict(
        Kind.HUMAN,
        f"{fact.by} said {of} that a person writes, in spite of {verdict.signal}",
        owes_reply=not ours,
        machine=verdict.machine or (verdict.signal,),
        person=(f"said by {fact.by}", *verdict.person),
    )


def traits_of(message: Message, alone: Verdict, *, ours: bool, to_us: bool, us_alone: bool) -> frozenset[Trait]:
    """What of a message tells only together with other mail; no more than its kind by itself leaves open."""
    if alone.kind not in (Kind.BULK, Kind.AUTO_REPLY):
        return frozenset({Trait.OURS}) if ours else frozenset()
    if ours:
        held = {
            Trait.OURS: True,
            Trait.FEW: len(message.recipients) < FEW,
            Trait.BY_HAND: _is_by_hand(message, alone),
        }
    else:
        held = {
            Trait.TO_US: to_us,
            Trait.US_ALONE: us_alone,
            Trait.REPLY: read(message.subject).reply,
            Trait.DISCUSSION: _is_discussion(message),
        }
    return frozenset([trait for trait, holds in held.items() if holds])


def _is_by_hand(message: Message, alone: Verdict) -> bool:
    """Whether it is an automatic answer by a subject only that thanks: our people thank as well."""
    if not alone.signal.startswith("subject begins with "):
        return False
    return not message.text or body_text.automatic(body_text.words_of(message), answers=False) is None


def _is_discussion(message: Message) -> bool:
    """Whether people talk on the list that carried it: one may write to such a list, and nobody counts the clicks."""
    names = {name for name, _ in message.marks}
    post = message.mark("list-post") or ""
    return not names.isdisjoint(_DISCUSSION) and not post.upper().startswith("NO") and names.isdisjoint(_MAILINGS)
