"""A wait that there is no more, as its last notice carries it: its clock is gone, and its end is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_type_hints

from inboxwatch.core.sla.clock import State
from inboxwatch.store.records import WITHDRAWN, ClockRecord, clock_from, clock_row

_TIMES = frozenset(name for name, hint in get_type_hints(ClockRecord).items() if hint in (datetime, datetime | None))


def withdrawn(clock: ClockRecord, now: datetime) -> ClockRecord:
    """A clock as it ends with its wait: nobody was late for what was never owed."""
    return clock._replace(
        state=State.ENDED,
        stop_reason=WITHDRAWN,
        stopped_by=None,
        stopped_at=now,
        answered_by=None,
        wall_seconds=(now - clock.started_at).total_seconds(),
        business_seconds=None,
        breached_at=None,
        acknowledged_until=None,
        snoozed_until=None,
        next_step=None,
        wake_at=None,
        held=False,
    )


def dump(clock: ClockRecord) -> dict[str, Any]:
    """A clock as JSON; times in ISO 8601."""
    row = clock_row(clock)
    return row | {name: row[name] and row[name].isoformat() for name in _TIMES}


def load(data: Mapping[str, Any]) -> ClockRecord:
    """The reverse of `dump`; what an older version has not told stays empty."""
    known = {name: data.get(name) for name in ClockRecord._fields}
    times = {name: datetime.fromisoformat(at) for name in _TIMES if (at := known[name]) is not None}
    return clock_from((known | times).values())
