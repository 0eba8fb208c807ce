"""How far the history of each mailbox was read, beside the daemon's own position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from inboxwatch.core.model import MailboxId
from inboxwatch.store import tables
from inboxwatch.store.upsert import upsert

_fill = tables.backfill
_MOVE = (
    update(_fill)
    .where(
        _fill.c.mailbox == bindparam("of"),
        _fill.c.cursor.is_not_distinct_from(bindparam("expected")),
        _fill.c.finished_at.is_(None),
    )
    .values(
        cursor=bindparam("next"),
        read=_fill.c.read + bindparam("more"),
        remaining=bindparam("left"),
        at=bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class BackfillRecord:
    """How far the history of a mailbox was read."""

    mailbox: MailboxId
    since: datetime
    cursor: str | None
    read: int
    remaining: int | None
    at: datetime
    finished_at: datetime | None


class Backfills:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, mailbox: str) -> BackfillRecord | None:
        found = self._connection.execute(select(_fill).where(_fill.c.mailbox == mailbox)).first()
        return None if found is None else BackfillRecord(*found)

    def begin(self, mailbox: str, since: datetime, now: datetime) -> None:
        """Begins to read a mailbox from an instant on; what an earlier backfill had read so far is forgotten."""
        row = {"mailbox": mailbox, "since": since, "read": 0, "at": now}
        fresh = row | {"cursor": None, "remaining": None, "finished_at": None}
        upsert(self._connection, _fill, [fresh], [name for name in fresh if name != "mailbox"])

    def move(
        self, mailbox: str, expected: str | None, cursor: str, read: int, remaining: int | None, now: datetime
    ) -> bool:
        """Records a batch of `read` messages behind the cursor `expected`; False where another backfill moved it."""
        values = {"next": cursor, "more": read, "left": remaining, "now": now}
        return self._connection.execute(_MOVE, {"of": mailbox, "expected": expected} | values).rowcount == 1

    def finish(self, mailbox: str, now: datetime) -> None:
        done = update(_fill).where(_fill.c.mailbox == mailbox).values(remaining=0, at=now, finished_at=now)
        self._connection.execute(done)
