"""Workers that share a store: they enter themselves, are listed, and what they leave behind is taken up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import MailboxId
from inboxwatch.core.shards import House, shard_of
from inboxwatch.store import Transaction
from inboxwatch.store.workers import ShardRecord, WorkerRecord


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker that lives, and what it reads."""

    worker: WorkerRecord
    leaving: bool
    shards: int
    mailboxes: tuple[MailboxId, ...]
    since: datetime | None
    """When it took a shard last (UTC)."""


@dataclass(frozen=True, slots=True)
class HouseView:
    """Who reads what now."""

    workers: tuple[WorkerView, ...]
    unread: tuple[MailboxId, ...]
    """Mailboxes that nobody reads."""


def enter(tx: Transaction, name: str, version: str, now: datetime) -> int:
    """Enters a worker that begins, by its host and process; returns its number."""
    return tx.workers.enter(name, version, now)


def free_claims(tx: Transaction, me: int, now: datetime) -> int:
    """Gives back the deliveries that were in the hands of workers that live no more; returns how many.

    Whoever asks lives, though its own session may be lost just now.
    """
    return tx.deliveries.free(tx.workers.living() | {me}, now)


def list_workers(tx: Transaction, mailboxes: Iterable[MailboxId]) -> HouseView:
    """The workers that live, by what their locks say, and who of them reads which of the mailboxes."""
    house, living = tx.workers.house(), tx.workers.living()
    taken = tx.workers.shards()
    boxes = list(mailboxes)
    views = tuple(_view(one, house, taken, boxes) for one in tx.workers.all() if one.number in living)
    return HouseView(views, tuple(box for box in boxes if shard_of(box) not in house.owners))


def _view(one: WorkerRecord, house: House, taken: Iterable[ShardRecord], boxes: Iterable[MailboxId]) -> WorkerView:
    owned = house.owned(one.number)
    since = max((shard.since for shard in taken if shard.number in owned and shard.worker == one.number), default=None)
    read = tuple(box for box in boxes if shard_of(box) in owned)
    return WorkerView(one, one.number not in house.workers, len(owned), read, since)
