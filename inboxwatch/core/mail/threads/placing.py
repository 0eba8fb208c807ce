"""Where one message belongs: a function of it and of the messages that it may answer, as far as they are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.threads.components import in_time
from inboxwatch.core.mail.threads.known import GUESSED, SKEW, Known
from inboxwatch.core.mail.threads.likeness import JOINS, SURE, WINDOW, Likeness, as_rewritten, likeness, outweighing
from inboxwatch.core.mail.threads.memory import Memory
from inboxwatch.core.model import Evidence, Message, MessageId

LONGEST = 1000
"""So many links of a chain of answers are looked at."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
SERIES = timedelta(hours=2)
"""Numbered parts are sent together."""
DELAYED = timedelta(days=1)
"""A message that mail systems held back may come so long after its answers."""


class Coming(NamedTuple):
    """A message of the batch that was not placed yet."""

    at: datetime
    sent_at: datetime | None
    named: MessageId | None
    """Whom it names as its parent."""


class Place(NamedTuple):
    """What was decided of a message."""

    parent: MessageId | None
    evidence: Evidence
    confidence: float
    beside: MessageId | None = None
    open: bool = True


class Placing(Memory):
    """All that is known, and what it tells of the place of each."""

    def __init__(self) -> None:
        super().__init__()
        self.coming: dict[MessageId, Coming] = {}
        self.implied: dict[MessageId, tuple[datetime, MessageId, MessageId]] = {}
        """For an id: who tells, earliest first, by the order of References, which id stands above it."""
        self._answers = [0, 0]
        """With and without headers."""
        self._is_whole = False

    def count_answer(self, message: Message) -> None:
        """Notes whether answers bear headers; of use only where all mail that there is comes in one batch."""
        self._is_whole = True
        if subjects.read(message.subject).reply and message.id not in self.known:
            self._answers[not (message.in_reply_to or message.references)] += 1

    def is_read(self, id: MessageId) -> bool:  # noqa: A002
        """Whether a message was read, or comes with the batch."""
        return id in self.known or id in self.coming or id in self.bystanders

    def place(self, one: Known, message: Message | None = None) -> Place:
        """Where a message belongs; `message`: while it is read for the first time."""
        now = placed(one)
        if one.evidence is Evidence.DELIVERY or _confirmed(one):
            return now._replace(open=False)
        place = self._by_header(one)
        if place is not None and not place.open:
            return place
        if not self.is_root(one):
            return place or Place(None, Evidence.NONE, 1.0, open=False)
        if message is None and one.beside is not None and one.told and not _by_series(one):
            # What its text told is not known any more.
            return now
        if place is None:
            place = self._guess(one)
        if place.parent is not None and self.is_read(place.parent):
            return place._replace(beside=place.parent)
        # Nothing read is named: an answer joins the thread of its title. A relay may have rewritten the named id.
        title = self._same_title(one)
        if title is not None and place.parent is None:
            place = Place(None, Evidence.SUBJECT, 0.5)
        return place._replace(beside=title)

    def _by_header(self, one: Known) -> Place | None:
        """What headers tell, its own or those of others; None where none do."""
        if one.names:
            return self._named_parent(one)
        implied = self.implied.get(one.id)
        if implied is not None and self._is_told(one, implied[2]):
            return Place(implied[2], Evidence.REFERENCED, 0.95, open=not self.is_read(implied[2]))
        return None

    def _guess(self, one: Known) -> Place:
        above = self.by_index(one.thread_index) if one.thread_index else None
        if above is not None and self._can_answer(one, above) and not self._is_out_of(one, above):
            return Place(above, Evidence.INDEX, 0.95)
        if one.series and (first := self._first_part(one)) is not None:
            return Place(first, Evidence.SUBJECT, 0.9)
        if conversation := self.conversation(one):
            # That a provider keeps two messages apart proves nothing; that it joins them does.
            best = next(iter(self._ranked(one, conversation, least=-math.inf)), None)
            evidence = Evidence.PROVIDER if one.provider_threads else Evidence.INDEX
            if best is not None:
                return Place(best.parent.id, evidence, 0.9)
        best = self._likeliest(one)
        return Place(best.parent.id, best.evidence, best.confidence) if best is not None else _NOWHERE

    def _named_parent(self, one: Known) -> Place:
        """The parent that the headers name.

        Where it was not read: the message whose id a relay rewrote, else the nearest ancestor that was read.
        """
        evidence = Evidence.REPLY if one.in_reply_to else Evidence.REFERENCES
        first = one.in_reply_to or one.references[-1:]
        read = first if len(first) == 1 else sorted(first, key=self._when, reverse=True)
        for id in filter(self.is_read, read):  # noqa: A001
            if not self._closes(id, one):
                return Place(id, evidence, 1.0, open=False)
        if (alias := self._alias(one, first[0])) is not None:
            return Place(alias, evidence, 0.9)
        if (best := self._likeliest(one, rewritten=True)) is not None:
            return Place(best.parent.id, evidence, best.confidence)
        for id in reversed(one.references):  # noqa: A001
            if self.is_read(id) and not self._closes(id, one):
                return Place(id, Evidence.REFERENCES, 0.9)
        if any(map(self.is_read, first)) or self.descends(first[0], one.id):
            return _NOWHERE
        return Place(first[0], evidence, 1.0)

    def _alias(self, one: Known, named: MessageId) -> MessageId | None:
        """The message whose id a relay rewrote, as found for an earlier message that names it too."""
        others = [self.known[other] for other in self.naming.get(named, ())]
        for other in in_time(others):
            if (other.at, other.id) >= (one.at, one.id):
                return None
            found = other.parent if other.open and other.parent not in other.names else None
            if found is not None and self._can_answer(one, found):
                return found
        return None

    def _closes(self, parent: MessageId, one: Known) -> bool:
        """Whether a message must not hang where its headers say, because that closes a circle.

        Of a circle that headers tell, the link is cut whose parent came the longest after its child; a guess in it is
        cut before all of them, and what a person has confirmed is not cut.
        """
        if parent != one.id and one.id not in self.known and not (one.id in self.naming or one.id in self.adopting):
            return False  # nothing hangs below it yet: most mail is read in its order
        way: list[tuple[timedelta, Known]] = []
        child, above = one, parent
        while len(way) < LONGEST:
            upper = one if above == one.id else self.known.get(above)
            if upper is None:
                return False
            if not _confirmed(child):
                way.append((upper.at - child.at, child))
            if above == one.id:
                return bool(way) and max(way, key=lambda link: (link[0], link[1].id))[1] is one
            if any(child is link[1] for link in way[:-1]):
                return False
            child, named = upper, upper.parent if _confirmed(upper) else upper.named
            if named is None:
                return False
            above = named
        return False

    def _can_answer(self, one: Known, id: MessageId) -> bool:  # noqa: A002
        """Whether a message may answer another by time, and without closing a cycle."""
        at = self._when(id)[1]
        return at <= one.at + SKEW and not self.descends(id, one.id)

    def _when(self, id: MessageId) -> tuple[bool, datetime, MessageId]:  # noqa: A002
        """Whether a message was read, when it was received, and its id to order those received together."""
        known = self.known.get(id)
        at = known.at if known is not None else self.coming[id].at if id in self.coming else None
        return at is not None, at or _LONG_AGO, id

    def _is_told(self, one: Known, id: MessageId) -> bool:  # noqa: A002
        """Whether a message that names no parent answers another because somebody's References say so.

        What the other's own headers say goes before: it does not answer the message, directly or through others.
        """
        above: MessageId | None = id
        for _ in range(LONGEST):
            if above is None or above == one.id:
                break
            known = self.known.get(above)
            above = known.named if known is not None else self.coming[above].named if above in self.coming else None
        return above != one.id and (self._can_answer(one, id) or self._was_held_back(one, id))

    def _was_held_back(self, one: Known, id: MessageId) -> bool:  # noqa: A002
        """Whether a message came after one that answers it, but was sent before: of its copies one took long."""
        other = self.known.get(id) or self.coming.get(id)
        if other is None or other.sent_at is None or one.sent_at is None:
            return False
        return other.sent_at <= one.sent_at and other.at <= one.at + DELAYED and not self.descends(id, one.id)

    def _is_out_of(self, one: Known, parent: MessageId) -> bool:
        return parent in self.left_out and one.id not in self.left_out

    def _first_part(self, one: Known) -> MessageId | None:
        """The first part of a numbered series that a message is another part of."""
        parts = [other for other in self.series(one) if not self._is_out_of(one, other.id)]
        near = [
            (other.part, abs(other.at - one.at), other.id)
            for other in parts
            if other.part < min(one.part, 2) and abs(other.at - one.at) < SERIES and not self.descends(other.id, one.id)
        ]
        if not near:
            return None
        first = min(near)[2]
        # Where answers bear headers, a series whose parts bear none was never meant as a thread.
        with_headers, without = self._answers
        bare = self._is_whole and with_headers <= without
        return first if bare or any(other.named == first for other in parts) else None

    def _same_title(self, one: Known) -> MessageId | None:
        """A message of the thread that an answer joins by its title, though nothing tells which of them it answers.

        That it quotes none of those that were read tells only that it answers another one there.
        """
        if not one.answers:
            return None
        ranked = self._ranked(one, self.candidates(one, None), least=-math.inf)
        return next((like.parent.id for like in ranked if _of_title(one, like.parent)), None)

    def _likeliest(self, one: Known, *, rewritten: bool = False) -> Likeness | None:
        """The likeliest parent where no header names one that was read; None where it may as well be another."""
        home = self.component_of(one.id)
        candidates = self.candidates(one, home if rewritten else None)
        if rewritten and not self.is_root(one):
            candidates = [other for other in candidates if self.canonical(other.component) == home]
        least = SURE if rewritten else None
        return outweighing(self._ranked(one, candidates, rewritten=rewritten, least=least))

    def _ranked(
        self, one: Known, candidates: Iterable[Known], *, rewritten: bool = False, least: float | None = None
    ) -> list[Likeness]:
        """Those that a message may answer, the likeliest first.

        `least`: what a likeness on one side must exceed (see `_enough`).
        """
        home = self.component_of(one.id) or one.component
        found: list[Likeness] = []
        for other in candidates:
            if not (_may_precede(other, one) and one.at - other.at < WINDOW):
                continue
            if self.apart(home, other.component) or self._is_out_of(one, other.id):
                continue
            like = likeness(one, other)
            if rewritten:
                like = as_rewritten(like, one, other.answered)
            if like.score > _enough(one, like, least):
                found.append(like)
        found.sort(key=lambda like: like.rank, reverse=True)
        return [like for like in found if not self.descends(like.parent.id, one.id)]


