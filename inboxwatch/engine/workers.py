"""Workers that share a store: they enter themselves, and what they leave behind is taken up."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.store import Transaction


def enter(tx: Transaction, name: str, version: str, now: datetime) -> int:
    """Enters a worker that begins, by its host and process; returns its number."""
    return tx.workers.enter(name, version, now)


def free_claims(tx: Transaction, me: int, now: datetime) -> int:
    """Gives back the deliveries that were in the hands of workers that live no more; returns how many.

    Whoever asks lives, though its own session may be lost just now.
    """
    return tx.deliveries.free(tx.workers.living() | {me}, now)
