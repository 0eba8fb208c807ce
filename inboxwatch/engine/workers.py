"""Workers that share a store: they enter themselves."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.store import Transaction


def enter(tx: Transaction, name: str, version: str, now: datetime) -> int:
    """Enters a worker that begins, by its host and process; returns its number."""
    return tx.workers.enter(name, version, now)
