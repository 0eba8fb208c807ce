"""What a jump of this machine's time of day changes in the store, and that IT hears of it.

Nearly everything is an instant in UTC and stays one: receipts by mail servers, due times, snoozes. What a process has
reckoned from its own clock, "try again in a minute", is all that a clock that is set back would stretch.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, messages
from inboxwatch.store import Transaction


def clock_jumped(tx: Transaction, rules: Rules, by: timedelta, now: datetime) -> None:
    """Takes note of a jump: `by` is negative where the clock was set back, `now` is the time of day after it (UTC)."""
    if by < timedelta(0):
        tx.deliveries.hasten(now)
    body = {"title": messages.clock_jumped(by=by)}
    key = f"clock-jump/{now.isoformat()}"
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, key, rules.config.it_alerts, now, **body))
