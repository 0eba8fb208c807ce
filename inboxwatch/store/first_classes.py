"""What each inquiry was as it came: kept with its message, so that changed rules and lists never touch it (rule 41)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from inboxwatch.core.model import MessageId
from inboxwatch.core.qualification.decision import Decision
from inboxwatch.store import tables
from inboxwatch.store.mail import Mails
from inboxwatch.store.one_of import one_of

_message = tables.message
COLUMNS = tuple(_message.c[name] for name in ("message_id", "first_class", "first_class_by", "held_back"))
"""What `decision_of` reads, and of which message it is."""


class FirstClasses:
    def __init__(self, connection: Connection, mail: Mails) -> None:
        self._connection = connection
        self._key = mail.key

    def of_threads(self, threads: Sequence[str]) -> dict[MessageId, Decision]:
        """What the inquiries of threads were as they came."""
        found = select(*COLUMNS).where(one_of(_message.c.thread, threads), _message.c.first_class.is_not(None))
        return {MessageId(row.message_id): decision_of(row) for row in self._connection.execute(found)}

    def pin(self, decided: Mapping[MessageId, Decision]) -> None:
        """Keeps what inquiries are as they come, of those of which it was not known yet."""
        if not decided:
            return
        unknown = (_message.c.key == bindparam("its_key"), _message.c.first_class.is_(None))
        names = ("first_class", "first_class_by", "held_back")
        statement = update(_message).where(*unknown).values({name: bindparam(f"its_{name}") for name in names})
        rows: list[dict[str, Any]] = [
            {
                "its_key": self._key(id_),
                "its_first_class": one.gives,
                "its_first_class_by": one.by,
                "its_held_back": one.held_back or None,
            }
            for id_, one in decided.items()
        ]
        self._connection.execute(statement, rows)


def decision_of(row: Row[Any]) -> Decision:
    """What an inquiry was as it came."""
    return Decision(row.first_class, row.first_class_by or "", row.held_back or "")
