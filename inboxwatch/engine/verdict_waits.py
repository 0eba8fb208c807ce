"""The wait that awaits a verdict: both have one owner and one hold, so that deeds are those of the wait."""

from __future__ import annotations

from inboxwatch.core.model import ClockId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_verdict
from inboxwatch.core.wait_view import WaitView
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


def wait_of(tx: Transaction, clock: ClockRecord) -> ClockRecord:
    """The wait on which whoever is told of a clock acts: of a verdict the one that awaits it, else itself."""
    if clock.metric is not Metric.VERDICT:
        return clock
    return tx.clocks.get(clock_id(clock.started_by, Metric.FIRST_RESPONSE)) or clock


def concerns(tx: Transaction, clock: ClockRecord | WaitView, action: Action) -> bool:
    """Whether something was done to a clock; to a verdict as long as it was awaited, and what is said then. Its owner
    is whose the wait was just before (rule 44).
    """
    if action.clock in clock.ids:
        return True
    over = clock.stopped_at is not None and action.at > clock.stopped_at
    if clock.metric is not Metric.VERDICT or (over and not is_verdict(action)):
        return False
    if action.kind is ActionKind.ASSIGNED and action.at == clock.stopped_at:
        return False
    return action.clock in ids_of_wait(tx, clock)


def ids_of_wait(tx: Transaction, clock: ClockRecord | WaitView) -> frozenset[ClockId]:
    """The ids of a clock, and of the wait that awaits it as a verdict: under these deeds are recorded."""
    if clock.metric is not Metric.VERDICT:
        return clock.ids
    wait = tx.clocks.get(clock_id(clock.started_by, Metric.FIRST_RESPONSE))
    return clock.ids | wait.ids if wait is not None else clock.ids
