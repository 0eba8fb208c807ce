"""What is older than the config keeps is erased, a little at a time, and stays counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import ExpiredMark
from inboxwatch.store.retention import ROWS, THREADS

EVERY = timedelta(hours=1)
"""From one search for what is too old to the next, once nothing is left of it."""


def expire(tx: Transaction, rules: Rules, now: datetime) -> int:
    """Erases one batch of what is older than `history.keep`; returns how much. Nothing goes that an open wait needs, or
    a thread in which anything has happened since: a thread goes whole or not at all.
    """
    keep = rules.config.keep
    if keep is None:
        return 0
    last = tx.marks.get(ExpiredMark())
    if last is not None and last <= now < last + EVERY:
        return 0
    cutoff = now - keep
    threads = tx.retention.expired_threads(cutoff)
    before = tx.retention.figures(now)
    messages = tx.retention.erase_threads(threads)
    rest = tx.retention.erase_rest(cutoff)
    if threads or any(rest.values()):
        tx.retention.keep_figures(before, now)
    if len(threads) < THREADS and max(rest.values()) < ROWS:
        tx.marks.set(ExpiredMark(), now)
    return messages + sum(rest.values())
