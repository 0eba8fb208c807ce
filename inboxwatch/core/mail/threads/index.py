"""The decision where a message belongs and which message it answers.

Header evidence does not depend on the order of arrival: ids that are named but not read yet already belong to a thread,
a message that names two threads merges them, and a parent that comes late gets its children.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from inboxwatch.core.mail import quotes, subjects
from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.threads.known import WEAK, Known, draft, named_parent, restate, told_order
from inboxwatch.core.mail.threads.likeness import JOINS, SURE, WINDOW, Likeness, as_rewritten, likeness
from inboxwatch.core.mail.threads.memory import Memory
from inboxwatch.core.model import Direction, Evidence, LeadId, Match, Message, MessageId, ThreadId, Verdict

SERIES = timedelta(hours=2)
"""Numbered parts are sent together."""
SKEW = timedelta(minutes=10)
"""How much earlier than the message it answers an answer may seem to have come."""

LONGEST = 1000
"""So many links of a chain of answers are looked at."""


class _Numbered(NamedTuple):
    """A part of a numbered series."""

    at: datetime
    number: int
    id: MessageId
    named: MessageId | None


class ThreadIndex:
    """All that is known around the messages of a batch (see `keys`), and what matching them adds.

    After a batch these hold what must be stored: `fresh` (new messages), `changed` (known ones with another parent or
    lead), `ghosts_found`, and `merged` (old thread -> what it became).
    """

    def __init__(self, known: Iterable[Known] = (), ghosts: Mapping[MessageId, ThreadId] | None = None) -> None:
        self._memory = Memory()
        self._memory.ghosts.update(ghosts or {})
        self._coming: dict[MessageId, tuple[datetime, MessageId | None]] = {}
        """When messages that are foreseen and not matched yet came, and whom they name as their parent."""
        self._implied: dict[MessageId, MessageId] = {}
        self._aliases: dict[MessageId, MessageId] = {}
        self._series: dict[tuple[str, str, int], list[_Numbered]] = {}
        self._answers = [0, 0]
        self._drafts: dict[MessageId, Known] = {}
        self.fresh: dict[MessageId, Known] = {}
        self.changed: dict[MessageId, Known] = {}
        self.ghosts_found: dict[MessageId, ThreadId] = {}
        self.merged: dict[ThreadId, ThreadId] = {}
        for one in known:
            if one.id not in self._memory.known:
                self._memory.add(one)
                if one.named is not None and one.parent is not None and _is_rewritten(one):
                    self._aliases.setdefault(one.named, one.parent)

    def known(self, id: MessageId) -> Known | None:  # noqa: A002  (the word of the field)
        """What is known of a message, its thread after all merges."""
        found = self._memory.known.get(id)
        if found is not None:
            found.thread = self.canonical(found.thread)
        return found

    def thread_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002
        """The thread of a message that was read or only named."""
        return self._memory.thread_of(id)

    def canonical(self, thread: ThreadId) -> ThreadId:
        """The thread that a merged thread has become."""
        return self._memory.canonical(thread)

    def foresee(self, message: Message) -> tuple[ThreadId, ...]:
        """Joins the threads of all ids that a message names and makes ghosts of the unread; returns what was merged.

        Call it for a whole batch before the first `match`: then the order of the batch is no evidence.
        """
        if message.id not in self._memory.known:
            self._coming[message.id] = message.received_at, named_parent(message)
        self._foresee_series(message)
        chain = list(dict.fromkeys((*message.references, *message.in_reply_to, message.id)))
        if len(chain) == 1:
            return ()
        memory = self._memory
        found = list(dict.fromkeys([thread for one in chain if (thread := memory.thread_of(one)) is not None]))
        thread = found[0] if found else _thread_id(chain[0])
        for other in found[1:]:
            self._join(other, thread)
        for one in chain:
            if one not in memory.known and one not in memory.ghosts:
                memory.ghosts[one] = self.ghosts_found[one] = thread
        for older, newer in told_order(message):
            self._implied.setdefault(newer, older)
        return tuple(found[1:])

    def _foresee_series(self, message: Message) -> None:
        subject = subjects.read(message.subject)
        headers = message.in_reply_to or message.references
        if subject.series is not None and not subject.prefixed:
            stem, number, count = subject.series
            group = self._series.setdefault((message.sender.email, stem, count), [])
            if all(one.id != message.id for one in group[-count - 1 :]):
                group.append(_Numbered(message.received_at, number, message.id, headers[-1] if headers else None))
        elif subject.reply and message.id not in self._memory.known:
            self._answers[bool(headers)] += 1

    def match(self, message: Message, direction: Direction, verdict: Verdict) -> Match:
        """Where a message belongs."""
        if (seen := self.known(message.id)) is not None:
            return Match(seen.thread, seen.parent, seen.evidence, seen.confidence)
        quotation = quotes.read(message.text) if message.text else None
        one = self._drafts[message.id] = draft(message, direction, verdict, quotation)
        merges = list(self.foresee(message))
        parent, evidence, confidence = self._parent(message, one, verdict)
        threads = [self.thread_of(message.id)]
        if parent is not None:
            threads.append(self.thread_of(parent))
        if parent is None or not self._is_read(parent):
            # Nothing read is named: an answer joins the thread of its title. A relay may have rewritten the named id.
            title = self._same_title(one)
            if title is not None and parent is None and threads[0] is None:
                evidence, confidence = Evidence.SUBJECT, 0.5
            threads.append(title)
        found = list(dict.fromkeys([thread for thread in threads if thread is not None]))
        thread = found[0] if found else _thread_id(parent or message.id)
        for other in found[1:]:
            self._join(other, thread)
            merges.append(other)
        if parent is not None and self.thread_of(parent) is None:
            self._memory.ghosts[parent] = self.ghosts_found[parent] = thread
        return Match(thread, parent, evidence, confidence, tuple(merges))

    def add(
        self, message: Message, direction: Direction, verdict: Verdict, match: Match, account: Account | None = None
    ) -> Known:
        """Remembers a message that was matched; known messages that turn out to answer it get it as their parent.

        Of a message that is known already it takes over the `account`, which the caller found to be the better one.
        """
        if (known := self._memory.known.get(message.id)) is not None:
            if account is not None:
                better = draft(message, direction, verdict, None)
                better.account = account
                restate(known, better)
            return known
        one = self._drafts.pop(message.id, None) or draft(message, direction, verdict, None)
        one.kind, one.thread, one.parent = verdict.kind, match.thread, match.parent
        one.evidence, one.confidence = match.evidence, match.confidence
        one.account = account
        self._coming.pop(one.id, None)
        self._memory.add(one)
        self.fresh[one.id] = one
        self._adopt(one)
        return one

    def credit(self, id: MessageId, lead: LeadId) -> None:  # noqa: A002
        """Notes the lead of a message, so that unknown people who join its thread are put on the side of that lead."""
        one = self._memory.known.get(id)
        if one is not None and one.lead != lead:
            self._memory.credit(one, lead)
            self._changed(one)

    def seen(self, id: MessageId, at: datetime) -> None:  # noqa: A002
        """Notes that a known message was seen at an instant: the earliest counts."""
        one = self._memory.known[id]
        if at < one.at:
            one.at = at
            self._changed(one)

    def leads_of(self, thread: ThreadId) -> frozenset[LeadId]:
        """The leads that the known messages of a thread belong to."""
        return self._memory.leads_of(thread)

    def _changed(self, one: Known) -> None:
        if one.id not in self.fresh:
            self.changed[one.id] = one

    def _join(self, old: ThreadId, new: ThreadId) -> None:
        self._memory.join(old, new)
        self.merged[old] = new

    def _adopt(self, parent: Known) -> None:
        """Gives a message that came late the children that were placed without it."""
        for child in [self._memory.known[other] for other in self._memory.naming.get(parent.id, ())]:
            if child.parent != parent.id and not self._memory.descends(parent.id, child.id):
                self._reparent(child, parent, Evidence.REPLY, 1.0)
        self._aliases.pop(parent.id, None)
        for child in self._memory.conversation(parent):
            if child.at > parent.at and child.parent is None and self._may_adopt(parent, child):
                self._reparent(child, parent, Evidence.PROVIDER if parent.provider_thread else Evidence.INDEX, 0.9)
        for child in list(self._memory.later(parent)):
            if child.evidence not in WEAK or not self._may_adopt(parent, child):
                continue
            now = likeness(child, parent)
            before = self._memory.known.get(child.parent) if child.parent else None
            if now.score > SURE and (before is None or now.rank > likeness(child, before).rank):
                self._reparent(child, parent, now.evidence, now.confidence)

    def _may_adopt(self, parent: Known, child: Known) -> bool:
        """Whether a guess may hang a message on another: people have not said otherwise, and no cycle is closed."""
        confirmed = child.evidence is not Evidence.NONE and child.confidence == 1.0
        apart = self._memory.apart(child.thread, parent.thread)
        return not confirmed and not apart and not self._memory.descends(parent.id, child.id)

    def _reparent(self, child: Known, parent: Known, evidence: Evidence, confidence: float) -> None:
        child.parent, child.evidence, child.confidence = parent.id, evidence, confidence
        self._changed(child)
        theirs, ours = self.canonical(child.thread), self.canonical(parent.thread)
        if theirs != ours:
            self._join(theirs, ours)

    def _parent(self, message: Message, one: Known, verdict: Verdict) -> tuple[MessageId | None, Evidence, float]:
        if verdict.delivery is not None and verdict.delivery.of is not None:
            return verdict.delivery.of, Evidence.DELIVERY, 1.0
        if one.named is not None:
            return self._named_parent(message, one, one.named)
        implied = self._implied.get(one.id)
        if implied is not None and self._is_told(one, implied):
            return implied, Evidence.REFERENCED, 0.95
        above = self._memory.by_index(one.thread_index) if one.thread_index else None
        if above is not None and self._can_answer(one, above):
            return above, Evidence.INDEX, 0.95
        if (first := self._first_part(message)) is not None:
            return first, Evidence.SUBJECT, 0.9
        if conversation := self._memory.conversation(one):
            # That a provider keeps two messages apart proves nothing; that it joins them does.
            best = self._best(one, conversation, least=-math.inf)
            evidence = Evidence.PROVIDER if one.provider_thread else Evidence.INDEX
            if best is not None:
                return best.parent.id, evidence, 0.9
        best = self._likeliest(one)
        return (best.parent.id, best.evidence, best.confidence) if best is not None else (None, Evidence.NONE, 1.0)

    def _named_parent(self, message: Message, one: Known, named: MessageId) -> tuple[MessageId | None, Evidence, float]:
        """The parent that the headers name.

        Where it was not read: the message whose id a relay rewrote, else the nearest ancestor that was read.
        """
        evidence = Evidence.REPLY if message.in_reply_to else Evidence.REFERENCES
        read = [id for id in message.in_reply_to or (named,) if self._is_read(id)]  # noqa: A001
        for id in sorted(read, key=self._when, reverse=True):  # noqa: A001
            if not self._memory.descends(id, one.id) or self._cut(id, one):
                return id, evidence, 1.0
        alias = self._aliases.get(named)
        if alias is not None and self._can_answer(one, alias):
            return alias, evidence, 0.9
        if (best := self._likeliest(one, rewritten=True)) is not None:
            self._aliases[named] = best.parent.id
            return best.parent.id, evidence, best.confidence
        for id in reversed(message.references):  # noqa: A001
            if self._is_read(id) and not self._memory.descends(id, one.id):
                return id, Evidence.REFERENCES, 0.9
        if self._memory.descends(named, one.id):
            return None, Evidence.NONE, 1.0
        return named, evidence, 1.0

    def _is_read(self, id: MessageId) -> bool:  # noqa: A002
        return id in self._memory.known or id in self._coming

    def _can_answer(self, one: Known, id: MessageId) -> bool:  # noqa: A002
        """Whether a message may answer another by time, and without closing a cycle."""
        at = self._when(id)[0]
        return (at is None or at <= one.at + SKEW) and not self._memory.descends(id, one.id)

    def _when(self, id: MessageId) -> tuple[datetime | None, MessageId]:  # noqa: A002
        """When a message was received, None where it was not read, and its id to order those received together."""
        parent = self._memory.known.get(id)
        return parent.at if parent is not None else self._coming.get(id, (None, None))[0], id

    def _is_told(self, one: Known, id: MessageId) -> bool:  # noqa: A002
        """Whether a message that names no parent answers another because somebody's References say so.

        What the other's own headers say goes before: it does not answer the message, directly or through others.
        """
        above: MessageId | None = id
        for _ in range(LONGEST):
            if above is None or above == one.id:
                break
            known = self._memory.known.get(above)
            above = known.named if known is not None else self._coming.get(above, (None, None))[1]
        return above != one.id and self._can_answer(one, id)

    def _cut(self, id: MessageId, one: Known) -> bool:  # noqa: A002
        """Whether a cycle that one message would close with the parent it names can be cut elsewhere, which is done.

        A link that neither headers nor people tell gives way first, then the one whose parent came the longest after
        its child.
        """
        memory = self._memory
        links = [(False, memory.known[id].at - one.at, one)]
        above = memory.known[id]
        while above.id != one.id:
            parent = one if above.parent == one.id else memory.known.get(above.parent or above.id)
            if parent is None or len(links) > LONGEST:
                return False
            guessed = above.parent != above.named and above.confidence < 1.0
            links.append((guessed, parent.at - above.at, above))
            above = parent
        weakest = max(links, key=lambda link: (link[0], link[1], link[2].id))[2]
        if weakest is one:
            return False
        weakest.parent, weakest.evidence, weakest.confidence = None, Evidence.NONE, 1.0
        self._changed(weakest)
        return True

    def _first_part(self, message: Message) -> MessageId | None:
        """The first part of a numbered series that the message is another part of."""
        subject = subjects.read(message.subject)
        if subject.series is None or subject.prefixed:
            return None
        stem, number, count = subject.series
        group = self._series.get((message.sender.email, stem, count), [])[-200:]
        near = [
            (one.number, abs(one.at - message.received_at), one.id)
            for one in group
            if one.number < min(number, 2) and abs(one.at - message.received_at) < SERIES
        ]
        if not near:
            return None
        first = min(near)[2]
        # Where answers bear headers, a series whose parts bear none was never meant as a thread.
        without, with_headers = self._answers
        return first if with_headers <= without or any(one.named == first for one in group) else None

    def _same_title(self, one: Known) -> ThreadId | None:
        """The thread that an answer joins by its title, though nothing tells which of its messages it answers."""
        best = self._likeliest(one, least=JOINS) if one.answers else None
        same = best is not None and one.subject_key in (best.parent.subject_key, best.parent.was_key)
        return self.canonical(best.parent.thread) if best is not None and same else None

    def _likeliest(self, one: Known, *, rewritten: bool = False, least: float = SURE) -> Likeness | None:
        """The likeliest parent where no header names one that was read."""
        memory = self._memory
        candidates = memory.candidates(one, memory.thread_of(one.id) if rewritten else None)
        return self._best(one, candidates, rewritten=rewritten, least=least)

    def _best(
        self, one: Known, candidates: Iterable[Known], *, rewritten: bool = False, least: float = SURE
    ) -> Likeness | None:
        memory = self._memory
        home = memory.thread_of(one.id)
        best: Likeness | None = None
        for other in candidates:
            if not (other.at <= one.at + SKEW and one.at - other.at < WINDOW):
                continue
            if home is not None and memory.apart(home, other.thread):
                continue
            found = likeness(one, other)
            if rewritten:
                found = as_rewritten(found, one, other.id in memory.naming)
            if (
                found.score > least
                and (best is None or found.rank > best.rank)
                and not memory.descends(other.id, one.id)
            ):
                best = found
        return best


def _is_rewritten(one: Known) -> bool:
    """Whether a stored message hangs on one whose id a relay rewrote, and not on the nearest ancestor that was read."""
    if one.parent in (one.named, one.above):
        return False
    return one.evidence is Evidence.REPLY or (one.evidence is Evidence.REFERENCES and one.confidence < 0.9)


def _thread_id(first: MessageId) -> ThreadId:
    """A stable name for the thread that begins with a message."""
    return ThreadId(hashlib.sha256(first.encode()).hexdigest()[:16])
