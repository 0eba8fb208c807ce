"""Clocks as rows of the store, for tests that need no mail for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from inboxwatch.core.model import ClockId, LeadId, MailboxId, MessageId, PersonId, ThreadId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.store.records import ClockRecord

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
LENGTH = timedelta(hours=1)
"""From a clock's start to its due time."""


def stored_clock(name: str, metric: Metric = Metric.FIRST_RESPONSE, **changes: Any) -> ClockRecord:
    """A running clock of Bo's, owned by Ana, of START."""
    plain = ClockRecord(
        ClockId(name), ThreadId("t1"), LeadId("bo@buyer.test"), metric, MessageId(f"{name}@buyer.test"), START,
        START + LENGTH, State.RUNNING, None, None, None, None, 0, None, (), "standard", "1", MailboxId("ana"), None,
        "hot", PersonId("ana"), START, None, None, None, None, None, None, None, False, None, False,
    )  # fmt: skip
    return plain._replace(**changes)


def stopped(clock: ClockRecord, state: State, reason: str, after: timedelta, **changes: Any) -> ClockRecord:
    """The clock as it ended some time after its start."""
    at, seconds = clock.started_at + after, after.total_seconds()
    late = clock.due_at if at > clock.due_at else None
    ended = clock._replace(state=state, stop_reason=reason, stopped_at=at, stopped_by="ana", breached_at=late)
    return ended._replace(wall_seconds=seconds, business_seconds=seconds, **changes)
