"""The index of known messages, and the decision where a message belongs.

Header evidence does not depend on the order of arrival: ids that are named but not yet read are *ghosts* that already
belong to a thread, and a message that names two threads merges them.
"""

from __future__ import annotations

import hashlib
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import replace

from inboxwatch.core import quotes, subjects
from inboxwatch.core.model import Direction, Evidence, LeadId, Match, Message, MessageId, ThreadId, Verdict
from inboxwatch.core.quotes import Quotation
from inboxwatch.core.subjects import Subject
from inboxwatch.core.threads.known import ROOT, Known
from inboxwatch.core.threads.likeness import WINDOW, likeness

CANDIDATES = 60
"""At most so many messages are compared with a new one."""
SURE = 1.0
"""Likeness from which a guess counts."""


class ThreadIndex:
    """All that is known around the messages of a batch (see `keys`), and what matching them adds.

    After a batch `fresh`, `changed`, `ghosts_found` and `merged` hold what must be stored.
    """

    def __init__(self, known: Iterable[Known] = (), ghosts: Mapping[MessageId, ThreadId] = {}) -> None:  # noqa: B006  (read only)
        self._known: dict[MessageId, Known] = {}
        self._ghosts: dict[MessageId, ThreadId] = dict(ghosts)
        self._implied: dict[MessageId, MessageId] = {}
        self._joined: dict[ThreadId, ThreadId] = {}
        self._by_title: dict[str, list[tuple[float, MessageId]]] = {}
        self._by_index: dict[bytes, MessageId] = {}
        self._roots: dict[bytes, MessageId] = {}
        self._by_provider: dict[str, list[MessageId]] = {}
        self._by_run: dict[int, list[MessageId]] = {}
        self._leads: dict[ThreadId, set[LeadId]] = {}
        self.fresh: dict[MessageId, Known] = {}
        self.ghosts_found: dict[MessageId, ThreadId] = {}
        self.merged: dict[ThreadId, ThreadId] = {}
        for one in known:
            self._remember(one)

    def known(self, id: MessageId) -> Known | None:  # noqa: A002  (the word of the field)
        """What is known of a message, its thread after all merges."""
        found = self._known.get(id)
        return found and self._current(found)

    def thread_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002
        """The thread of a message that was read or only named."""
        found = self._known[id].thread if id in self._known else self._ghosts.get(id)
        return found and self.canonical(found)

    def canonical(self, thread: ThreadId) -> ThreadId:
        """The thread that a merged thread has become."""
        while (next_one := self._joined.get(thread)) is not None:
            thread = next_one
        return thread

    def foresee(self, message: Message) -> tuple[ThreadId, ...]:
        """Joins the threads of all ids that a message names and makes ghosts of the unread ones; returns what merged."""
        chain = list(dict.fromkeys((*message.references, *message.in_reply_to, message.id)))
        if len(chain) == 1:
            return ()
        found = list(dict.fromkeys(thread for one in chain if (thread := self.thread_of(one)) is not None))
        thread = found[0] if found else _thread_id(chain[0])
        for other in found[1:]:
            self._join(other, thread)
        for one in chain:
            if one not in self._known and one not in self._ghosts:
                self._ghosts[one] = self.ghosts_found[one] = thread
        links = message.references if len(message.references) > 1 else ()
        for older, newer in zip(links, links[1:], strict=False):
            self._implied.setdefault(newer, older)
        return tuple(found[1:])

    def match(self, message: Message, direction: Direction, verdict: Verdict) -> Match:
        """Where a message belongs."""
        if (seen := self.known(message.id)) is not None:
            return Match(seen.thread, seen.parent, seen.evidence, seen.confidence)
        merges = self.foresee(message)
        parent, evidence, confidence = self._parent(message, verdict)
        thread = self.thread_of(message.id) or (parent and self.thread_of(parent))
        if parent is not None and (theirs := self.thread_of(parent)) is not None and thread and thread != theirs:
            self._join(theirs, thread)
            merges += (theirs,)
        if thread is None and parent is not None:
            thread = self._ghosts[parent] = self.ghosts_found[parent] = _thread_id(parent)
        return Match(thread or _thread_id(message.id), parent, evidence, confidence, merges)

    def add(self, message: Message, direction: Direction, verdict: Verdict, match: Match) -> Known:
        """Remembers a message that was matched."""
        subject = subjects.read(message.subject)
        one = Known(
            id=message.id,
            thread=match.thread,
            at=message.received_at,
            direction=direction,
            kind=verdict.kind,
            parent=match.parent,
            evidence=match.evidence,
            confidence=match.confidence,
            named=message.in_reply_to[0] if message.in_reply_to else None,
            sender=message.sender.email,
            name=message.sender.name,
            to=frozenset(one.email for one in message.to),
            participants=frozenset(one.email for one in (message.sender, *message.recipients) if one.email),
            subject_key=subject.key,
            answers=subject.reply,
            series=subject.series,
            sent_at=message.sent_at,
            provider_thread=message.provider_thread,
            thread_index=message.thread_index,
            quotation=_quotation(message),
        )
        self._remember(one)
        self.fresh[one.id] = one
        return one

    def credit(self, id: MessageId, lead: LeadId) -> None:  # noqa: A002
        """Notes the lead of a message, so that unknown people who join its thread are put on his side."""
        one = self._known.get(id)
        if one is not None and one.lead != lead:
            self._known[id] = one = replace(one, lead=lead)
            self._leads.setdefault(self.canonical(one.thread), set()).add(lead)
            if id in self.fresh:
                self.fresh[id] = one

    def leads_of(self, thread: ThreadId) -> frozenset[LeadId]:
        """The leads that the known messages of a thread belong to."""
        return frozenset(self._leads.get(self.canonical(thread), ()))

    def _join(self, old: ThreadId, new: ThreadId) -> None:
        self._joined[old] = self.merged[old] = new
        if leads := self._leads.pop(old, None):
            self._leads.setdefault(new, set()).update(leads)

    def _remember(self, one: Known) -> None:
        if one.id in self._known:
            return
        self._known[one.id] = one
        self._ghosts.pop(one.id, None)
        if one.subject_key:
            insort(self._by_title.setdefault(one.subject_key, []), (one.at.timestamp(), one.id))
        if one.lead:
            self._leads.setdefault(self.canonical(one.thread), set()).add(one.lead)
        if one.thread_index:
            self._by_index.setdefault(one.thread_index, one.id)
            self._roots.setdefault(one.thread_index[:ROOT], one.id)
        if one.provider_thread:
            self._by_provider.setdefault(one.provider_thread, []).append(one.id)
        if one.quotation is not None:
            for run in one.quotation.own:
                self._by_run.setdefault(run, []).append(one.id)

    def _current(self, one: Known) -> Known:
        thread = self.canonical(one.thread)
        return one if thread == one.thread else replace(one, thread=thread)

    def _parent(self, message: Message, verdict: Verdict) -> tuple[MessageId | None, Evidence, float]:
        if verdict.delivery is not None and verdict.delivery.of is not None:
            return verdict.delivery.of, Evidence.DELIVERY, 1.0
        for one in message.in_reply_to:
            if one in self._known and not self._descends(one, message.id):
                return one, Evidence.REPLY, 1.0
        if message.in_reply_to and not self._descends(message.in_reply_to[0], message.id):
            return message.in_reply_to[0], Evidence.REPLY, 1.0
        if message.references and not self._descends(message.references[-1], message.id):
            return message.references[-1], Evidence.REFERENCES, 0.95
        implied = self._implied.get(message.id)
        if implied is not None and not self._descends(implied, message.id):
            return implied, Evidence.REFERENCED, 0.95
        if message.thread_index is not None and len(message.thread_index) > ROOT:
            above = self._by_index.get(message.thread_index[:-5])
            if above is not None:
                return above, Evidence.INDEX, 0.95
        return self._guess(message)

    def _guess(self, message: Message) -> tuple[MessageId | None, Evidence, float]:
        """The likeliest parent where no header names one."""
        subject, quotation = subjects.read(message.subject), _quotation(message)
        best, best_score = None, SURE
        for one in self._candidates(message, subject, quotation):
            score = likeness(message, subject, quotation, one)
            if score > best_score or (best is not None and score == best_score and one.at > best.at):
                best, best_score = one, score
        if best is None:
            return None, Evidence.NONE, 1.0
        quoted = quotation is not None and best.quotation is not None and quotation.quoted & best.quotation.own
        return best.id, Evidence.QUOTE if quoted else Evidence.SUBJECT, 0.8 if quoted else 0.6

    def _candidates(self, message: Message, subject: Subject, quotation: Quotation | None) -> list[Known]:
        found: dict[MessageId, None] = {}
        for key in (subject.key, subject.was):
            found.update((one, None) for _, one in self._by_title.get(key, ())[-CANDIDATES:])
        if message.provider_thread:
            found.update((one, None) for one in self._by_provider.get(message.provider_thread, ())[-CANDIDATES:])
        if quotation is not None:
            hits: dict[MessageId, int] = {}
            for run in quotation.quoted:
                owners = self._by_run.get(run, ())
                if len(owners) <= 8:
                    for one in owners:
                        hits[one] = hits.get(one, 0) + 1
            found.update((one, None) for one in sorted(hits, key=lambda one: (-hits[one], one))[:10])
            if quotation.attribution is not None:
                found.update((one, None) for one in quotation.attribution.ids if one in self._known)
        known = (self._known[one] for one in found if one != message.id)
        return [
            one
            for one in known
            if one.at <= message.received_at
            and message.received_at - one.at < WINDOW
            and not self._descends(one.id, message.id)
        ]

    def _descends(self, id: MessageId, ancestor: MessageId) -> bool:  # noqa: A002
        """Whether a message lies below another one, as far as parents are known: such a parent would close a cycle."""
        steps = 0
        while steps < 1000:
            if id == ancestor:
                return True
            found = self._known.get(id)
            if found is None or found.parent is None:
                return False
            id, steps = found.parent, steps + 1  # noqa: A001
        return True


def _thread_id(first: MessageId) -> ThreadId:
    """A stable name for the thread that begins with a message."""
    return ThreadId(hashlib.sha256(first.encode()).hexdigest()[:16])


def _quotation(message: Message) -> Quotation | None:
    return quotes.read(message.text) if message.text else None
