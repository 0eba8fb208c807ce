"""All that is known around a batch, under every key by which a message is looked up."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Iterator

from inboxwatch.core.mail.threads.components import Components, in_time
from inboxwatch.core.mail.threads.known import ROOT, SKEW, Known
from inboxwatch.core.mail.threads.likeness import WINDOW
from inboxwatch.core.model import MessageId, ThreadId

CANDIDATES = 60
"""At most so many messages of one key are compared with a new one."""
_SKEW, _WINDOW = SKEW.total_seconds(), WINDOW.total_seconds()
COMMON = 8
"""A run of words in more messages than these tells nothing."""


class Memory(Components):
    """Known messages and ghosts: ids that were named but not read, which already belong to a component."""

    def __init__(self) -> None:
        super().__init__()
        self.naming: dict[MessageId, list[MessageId]] = {}
        """Who names an id as the parent."""
        self.adopting: set[MessageId] = set()
        """Ids that are the parents of known messages, though those name another or none."""
        self.left_out: set[MessageId] = set()
        """Messages of the batch of which no later batch will know: nothing but what is left out too hangs below them by
        a guess."""
        self._by_title: dict[tuple[str, str], list[tuple[float, MessageId]]] = {}
        """Under title and side, or author: a title that many leads use tells nothing of any one of them."""
        self._by_index: dict[bytes, list[MessageId]] = {}
        self._by_conversation: dict[str | bytes, list[tuple[float, MessageId]]] = {}
        """Under the provider's conversation id, and under the root of Outlook's index."""
        self._by_run: dict[int, list[MessageId]] = {}
        self._by_series: dict[str, list[MessageId]] = {}
        self._split: list[Known] = []

    def add(self, one: Known, *, stored: bool = False) -> None:
        """Remembers a message that is not known yet."""
        super().add(one, stored=stored)
        at = one.at.timestamp()
        self.names(one)
        if one.parent is not None and one.parent != one.named:
            self.adopting.add(one.parent)
        if one.subject_key:
            for side in {*one.sides, one.sender, *one.answer_to}:
                insort(self._by_title.setdefault((one.subject_key, side), []), (at, one.id))
        if one.series:
            insort(self._by_series.setdefault(one.series, []), one.id)
        if one.apart is not None:
            self._split.append(one)
        if one.thread_index:
            insort(self._by_index.setdefault(one.thread_index, []), one.id)
        for key in _conversations(one):
            insort(self._by_conversation.setdefault(key, []), (at, one.id))
        if one.quotation is not None:
            for run in one.quotation.own:
                self._by_run.setdefault(run, []).append(one.id)

    def names(self, one: Known) -> None:
        """Notes which message one names as its parent."""
        if one.named is not None:
            self.naming.setdefault(one.named, []).append(one.id)

    def converse(self, one: Known, conversation: str) -> None:
        """Notes that a provider counts a known message to one more conversation."""
        one.provider_threads |= {conversation}
        insort(self._by_conversation.setdefault(conversation, []), (one.at.timestamp(), one.id))

    def apart(self, one: ThreadId, other: ThreadId) -> bool:
        """Whether a person has split one of two components, or the thread it was in, from the other."""
        if not self._split:
            return False
        if self.thread(one) == self.thread(other):
            return False
        return any(
            self._is(this, split.component) and self._is(that, split.apart)
            for split in self._split
            if split.apart is not None
            for this, that in ((one, other), (other, one))
        )

    def _is(self, one: ThreadId, other: ThreadId) -> bool:
        """Whether two components are one, or in one thread."""
        return self.canonical(one) == self.canonical(other) or self.thread(one) == self.thread(other)

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
        found = self._by_index.get(index[:-5]) if len(index) > ROOT else None
        return found[0] if found else None

    def later(self, one: Known) -> Iterator[Known]:
        """Messages of the same title and side that one may be the parent of, by time."""
        start = one.at.timestamp() - _SKEW
        for key in ((one.subject_key, side) for side in one.sides):
            group = self._by_title.get(key, [])
            for at, other in group[bisect(group, (start, "")) :]:
                if at - start > _WINDOW:
                    break
                if other != one.id:
                    yield self.known[other]

    def candidates(self, one: Known, component: ThreadId | None) -> list[Known]:
        """Messages that one may answer: same title and side, quoted words, and the given component."""
        found: dict[MessageId, None] = {}
        said = one.quotation.attribution if one.quotation is not None else None
        sides = sorted({*one.sides, *(said.emails if said is not None else ())})
        for key in (one.subject_key, one.was_key):
            for side in sides if key else ():
                found.update((other, None) for _, other in self._before((key, side), one.at.timestamp()))
        if component is not None:
            found.update((other.id, None) for other in in_time(self.members(component))[-CANDIDATES:])
        if one.quotation is not None:
            found.update(dict.fromkeys(self._quoted(one.quotation.quoted)))
            if one.quotation.attribution is not None:
                found.update((other, None) for other in one.quotation.attribution.ids if other in self.known)
        return [self.known[other] for other in found if other != one.id]

    def series(self, one: Known) -> list[Known]:
        """The other parts of the numbered series of which a message is a part."""
        if not one.series:
            return []
        return [self.known[other] for other in self._by_series.get(one.series, ()) if other != one.id]

    def conversation(self, one: Known) -> list[Known]:
        """Messages that a provider or Outlook counts to the same conversation."""
        if not (keys := _conversations(one)):
            return []
        found: dict[MessageId, None] = {}
        for key in keys:
            group = self._by_conversation.get(key, ())
            found.update((other, None) for _, other in group)
        return [self.known[other] for other in found if other != one.id]

    def _before(self, key: tuple[str, str], now: float) -> list[tuple[float, MessageId]]:
        group = self._by_title.get(key, [])
        end = bisect(group, (now + _SKEW, ""))
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
    if not (one.provider_threads or one.thread_index):
        return []
    keys: list[str | bytes] = sorted(one.provider_threads)
    return [*keys, one.thread_index[:ROOT]] if one.thread_index else keys
