"""Tells of steps and ends of waits: marks them as told and enqueues the notices, in the transaction that owes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import Telling
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import Rung
from inboxwatch.notify import NoticeType, messages
from inboxwatch.store import Transaction
from inboxwatch.store.records import NotifiedRecord

if TYPE_CHECKING:
    from inboxwatch.engine.rules import Rules

FIRST_SIGHT, PASSED = "first sight", "passed"
"""Why a step counts as told though nobody was told of it."""


class Teller:
    """Works inside one transaction."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime) -> None:
        self._tx = tx
        self._rules = rules
        self._now = now

    def step(self, clock: Clock, telling: Telling) -> set[tuple[int, int]]:
        """Tells a step to its targets; returns its key."""
        rung = telling.rung
        self._tx.deliveries.owe(self._rules.notices.step(clock, telling, self._now))
        self._tx.clocks.tell([self._told(clock, rung, target, rung.reason.value) for target in telling.targets])
        return {rung.key}

    def mark(self, clock: Clock, rungs: Iterable[Rung], why: str) -> set[tuple[int, int]]:
        """Counts steps as told though nobody is; returns their keys."""
        rungs = list(rungs)
        self._tx.clocks.tell([self._told(clock, rung, "", why) for rung in rungs])
        return {rung.key for rung in rungs}

    def nobody_left(self, clock: Clock) -> None:
        """Tells the fallback person that a wait is theirs because nobody else is present (rule 24)."""
        key = f"{clock.id}/nobody-left"
        targets = [self._rules.config.fallback]
        rows = self._rules.notices.notice(NoticeType.DIGEST, key, targets, self._now, title=messages.NOBODY_PRESENT)
        self._tx.deliveries.owe([replace(row, clock=clock.id) for row in rows])

    def reopened(self, clock: Clock) -> None:
        """A wait is open again: nobody may hear any more that it is over."""
        self._tx.deliveries.cancel(clock.ids, self._now, NoticeType.RESOLVED)

    def over(self, clock: Clock, owner: PersonId | None) -> None:
        """Cancels what is queued for a wait and tells whoever was paged; the owner too where a colleague answered."""
        self._tx.deliveries.cancel(clock.ids, self._now)
        sent = self._tx.deliveries.sent_for(clock.ids)
        self._tx.deliveries.owe(self._rules.notices.resolved(clock, sent, owner, self._now))

    def _told(self, clock: Clock, rung: Rung, target: str, reason: str) -> NotifiedRecord:
        policy = clock.policy.escalation.name
        return NotifiedRecord(clock.id, rung.step, rung.round, target, self._now, reason, policy)
