"""What a jump of this machine's time of day changes in the store, and that IT hears of it.

Nearly everything is an instant in UTC and stays one: receipts by mail servers, due times, snoozes. What a process has
reckoned from its own clock, "try again in a minute", is all that a clock that is set back would stretch.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxwatch.engine.erasure_clock import pass_time
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, alarm_messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import DigestsBeganMark, RunningMark

JUMP = timedelta(minutes=1)
"""What NTP sets right within that time, bit by bit, is no jump."""


def clock_jumped(tx: Transaction, rules: Rules, by: timedelta, now: datetime) -> None:
    """Takes note of a jump: `by` is negative where the clock was set back, `now` is the time of day after it (UTC)."""
    _take_note(tx, rules, by, alarm_messages.clock_jumped(by=by, words=rules.words), now)


def begin_again(tx: Transaction, rules: Rules, now: datetime) -> timedelta:
    """Takes note where the store was last worked on at a time that has not come yet: the clock was set back while no
    daemon ran, or was wrong then. Returns by how much, at least; nothing is told of it again at the next start.
    """
    pass_time(tx, now)
    last = tx.marks.get(RunningMark())
    behind = last - now if last is not None else timedelta(0)
    if behind < JUMP:
        return timedelta(0)
    _take_note(tx, rules, -behind, alarm_messages.clock_behind(by=behind, words=rules.words), now)
    return behind


def note_running(tx: Transaction, now: datetime) -> None:
    """That a daemon is at work now; for `begin_again`."""
    tx.marks.set(RunningMark(), now)


def _take_note(tx: Transaction, rules: Rules, by: timedelta, title: str, now: datetime) -> None:
    if by < timedelta(0):
        tx.deliveries.hasten(now)
        if (tx.marks.get(DigestsBeganMark()) or now) > now:
            tx.marks.set(DigestsBeganMark(), now)
    note_running(tx, now)
    body = {"title": title}
    key = f"clock-jump/{now.isoformat()}"
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, key, rules.config.it_alerts, now, **body))
