"""Claims what is due on a channel, and says what it must read before it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from inboxwatch.engine.delivery.compose import Composed, Composer, mailboxes_of
from inboxwatch.engine.delivery.enqueue import reader
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import ABOUT_WAITS, MANY, NoticeType, Recipient
from inboxwatch.store import Transaction
from inboxwatch.store.deliveries import MOST
from inboxwatch.store.records import DeliveryRecord, DeliveryState

LEASE = timedelta(minutes=3)
"""How long a claim stands; longer than any channel may take to send."""
GATHER = timedelta(seconds=5)
"""How long the first steps of a flood wait for the others."""


def claim(
    tx: Transaction, channel: str, now: datetime, most: int = MOST, worker: int | None = None
) -> list[DeliveryRecord]:
    """The next bundle of a channel, for a worker; rows whose wait is over are cancelled instead."""
    if _gathering(tx, channel, now):
        return []
    return _still_wanted(tx, tx.deliveries.claim(channel, now, LEASE, most, worker), now)


def mailboxes(tx: Transaction, rules: Rules, rows: Sequence[DeliveryRecord]) -> tuple[set[str], set[str]]:
    """The mailboxes that should hold the answers of a bundle's waits, and the others that might."""
    nearest = mailboxes_of(tx, rules, rows)
    return nearest, rules.context.colleagues(tx.mailboxes.all()) - nearest


def render(
    tx: Transaction, rules: Rules, rows: Sequence[DeliveryRecord], now: datetime, *, unread: bool = False
) -> Composed | None:
    """What a bundle says as of now, which is about to leave; None: nothing any more.

    `unread` says that a mailbox that could hold the answer could not be read just now.
    """
    rows = _still_claimed(tx, rows)
    if not rows:
        return None
    first, composer = rows[0], Composer(tx, rules, now)
    if first.type not in ABOUT_WAITS:
        if (composed := composer.single(first)) is None:
            tx.deliveries.settle([first.id], DeliveryState.CANCELLED, now)
        return composed
    rows = _still_wanted(tx, rows, now)
    if not rows:
        return None
    tx.deliveries.depart([row.id for row in rows])
    return composer.bundle(rows, unread)


def reader_of(rules: Rules, rows: Sequence[DeliveryRecord]) -> Recipient | None:
    """The person who reads a bundle, where it is one."""
    people = {row.person for row in rows}
    person = people.pop() if len(people) == 1 else None
    known = rules.config.people.get(person) if person else None
    return reader(known) if known else None


def _gathering(tx: Transaction, channel: str, now: datetime) -> bool:
    """True while many clocks are due and not yet told: a flood leaves as one message, not in pieces."""
    since = tx.deliveries.fresh_since(channel, now)
    return since is not None and now - since < GATHER and tx.clocks.due_many(now, MANY)


def _still_claimed(tx: Transaction, rows: Sequence[DeliveryRecord]) -> list[DeliveryRecord]:
    """Those that are neither settled nor in another worker's hands: one that froze may have lost its claim."""
    claimed_by = {row.id: row.claimed_by for row in rows}
    found = tx.deliveries.still_open(sorted(claimed_by))
    return [row for row in found if row.claimed_by == claimed_by[row.id]]


def _still_wanted(tx: Transaction, rows: Sequence[DeliveryRecord], now: datetime) -> list[DeliveryRecord]:
    """Cancels what is about open waits that are over, changes of owner that are so no more, and resolutions of waits
    that are none any more; returns the rest.
    """
    over = {row.id for row in rows if not _is_wanted(tx, row)}
    tx.deliveries.settle(sorted(over), DeliveryState.CANCELLED, now)
    return [row for row in rows if row.id not in over]


def _is_wanted(tx: Transaction, row: DeliveryRecord) -> bool:
    if row.type not in ABOUT_WAITS:
        return True
    clock = tx.clocks.get(row.clock) if row.clock is not None else None
    if row.type is not NoticeType.RESOLVED:
        # Whose it is when the message leaves counts: it may have moved on, or back, meanwhile.
        running, own = clock is not None and clock.state == "running", clock is not None and clock.owner == row.target
        return running and {NoticeType.ASSIGNED: own, NoticeType.UNASSIGNED: not own}.get(row.type, True)
    if row.withdrawn:
        return clock is None or clock.state != "running"
    return clock is not None
