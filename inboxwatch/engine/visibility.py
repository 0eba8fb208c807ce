"""What is known to have been read of the mailboxes, and which must be read before a step leaves (rules 30 and 31)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from inboxwatch.core.ownership.advance import Advance, assignment_at
from inboxwatch.core.sla.clock import Clock
from inboxwatch.engine.rule_context import FRESH
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction

AHEAD = timedelta(minutes=2)
"""Processes on one store may read clocks that are so far apart. A mailbox that is said to have been read later than
that from now was read before this machine's clock was set back: when, nobody knows."""


class Unread(NamedTuple):
    """Mailboxes to be read before a step leaves."""

    nearest: frozenset[str]
    """Those of the people who should answer: without them nothing can be claimed."""
    others: frozenset[str]
    """Where there are few mailboxes all others that can be read: any colleague may have answered."""


class Sight(NamedTuple):
    """What of the answer to one wait could have been seen."""

    boxes: frozenset[str]
    """Where the answer of today's owner would be, or of who owned the wait when it fell due."""
    seen_until: datetime | None
    """How far all mailboxes of today's owner have been read (UTC); None where none could hold the answer."""
    blind: bool
    """True where one of the boxes has not been read since it was asked for."""
    due_unseen: bool
    """True where the due time has passed, but not for the mailboxes: no breach may be claimed."""


class Visibility:
    """The mailboxes as they were read, inside one transaction."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime, looked: datetime | None) -> None:
        """`looked` is the instant at which mailboxes were asked for on behalf of the steps at hand (None: not yet)."""
        rows = tx.mailboxes.all()
        self._rules = rules
        self._now = now
        self._looked = looked
        self._seen: dict[str, datetime | None] = {
            row.id: row.seen_until if row.seen_until is None or row.seen_until <= now + AHEAD else None for row in rows
        }
        # A mailbox that was taken out of the config is read no further: nobody waits for it while another could hold
        # the answer. Where none could, silence proves nothing.
        self._readable = set(self._seen) & set(map(str, rules.config.mailboxes))
        self._others = rules.context.colleagues(rows)

    def of(self, clock: Clock, witnesses: set[str]) -> Sight:
        """What could be seen of a wait; `witnesses` are the mailboxes that have seen mail of its thread."""
        boxes = self._boxes(clock, witnesses, self._now)
        # Whether it was answered in time, those know who had it then, whoever has it now.
        boxes_then = self._boxes(clock, witnesses, clock.due_at)
        seen_then = self._seen_until(boxes_then)
        seen_all = self._seen_until(boxes | boxes_then)
        return Sight(
            boxes=frozenset(boxes | boxes_then),
            seen_until=self._seen_until(boxes),
            blind=self._looked is not None and seen_all is not None and seen_all < self._looked,
            due_unseen=self._now >= clock.due_at and seen_then is not None and seen_then < clock.due_at,
        )

    def unread(self, moved: Advance, sight: Sight) -> Unread | None:
        """What must be read before a step leaves; None: nothing more."""
        others = self._others - sight.boxes
        if moved.look or sight.due_unseen:
            return Unread(sight.boxes, frozenset(others))
        if moved.notification is None or self._looked is not None:
            return None
        least = max(moved.notification.step.notify_at, self._now - FRESH)
        behind = {box for box in sight.boxes | others if (seen := self._seen[box]) is None or seen < least}
        return Unread(sight.boxes & behind, frozenset(others & behind)) if behind else None

    def _boxes(self, clock: Clock, witnesses: set[str], at: datetime) -> set[str]:
        """The mailboxes in which the answer of whoever owned a wait at an instant would be seen."""
        held_by = assignment_at(clock.actions, at)
        owner = held_by.owner if held_by else None
        boxes = witnesses | self._rules.context.watching(owner, clock.mailbox)
        return boxes & self._readable or boxes & self._seen.keys()

    def _seen_until(self, boxes: set[str]) -> datetime | None:
        never = datetime.min.replace(tzinfo=self._now.tzinfo)
        return min((self._seen[box] or never for box in boxes), default=None)
