"""Notifies of steps and ends of waits: records them and enqueues their notices, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import Notification
from inboxwatch.core.ownership.owner_change import OwnerChange
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import DueStep, StepKey
from inboxwatch.notify import NoticeType, messages
from inboxwatch.store import Transaction, withdrawn
from inboxwatch.store.records import ClockRecord, NotifiedRecord

if TYPE_CHECKING:
    from inboxwatch.engine.rules import Rules

TOLD_OF_OPEN = (NoticeType.ESCALATION, NoticeType.ASSIGNED, NoticeType.UNASSIGNED)
"""Notices that are about open waits only."""
FIRST_SIGHT, PASSED = "first sight", "passed"
"""Why a step is recorded though nobody was notified."""


class StepNotifier:
    """Works inside one transaction."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime) -> None:
        self._tx = tx
        self._rules = rules
        self._now = now

    def notify(self, clock: Clock, notification: Notification) -> set[StepKey]:
        """Notifies the targets of a step; returns its key."""
        step = notification.step
        self._tx.deliveries.enqueue(self._rules.notices.step(clock, notification, self._now))
        reason = step.reason.value
        self._tx.clocks.record_notified([self._record(clock, step, target, reason) for target in notification.targets])
        return {step.key}

    def withhold(self, clock: Clock, steps: Iterable[DueStep], why: str) -> set[StepKey]:
        """Records steps that notify nobody, and why; returns their keys."""
        steps = list(steps)
        self._tx.clocks.record_notified([self._record(clock, step, "", why) for step in steps])
        return {step.key for step in steps}

    def nobody_left(self, clock: Clock) -> None:
        """Tells the fallback person that a wait is theirs because nobody else is present (rule 24)."""
        key = f"{clock.id}/nobody-left"
        targets = [self._rules.config.fallback]
        title = self._rules.words_of(targets[0]).say(messages.NOBODY_PRESENT)
        rows = self._rules.notices.notice(NoticeType.DIGEST, key, targets, self._now, title=title)
        self._tx.deliveries.enqueue([replace(row, clock=clock.id) for row in rows])

    def moved(self, clock: Clock, change: OwnerChange, *, history: bool) -> None:
        """Notifies who has a wait now and who had it before; of what is `history` nobody hears.

        Who has not heard yet that a wait left or reached them does not hear that it came back or went on.
        """
        deliveries = self._tx.deliveries
        back = deliveries.forestall(clock.ids, NoticeType.UNASSIGNED, change.owner, self._now)
        onward = deliveries.forestall(clock.ids, NoticeType.ASSIGNED, change.former, self._now)
        unaware = ({change.owner} if back else set()) | ({change.former} if onward else set())
        if not history:
            rows = self._rules.notices.moved(clock, change, self._now)
            deliveries.enqueue([row for row in rows if row.person not in unaware])

    def changed(self, clock: str, ids: Iterable[str]) -> None:
        """A wait stands otherwise than every message says that was sent about it: they are brought up to date."""
        copies = self._tx.deliveries.copies(ids, self._rules.notices.updating)
        self._tx.deliveries.enqueue([self._rules.notices.copy(clock, one, self._now) for one in copies])

    def reopened(self, clock: Clock) -> None:
        """A wait is open again: nobody may hear any more that it is over."""
        self._tx.deliveries.cancel(clock.ids, self._now, NoticeType.RESOLVED)

    def over(self, clock: Clock, owner: PersonId | None) -> None:
        """Cancels what is queued for a wait; notifies whoever was paged, and the owner where a colleague answered."""
        self._tx.deliveries.cancel(clock.ids, self._now, *TOLD_OF_OPEN)
        sent = self._tx.deliveries.sent_for(clock.ids)
        self._tx.deliveries.enqueue(self._rules.notices.resolved(clock, sent, owner, self._now))

    def closed(self, clock: Clock) -> None:
        """A wait ends without anything to tell: what is queued for it is cancelled."""
        self._tx.deliveries.cancel(clock.ids, self._now, *TOLD_OF_OPEN)

    def withdrawn(self, clock: ClockRecord) -> None:
        """Notifies whoever was paged for a wait that there is no more: its message was none that is owed a reply.

        A wait that was over before, and whose end everybody was told, is told of no further.
        """
        deliveries = self._tx.deliveries
        deliveries.cancel([clock.id], self._now, *TOLD_OF_OPEN)
        untold = deliveries.cancel([clock.id], self._now, NoticeType.RESOLVED)
        if clock.state == "running" or untold:
            sent = deliveries.sent_for([clock.id])
            deliveries.enqueue(self._rules.notices.withdrawn(withdrawn.withdrawn(clock, self._now), sent, self._now))

    def _record(self, clock: Clock, step: DueStep, target: str, reason: str) -> NotifiedRecord:
        policy = clock.policy.escalation.name
        about = clock.qualified.decision.gives if clock.qualified is not None else ""
        return NotifiedRecord(clock.id, step.number, step.round, target, self._now, reason, policy, step.era, about)
