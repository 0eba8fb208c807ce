"""Threads of older versions: what headers join in them, told apart from what was joined by likeness alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from inboxwatch.core.mail.threads.components import Ghost
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Evidence, MessageId, ThreadId

_WEAK = frozenset({Evidence.SUBJECT, Evidence.PROVIDER, Evidence.INDEX})
"""What is found again, if it still holds; what quoted words told is not, for no text is kept."""


def apart(messages: Sequence[Known], ghosts: Mapping[MessageId, Ghost]) -> tuple[list[Known], dict[MessageId, Ghost]]:
    """The messages of threads with the components that headers make of them and without weak guesses, and the same of
    the ids that were named but not read (`ghosts`).

    What a person has confirmed stays joined. The component of a thread's earliest message keeps the thread's name.
    """
    groups = _Groups()
    for one in messages:
        groups.join([one.id, *_joined(one)])
    ordered = sorted(messages, key=lambda one: (one.at, one.id))
    names: dict[MessageId, ThreadId] = {}
    kept: set[ThreadId] = set()
    for one in ordered:
        if (group := groups.of(one.id)) not in names:
            names[group] = one.thread if one.thread not in kept else _name(one.id)
            kept.add(one.thread)
    read = {one.id for one in messages}
    placed = [_without_guess(replace(one, component=names[groups.of(one.id)]), read) for one in ordered]
    known = {one: ghost._replace(component=names.get(groups.of(one), ghost.thread)) for one, ghost in ghosts.items()}
    return placed, known


def _joined(one: Known) -> Iterable[MessageId]:
    yield from one.names
    if one.above is not None:
        yield one.above
    if one.parent is not None and (one.evidence is Evidence.DELIVERY or _said(one)):
        yield one.parent


def _said(one: Known) -> bool:
    """Whether a person has said that a guess is right."""
    return one.evidence in _WEAK | {Evidence.QUOTE} and one.confidence >= 1.0 and one.apart is None


def _without_guess(one: Known, read: Collection[MessageId]) -> Known:
    named = one.parent is not None and one.parent in one.names
    if one.evidence is Evidence.DELIVERY or _said(one):
        return replace(one, beside=None, open=False)
    if named and one.parent in read:
        return replace(one, beside=None, open=False)
    if one.evidence in _WEAK or (one.parent is not None and not named and one.evidence is not Evidence.QUOTE):
        return replace(one, parent=None, evidence=Evidence.NONE, confidence=1.0, beside=None, open=True)
    beside = one.parent if one.evidence is Evidence.QUOTE else None
    return replace(one, beside=beside, open=True)


def _name(first: MessageId) -> ThreadId:
    return ThreadId(hashlib.sha256(f"{first}\0again".encode("utf-8", "surrogateescape")).hexdigest()[:16])


class _Groups:
    """Ids that belong together."""

    def __init__(self) -> None:
        self._above: dict[MessageId, MessageId] = {}

    def of(self, id: MessageId) -> MessageId:  # noqa: A002  (the word of the field)
        """The id that stands for a group."""
        while (above := self._above.get(id, id)) != id:
            self._above[id] = id = self._above.get(above, above)  # noqa: A001
        return id

    def join(self, ids: Sequence[MessageId]) -> None:
        for one in ids[1:]:
            self._above[self.of(one)] = self.of(ids[0])
