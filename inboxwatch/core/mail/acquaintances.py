"""Whether a stranger writes in a buyer's thread to the buyer's knowledge, as far as a message and its ancestors tell.

It names the lead that a message is shown with; whose wait it starts is told by the whole thread (`core.sla.sides`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Direction, Message

IsTheirs = Callable[[str], bool]
"""Whether an address belongs to the buyer's side by itself: the lead's own, or of the lead's company."""
_DEPTH = 50
"""Ancestors that are looked at."""


def chosen_by_us(message: Message, index: ThreadIndex, is_theirs: IsTheirs) -> bool:
    """Whether its author came into the thread as a recipient whom we alone chose."""
    first = None
    for one in _ancestors(message, index):
        if message.sender.email in one.participants:
            first = one
    if first is None or first.direction is not Direction.OUTBOUND:
        return False
    unread = first.parent is not None and index.known(first.parent) is None
    return not (unread and any(map(is_theirs, first.participants)))


def to_their_knowledge(message: Message, index: ThreadIndex, is_theirs: IsTheirs) -> bool:
    """Whether the buyer's side gets the message, or wrote or got the one above it."""
    if any(is_theirs(one.email) for one in message.recipients):
        return True
    parent = next(_ancestors(message, index), None)
    return parent is not None and any(map(is_theirs, parent.participants))


def _ancestors(message: Message, index: ThreadIndex) -> Iterator[Known]:
    """The read messages above one, the nearest first."""
    one = index.known(message.id)
    for _ in range(_DEPTH):
        if one is None or one.parent is None:
            return
        one = index.known(one.parent)
        if one is not None:
            yield one
