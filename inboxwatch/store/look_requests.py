"""Mailboxes that some worker wants to be read now: asked here, answered by the worker that reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, text

from inboxwatch.store.shard_locks import HINT
from inboxwatch.store.upsert import chunks, upsert
from inboxwatch.store.worker_tables import look_request as _look


class LookRequests:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, mailboxes: Collection[str], now: datetime) -> None:
        """Wants mailboxes to be read; workers get a hint with the commit, and look by themselves every second."""
        rows = [{"mailbox": name, "wanted_at": now} for name in sorted(mailboxes)]
        upsert(self._connection, _look, rows, ["wanted_at"])
        self._connection.execute(text(HINT))

    def open(self, mailboxes: Sequence[str]) -> set[str]:
        """Which of the mailboxes are wanted, and nobody has answered yet."""
        found: set[str] = set()
        for part in chunks(mailboxes):
            found.update(self._connection.execute(select(_look.c.mailbox).where(_look.c.mailbox.in_(part))).scalars())
        return found

    def answer(self, mailbox: str, begun: datetime) -> None:
        """A reading that began then is over, or could not be: whoever had asked by then knows how it fared."""
        answered = delete(_look).where(_look.c.mailbox == mailbox, _look.c.wanted_at <= begun)
        self._connection.execute(answered)
