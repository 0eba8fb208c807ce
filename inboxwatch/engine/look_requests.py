"""A look before a step into mailboxes that other workers read: asked for in the store, and answered there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from inboxwatch.store import Transaction


class LookAnswers(NamedTuple):
    """How a request stands; a mailbox is in one of the sets, or was read."""

    open: frozenset[str]
    """Still to be read."""
    unread: frozenset[str]
    """They could not be read."""


def ask(tx: Transaction, mailboxes: Collection[str], now: datetime) -> None:
    """Wants mailboxes to be read now, by whoever reads them."""
    tx.look_requests.ask(mailboxes, now)


def answers(tx: Transaction, mailboxes: Collection[str], asked: datetime) -> LookAnswers:
    """What became of a request that was made at `asked`."""
    rows = {name: tx.mailboxes.get(name) for name in mailboxes}
    read = {name for name, row in rows.items() if row is not None and row.seen_until and row.seen_until >= asked}
    still = tx.look_requests.open(sorted(set(mailboxes) - read))
    return LookAnswers(frozenset(still), frozenset(set(mailboxes) - read - still))


def answer(tx: Transaction, mailbox: str, begun: datetime) -> None:
    """A mailbox was read, from `begun` on, or could not be."""
    tx.look_requests.answer(mailbox, begun)
