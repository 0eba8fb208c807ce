"""Where each mailbox was read to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, update

from inboxwatch.store import tables

_box = tables.mailbox
_MOVE = (
    update(_box)
    .where(_box.c.id == bindparam("of"), _box.c.cursor.is_not_distinct_from(bindparam("expected")))
    .values(cursor=bindparam("next"))
)


class Cursors:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def move(self, mailbox: str, expected: str | None, cursor: str) -> bool:
        """Sets the cursor if it still is the expected one (compare and set); False where another worker moved it."""
        moved = self._connection.execute(_MOVE, {"of": mailbox, "expected": expected, "next": cursor})
        return moved.rowcount == 1

    def seen(self, mailbox: str, until: datetime, now: datetime | None = None) -> None:
        """Everything that the mailbox received until an instant was read.

        With `now`, no earlier instant is set than is known: a reader that was frozen meanwhile has seen less than the
        one after it. An instant that has not come yet was told by a clock that has been set back.
        """
        chosen = [_box.c.id == mailbox]
        if now is not None:
            chosen.append(or_(_box.c.seen_until.is_(None), _box.c.seen_until < until, _box.c.seen_until > now))
        self._connection.execute(update(_box).where(*chosen).values(seen_until=until))

    def first_sight(self, mailbox: str, *, done: bool) -> None:
        """Whether the first reading of a mailbox is over; it begins again where a mailbox is read anew."""
        self._connection.execute(update(_box).where(_box.c.id == mailbox).values(first_sight_done=done))
