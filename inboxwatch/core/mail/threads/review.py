"""Weak matches, which a person confirms or splits: what goes with a message that is taken out of its thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Evidence, MessageId, ThreadId

SURE_ENOUGH = 0.8
"""Matches of less confidence are shown to people for review."""
LEFT = 0.5
"""The confidence of what a split has left without its parent."""


class Stood(NamedTuple):
    """Where a message stood before a split took it, or its parent, elsewhere."""

    component: ThreadId
    parent: MessageId | None
    evidence: Evidence
    confidence: float
    beside: MessageId | None
    open: bool
    apart: ThreadId | None


def stood(one: Known) -> Stood:
    return Stood(one.component, one.parent, one.evidence, one.confidence, one.beside, one.open, one.apart)


@dataclass(frozen=True, slots=True)
class Split:
    """A thread, cut in two."""

    thread: ThreadId
    """The new one."""
    moved: tuple[Known, ...]
    """As they are in the new thread; the split message is the first."""
    left: tuple[Known, ...]
    """Those of the old thread that have lost their guessed parent."""
    ghosts: frozenset[MessageId]
    """Unread ids that only the moved messages name: they go with them."""


def split(message: Known, thread: Sequence[Known]) -> Split:
    """Takes a message out of its `thread` (all messages, this one included), and what surely hangs on it with it.

    A message that hangs on a moved one by a guess stays where its title is, for people to look at in its turn.
    """
    new = thread_apart(message.id)
    children: dict[MessageId, list[Known]] = {}
    for one in thread:
        if one.parent is not None:
            children.setdefault(one.parent, []).append(one)
    going: dict[MessageId, Known] = {message.id: message}
    below = [message]
    while below:
        for child in children.get(below.pop().id, ()):
            if child.confidence >= SURE_ENOUGH and child.id not in going:
                going[child.id] = child
                below.append(child)
    staying = [one for one in thread if one.id not in going]
    ghosts = _named(going.values()) - _named(staying) - {one.id for one in thread}
    named = message.named if message.named in ghosts else None
    alone = replace(
        message,
        thread=new,
        parent=named,
        evidence=message.evidence if named else Evidence.NONE,
        confidence=1.0,
        apart=message.thread,
        component=new,
        beside=None,
        open=True,
    )
    first = min(staying, key=lambda one: (one.at, one.id), default=None)
    return Split(
        new,
        (
            alone,
            *(replace(one, thread=new, component=new, beside=None) for one in going.values() if one is not message),
        ),
        tuple(
            replace(
                one,
                parent=None,
                evidence=Evidence.SUBJECT,
                confidence=LEFT,
                beside=first.id if first is not None and first.id != one.id else None,
            )
            for one in staying
            if one.parent in going
        ),
        ghosts,
    )


def rejoin(
    apart: Sequence[Known], left: Sequence[Known], before: Mapping[MessageId, Stood], first: Stood, thread: ThreadId
) -> list[Known]:
    """Takes a split back: messages as they are in the thread again from which they were taken.

    `apart`: all of the thread that the split has made, later mail too; `left`: all of the thread that they go back to,
    `thread`; `before`: where those stood that the split concerned, `first` the message that was split. Who has found
    another parent since keeps it.
    """
    joined = []
    for one in apart:
        was = before.get(one.id)
        if was is None:
            component = first.component if one.component == one.thread else one.component
            joined.append(replace(one, thread=thread, component=component))
        elif was is first:
            joined.append(replace(one, thread=thread, **first._asdict()))
        else:
            joined.append(replace(one, thread=thread, component=was.component, beside=was.beside))
    back = [
        replace(one, parent=was.parent, evidence=was.evidence, confidence=was.confidence, beside=was.beside)
        for one in left
        if (was := before.get(one.id)) is not None
        and (one.parent, one.evidence, one.confidence) == (None, Evidence.SUBJECT, LEFT)
    ]
    return joined + back


def thread_apart(id: MessageId) -> ThreadId:  # noqa: A002  (the word of the field)
    """The thread that a split makes of a message."""
    return ThreadId(hashlib.sha256(f"{id}\0apart".encode("utf-8", "surrogateescape")).hexdigest()[:16])


def _named(messages: Iterable[Known]) -> frozenset[MessageId]:
    """The ids that messages name in their headers."""
    return frozenset([name for one in messages for name in (one.named, one.above) if name is not None])
