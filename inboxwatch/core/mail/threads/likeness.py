"""How much a message looks like the answer to another: subject, people, time, and quoted text where it may be read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Evidence

WINDOW = timedelta(days=60)
"""A subject alone joins nothing over a longer time."""
SURE = 1.0
"""The score from which a guess counts."""
JOINS = -3.0
"""The score from which an answer joins the thread of its title though it is not sure whom it answers."""
NOBODY = -2.0
"""The score of the possibility that the answered message was not read."""
NEAR = 5.0
"""Candidates by so much less likely weigh nothing."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A candidate parent and how likely it is one: `score` is, roughly, log odds."""

    parent: Known
    score: float
    quoted: bool

    @property
    def evidence(self) -> Evidence:
        return Evidence.QUOTE if self.quoted else Evidence.SUBJECT

    @property
    def confidence(self) -> float:
        """0.5 to 0.9: a guess is never as good as a header."""
        return round(min(0.9, 0.5 + max(self.score, 0.0) / 20), 2)

    @property
    def rank(self) -> tuple[float, float, str]:
        """Total order: score, then the later parent."""
        return self.score, self.parent.at.timestamp(), self.parent.id


def likeness(message: Known, parent: Known) -> Likeness:
    """Compares a message with one that it may answer."""
    score = _title(message, parent) - 4.0
    quoted = False
    said = None
    if (theirs := message.quotation) is not None:
        said = theirs.attribution
        if parent.quotation is not None and theirs.quoted:
            share = len(theirs.quoted & parent.quotation.own) / len(theirs.quoted)
            quoted = share > 0.05
            score += 7.0 * share if quoted else -1.5
    if said is not None:
        if parent.id in said.ids:
            score += 10.0
        by, at = said.is_by(parent.sender, parent.name), said.fits(parent.sent_at, parent.at)
        by = by if parent.answer_to.isdisjoint(said.emails) else True
        score += 0.0 if by is None else 1.5 if by else -2.0
        score += 0.0 if at is None else 5.0 * at - 1.0
    score += _people(message, parent)
    hours = max((message.at - parent.at).total_seconds(), 0.0) / 3600
    return Likeness(parent, score - 0.5 * math.log1p(hours / 6), quoted)


def outweighing(ranked: Iterable[Likeness]) -> Likeness | None:
    """The first of the likeliest, where it is likelier than that the message answers any of the others or none."""
    best: Likeness | None = None
    others = 0.0
    for like in ranked:
        if best is None:
            best, others = like, math.exp(NOBODY - like.score)
        elif like.score < best.score - NEAR:
            break
        else:
            others += math.exp(like.score - best.score)
    return best if others < 1.0 else None


def _title(message: Known, parent: Known) -> float:
    """What the titles say: a recurring one joins nothing, an answer's prefix does, and few answers change the title."""
    key, before = message.subject_key, parent.subject_key
    if key and key == before:
        return 4.0 if message.answers else -2.0
    if message.was_key and message.was_key == before:
        return 4.0
    shorter, longer = sorted((key, before), key=len)
    changed = len(shorter) > 5 and shorter in longer
    if not message.answers:
        return -4.0
    return 0.0 if changed or not before else -5.0


def _people(message: Known, parent: Known) -> float:
    """What speaks for an answer in who wrote to whom.

    Answers go to Reply-To where one is given (RFC 5322, 3.6.2): behind one address of a list or a form in From stand
    many authors, and each is told by theirs. Who answers all keeps the circle of people.
    """
    circle = len(message.participants | parent.participants) or 1
    score = 2.0 * len(message.participants & parent.participants) / circle - 1.0
    if parent.sender in message.to or not parent.answer_to.isdisjoint(message.to):
        score += 2.0
    if message.sender in parent.to:
        score += 0.7
    if message.sender == parent.sender:
        theirs = parent.answer_to - {parent.sender}
        score -= 0.0 if theirs and theirs.isdisjoint(message.answer_to) else 1.5
    return score


def as_rewritten(found: Likeness, message: Known, named: bool) -> Likeness:
    """The likeness of a candidate for being the message whose id a relay has rewritten.

    It hangs where the answer's references say that the answered message hangs, and nobody names (`named`) its new id.
    Who answers the same unread message, or an answer to it, cannot be that message.
    """
    if message.named in (found.parent.named, found.parent.above):
        return Likeness(found.parent, -math.inf, found.quoted)
    score = found.score - 3.0 - 4.0 * named
    hangs = (found.parent.named, found.parent.parent)
    if message.above is not None:
        score += 3.0 if message.above in hangs else -3.0
    else:
        score += 2.0 if hangs == (None, None) else -3.0
    return Likeness(found.parent, score, found.quoted)
