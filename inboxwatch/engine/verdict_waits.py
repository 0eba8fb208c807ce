"""The wait that awaits a verdict: both have one owner and one hold, so that deeds are those of the wait."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.core.model import ClockId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.sla.verdicts import is_verdict
from inboxwatch.core.wait_view import WaitView
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


def wait_of(tx: Transaction, clock: ClockRecord) -> ClockRecord:
    """The wait on which whoever is told of a clock acts: of a verdict the one that awaits it, else itself."""
    return _awaiting(tx, clock) or clock


def done_to(tx: Transaction, clock: ClockRecord | WaitView, actions: Iterable[Action]) -> list[Action]:
    """What concerns a clock of what was done in its thread: reviews, and what was done to itself; a verdict also what
    was done to its wait as long as it was awaited, and what is said then. Its owner is whose the wait was just before
    (rule 44).
    """
    wait, ids = _awaiting(tx, clock), clock.ids
    of_wait = wait.ids if wait is not None else frozenset()
    return [
        one
        for one in actions
        if one.kind in REVIEWS or one.clock in ids or (one.clock in of_wait and _while_awaited(clock, one))
    ]


def ids_of_wait(tx: Transaction, clock: ClockRecord) -> frozenset[ClockId]:
    """The ids of a clock, and of the wait that awaits it as a verdict: under these deeds are recorded."""
    return clock.ids | wait_of(tx, clock).ids


def _awaiting(tx: Transaction, clock: ClockRecord | WaitView) -> ClockRecord | None:
    """The wait that awaits a verdict; None of any other clock."""
    if clock.metric is not Metric.VERDICT:
        return None
    return tx.clocks.get(clock_id(clock.started_by, Metric.FIRST_RESPONSE))


def _while_awaited(verdict: ClockRecord | WaitView, action: Action) -> bool:
    if verdict.stopped_at is None or action.at < verdict.stopped_at:
        return True
    if action.at == verdict.stopped_at:
        return action.kind is not ActionKind.ASSIGNED
    return is_verdict(action)