_NOWHERE = Place(None, Evidence.NONE, 1.0)


def _enough(one: Known, like: Likeness, least: float | None) -> float:
    """What a likeness must exceed: `least`; by default less for an answer under a title, where something is answered.

    What two buyers' sides have in common is no title and no likeness: headers or quoted words join them.
    """
    other = like.parent
    if least is None:
        least = JOINS if one.answers and _of_title(one, other) else SURE
    akin = one.sides & other.sides or like.quoted or _attributed(one, other)
    return least if akin else max(least, SURE)


def _of_title(one: Known, other: Known) -> bool:
    """Whether a message has the title of another, or says that it had it."""
    return bool(one.subject_key) and one.subject_key in (other.subject_key, other.was_key)


def _attributed(one: Known, other: Known) -> bool:
    """Whether a message quotes the author of another by an address."""
    said = one.quotation.attribution if one.quotation is not None else None
    return said is not None and not said.emails.isdisjoint({other.sender, *other.answer_to})


def _may_precede(one: Known, other: Known) -> bool:
    """Whether a guess may make one the parent of another.

    Clocks of servers differ: of a question and an answer that came almost together, the question is the first.
    """
    later = (one.at, one.id) > (other.at, other.id)
    if abs(one.at - other.at) > SKEW or one.answers == other.answers:
        return not later
    return other.answers


def placed(one: Known) -> Place:
    return Place(one.parent, one.evidence, one.confidence, one.beside, one.open)


def put(one: Known, place: Place) -> None:
    one.parent, one.evidence, one.confidence, one.beside, one.open = place


def _confirmed(one: Known) -> bool:
    """Whether a person has said that a guess is right."""
    if one.confidence < 1.0 or one.apart is not None:
        return False
    return one.evidence in GUESSED or (one.parent is not None and bool(one.names) and one.parent not in one.names)


def _by_series(one: Known) -> bool:
    """Whether it was placed as a part of a numbered series: no likeness without text is so sure."""
    return bool(one.series) and one.evidence is Evidence.SUBJECT and one.confidence >= 0.85
