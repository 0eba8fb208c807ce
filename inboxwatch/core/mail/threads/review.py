"""Weak matches, which a person confirms or splits: what goes with a message that is taken out of its thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Evidence, MessageId, ThreadId

SURE_ENOUGH = 0.8
"""Matches of less confidence are shown to people for review."""


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
    new = ThreadId(hashlib.sha256(f"{message.id}\0apart".encode("utf-8", "surrogateescape")).hexdigest()[:16])
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
                confidence=0.5,
                beside=first.id if first is not None and first.id != one.id else None,
            )
            for one in staying
            if one.parent in going
        ),
        ghosts,
    )


def _named(messages: Iterable[Known]) -> frozenset[MessageId]:
    """The ids that messages name in their headers."""
    return frozenset([name for one in messages for name in (one.named, one.above) if name is not None])
