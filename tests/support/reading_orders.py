"""The same mail read in several orders by one daemon after another, and what each of them makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from inboxwatch.core.mail.copies import written_id
from inboxwatch.core.model import MailboxId, RawMessage
from inboxwatch.store import tables
from tests.support.batched_daemon import BatchedDaemon

Read = tuple[MailboxId, RawMessage]
Batches = Sequence[Sequence[int]]
"""The places of messages, batch by batch; each batch is of one mailbox."""


def each(order: Sequence[int]) -> Batches:
    """Every message a batch."""
    return [[place] for place in order]


class Readings:
    """Reads the mail that a function writes, in one order after another, each time with an empty store."""

    def __init__(self, folder: Path, mails: Callable[[BatchedDaemon], Sequence[Read]]) -> None:
        self._daemon = BatchedDaemon(folder, f"sqlite:///{folder}/store.db")
        self._mails = mails(self._daemon)

    def read(self, batches: Batches) -> dict[str, Any]:
        """Threads, parents, leads and waits, each message by its time: what names it here is no matter."""
        daemon = self._daemon
        self._empty()
        for places in batches:
            daemon.reads(*(self._mails[place][1] for place in places), mailbox=self._mails[places[0]][0])
        daemon.reads_again()
        with daemon.store.reading() as tx:
            rows = list(tx.connection.execute(select(tables.message).where(tables.message.c.thread.is_not(None))))
        at = {row.message_id: row.at for row in rows}
        threads: dict[str, set[Any]] = {}
        for row in rows:
            threads.setdefault(row.thread, set()).add(row.at)
        return {
            "threads": {frozenset(one) for one in threads.values()},
            "parents": {row.at: row.parent and (written_id(row.parent), at.get(row.parent)) for row in rows},
            "told": {row.at: (row.sender, row.lead, row.subject, row.kind, row.direction, row.author) for row in rows},
            "waits": {
                (row.lead, row.started_at): (row.state, row.stopped_at, row.answered_by, row.metric)
                for row in daemon.clocks()
            },
        }

    def agree(self, *orders: Batches) -> dict[str, Any]:
        """What comes of the mail, the same in all orders."""
        first = self.read(orders[0])
        for order in orders[1:]:
            assert self.read(order) == first, order
        return first

    def _empty(self) -> None:
        self._daemon.held.clear()
        kept = (tables.meta, tables.mailbox, tables.lead, tables.lead_address, tables.lead_domain)
        with self._daemon.store.transaction() as tx:
            for table in tables.metadata.sorted_tables:
                if table not in kept:
                    tx.connection.execute(delete(table))
        self._daemon.restarts()

    def close(self) -> None:
        self._daemon.close()


def states(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(lead, state) of the waits."""
    return sorted((lead, how[0]) for (lead, _), how in found["waits"].items())
