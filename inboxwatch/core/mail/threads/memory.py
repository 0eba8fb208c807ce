"""All that is known around a batch, under every key by which a message is looked up, and which threads became one."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Iterator

from inboxwatch.core.mail.threads.known import ROOT, Known
from inboxwatch.core.mail.threads.likeness import WINDOW
from inboxwatch.core.model import LeadId, MessageId, ThreadId

CANDIDATES = 60
"""At most so many messages of one key are compared with a new one."""
COMMON = 8
"""A run of words in more messages than these tells nothing."""


class Memory:
    """Known messages and ghosts: ids that were named but not read, which already belong to a thread."""

    def __init__(self) -> None:
        self.known: dict[MessageId, Known] = {}
        self.ghosts: dict[MessageId, ThreadId] = {}
        self.joined: dict[ThreadId, ThreadId] = {}
        self.naming: dict[MessageId, list[MessageId]] = {}
        """Who names an id as the parent."""
        self._by_title: dict[str, list[tuple[float, MessageId]]] = {}
        self._by_thread: dict[ThreadId, list[MessageId]] = {}
        self._by_index: dict[bytes, MessageId] = {}
        self._by_conversation: dict[str | bytes, list[MessageId]] = {}
        """Under the provider's conversation id, and under the root of Outlook's index."""
        self._by_run: dict[int, list[MessageId]] = {}
        self._leads: dict[ThreadId, set[LeadId]] = {}
        self._split: list[Known] = []

    def add(self, one: Known) -> None:
        """Remembers a message that is not known yet."""
        self.known[one.id] = one
        self.ghosts.pop(one.id, None)
        thread = self.canonical(one.thread)
        self._by_thread.setdefault(thread, []).append(one.id)
        if one.named is not None:
            self.naming.setdefault(one.named, []).append(one.id)
        if one.subject_key:
            insort(self._by_title.setdefault(one.subject_key, []), (one.at.timestamp(), one.id))
        if one.lead:
            self._leads.setdefault(thread, set()).add(one.lead)
        if one.apart is not None:
            self._split.append(one)
        if one.thread_index:
            self._by_index.setdefault(one.thread_index, one.id)
        for key in _conversations(one):
            self._by_conversation.setdefault(key, []).append(one.id)
        if one.quotation is not None:
            for run in one.quotation.own:
                self._by_run.setdefault(run, []).append(one.id)

    def credit(self, one: Known, lead: LeadId) -> None:
        """Notes the lead of a message."""
        one.lead = lead
        self._leads.setdefault(self.canonical(one.thread), set()).add(lead)

    def thread_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002  (the word of the field)
        """The thread of a message that was read or only named."""
        one = self.known.get(id)
        found = one.thread if one is not None else self.ghosts.get(id)
        return found and self.canonical(found)

    def canonical(self, thread: ThreadId) -> ThreadId:
        """The thread that a merged thread has become."""
        while (further := self.joined.get(thread)) is not None:
            thread = further
        return thread

    def join(self, old: ThreadId, new: ThreadId) -> None:
        """Makes two threads one."""
        self.joined[old] = new
        if leads := self._leads.pop(old, None):
            self._leads.setdefault(new, set()).update(leads)
        if members := self._by_thread.pop(old, None):
            self._by_thread.setdefault(new, []).extend(members)

    def apart(self, one: ThreadId, other: ThreadId) -> bool:
        """Whether a person has split one of two threads from the other."""
        if not self._split:
            return False
        pair, canonical = {self.canonical(one), self.canonical(other)}, self.canonical
        return len(pair) == 2 and any(
            {canonical(split.thread), canonical(split.apart)} == pair for split in self._split if split.apart
        )

    def leads_of(self, thread: ThreadId) -> frozenset[LeadId]:
        return frozenset(self._leads.get(self.canonical(thread), ()))

    def descends(self, id: MessageId, ancestor: MessageId) -> bool:  # noqa: A002
        """Whether a message is another one or lies below it, as far as parents are known."""
        for _ in range(1000):
            if id == ancestor:
                return True
            found = self.known.get(id)
            if found is None or found.parent is None:
                return False
            id = found.parent  # noqa: A001
        return True

    def by_index(self, index: bytes) -> MessageId | None:
        """The message one level above in Outlook's conversation index."""
        return self._by_index.get(index[:-5]) if len(index) > ROOT else None

    def later(self, one: Known) -> Iterator[Known]:
        """Messages of the same title that came after one, for as long as a subject joins anything."""
        start = one.at.timestamp()
        group = self._by_title.get(one.subject_key, [])
        first = bisect(group, (start, one.id))
        for at, other in group[first : first + CANDIDATES]:
            if at - start > WINDOW.total_seconds():
                return
            yield self.known[other]

    def candidates(self, one: Known, thread: ThreadId | None) -> list[Known]:
        """Messages that one may answer: same title, quoted words, and the given thread."""
        found: dict[MessageId, None] = {}
        for key in (one.subject_key, one.was_key):
            found.update((other, None) for _, other in self._before(key, one.at.timestamp()))
        if thread is not None:
            found.update(dict.fromkeys(self._by_thread.get(thread, ())[-CANDIDATES:]))
        if one.quotation is not None:
            found.update(dict.fromkeys(self._quoted(one.quotation.quoted)))
            if one.quotation.attribution is not None:
                found.update((other, None) for other in one.quotation.attribution.ids if other in self.known)
        return [self.known[other] for other in found if other != one.id]

    def conversation(self, one: Known) -> list[Known]:
        """Messages that a provider or Outlook counts to the same conversation."""
        found: dict[MessageId, None] = {}
        for key in _conversations(one):
            found.update(dict.fromkeys(self._by_conversation.get(key, ())[-CANDIDATES:]))
        return [self.known[other] for other in found if other != one.id]

    def _before(self, key: str, now: float) -> list[tuple[float, MessageId]]:
        group = self._by_title.get(key, []) if key else []
        end = bisect(group, (now + 600, ""))
        return group[max(0, end - CANDIDATES) : end]

    def _quoted(self, runs: Iterable[int]) -> list[MessageId]:
        hits: dict[MessageId, int] = {}
        for run in runs:
            owners = self._by_run.get(run, ())
            if len(owners) <= COMMON:
                for owner in owners:
                    hits[owner] = hits.get(owner, 0) + 1
        return sorted(hits, key=lambda owner: (-hits[owner], owner))[:10]


def _conversations(one: Known) -> list[str | bytes]:
    keys: list[str | bytes] = [one.provider_thread] if one.provider_thread else []
    return [*keys, one.thread_index[:ROOT]] if one.thread_index else keys
