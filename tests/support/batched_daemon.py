"""A daemon whose mail a test writes batch by batch, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.engine.evaluate import Evaluated
from inboxwatch.engine.ingest import Ingested
from inboxwatch.store import tables
from tests.support.engine import Engine
from tests.support.in_process_daemon import MONDAY, InProcessDaemon
from tests.support.message_bytes import message_bytes

ANA, SALES = MailboxId("ana"), MailboxId("sales")
BO = "bo@buyer.test"


class BatchedDaemon(InProcessDaemon):
    """An in-process daemon that reads the batches a test makes, and shows what they left in the store."""

    def __init__(self, folder: Path, store: str) -> None:
        super().__init__(folder, store=store)
        self.held: dict[MailboxId, list[RawMessage]] = {}
        """What the mailboxes have, as far as it was read."""
        self.lead(BO, owner="ana", name="Bo Lind")
        with self.store.transaction() as tx:
            for name in self.config.mailboxes:
                tx.cursors.first_sight(name, done=True)

    def raw(self, sender: str, to: str, minutes: float, **words: Any) -> RawMessage:
        """A message that the server received so many minutes after nine."""
        at = MONDAY + timedelta(minutes=minutes)
        role = FolderRole.SENT if "@acme.test" in sender else FolderRole.INBOX
        header = message_bytes(sender, to, at=at, **words).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self._number += 1
        return RawMessage(f"{role}/{self._number}", role, at, header)

    def asks(self, id: str, minutes: float, **words: Any) -> RawMessage:  # noqa: A002  (a Message-ID)
        return self.raw(words.pop("sender", BO), words.pop("to", "ana@acme.test"), minutes, id=id, **words)

    def replies(self, id: str, minutes: float, to: str, **words: Any) -> RawMessage:  # noqa: A002
        return self.raw(words.pop("sender", "ana@acme.test"), BO, minutes, id=id, answers=to, **words)

    def reads(self, *raws: RawMessage, mailbox: MailboxId = ANA, quiet: bool = False, **more: Any) -> Ingested:
        """One batch of a mailbox, read completely."""
        cursor = self.cursor(mailbox)
        more.setdefault("seen_until", self.at)
        batch = Batch(raws, Cursor(str(int(cursor or 0) + 1)), **more)
        self.held.setdefault(mailbox, []).extend(raws)
        return self.engine.ingest(mailbox, batch, cursor, self.at, quiet=quiet)

    def reads_again(self) -> None:
        """What is to be read again is, mailbox after mailbox, until nothing is."""
        while any(self.engine.read_again(box, raws, self.at) for box, raws in self.held.items()):
            pass

    def cursor(self, mailbox: MailboxId) -> str | None:
        with self.store.reading() as tx:
            row = tx.mailboxes.get(mailbox)
        return row.cursor if row else None

    def clock(self, id: str) -> Any:  # noqa: A002
        with self.store.reading() as tx:
            return tx.clocks.get(id)

    def clocks(self) -> list[Any]:
        with self.store.reading() as tx:
            found = select(tables.clock).where(tables.clock.c.metric != "follow_up")
            return list(tx.connection.execute(found.order_by(tables.clock.c.started_at, tables.clock.c.id)))

    def owed(self, kind: str = "escalation") -> list[Any]:
        with self.store.reading() as tx:
            found = select(tables.delivery).where(tables.delivery.c.type == kind).order_by(tables.delivery.c.id)
            return list(tx.connection.execute(found))

    def steps(self) -> list[tuple[int, int, str]]:
        """What was owed of the ladders: (step, round, target)."""
        return [(row.step, row.round, row.target) for row in self.owed()]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table; a database gives them in no order."""
        with self.store.reading() as tx:
            return {
                table.name: sorted((tuple(row) for row in tx.connection.execute(select(table))), key=repr)
                for table in tables.metadata.sorted_tables
            }

    def passes(self, time: timedelta, *, seen: bool = True) -> Evaluated:
        """Lets time pass until nothing more is owed at that instant."""
        self.at += time
        if seen:
            with self.store.transaction() as tx:
                for name in self.config.mailboxes:
                    tx.cursors.seen(name, self.at)
        settled = self.engine.tick(self.at, looked=self.at)
        assert self.engine.tick(self.at, looked=self.at).notified == 0, "one turn tells all that is owed of a clock"
        return settled

    def restarts(self) -> None:
        """Another process opens the same store."""
        channels = {name: one.connect() for name, one in self.config.channels.items()}
        self.engine = Engine(self.store, self.config, channels)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
