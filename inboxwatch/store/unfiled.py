"""Mail that concerns no lead: that a mailbox has it, and as what it was taken. Most mail of a house is such.

Of each message the beginning of its keyed hash is kept: enough among billions, and one that is taken for another is
not found again by a later answer, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select

from inboxwatch.core.mail.classify import Answered
from inboxwatch.core.model import Direction, FolderRole, Kind, MessageId
from inboxwatch.store import tables
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.upsert import insert_missing

_unfiled = tables.unfiled
_COLUMNS = ("key", "mailbox", "ref", "role", "at", "direction", "kind", "conversation", "read_at", "quiet", "late")
BYTES = 8
"""Of a hash that are kept."""
_BY_KEYS = select(_unfiled).where(one_of_given(_unfiled.c.key))
_ANSWERED = select(*(_unfiled.c[name] for name in ("key", "direction", "kind", "at"))).where(
    one_of_given(_unfiled.c.key)
)


def number_of(key: str) -> int:
    """What is kept of a keyed hash: its beginning."""
    return int.from_bytes(bytes.fromhex(key[: 2 * BYTES]), "big", signed=True)


class FirstReading(NamedTuple):
    """When and how a message was read."""

    at: datetime
    quiet: bool
    """By a reading that pages nobody."""
    late: bool
    """It was laid there long after its own time: it was not there when we looked."""


class Passed(NamedTuple):
    """A message of nobody's, as one mailbox has it."""

    id: MessageId
    ref: str
    role: FolderRole
    at: datetime
    """When the mailbox received it."""
    direction: Direction
    kind: Kind
    conversation: str | None = None
    read: FirstReading | None = None
    """Of what may turn out to concern a lead, and is read again then."""


class Unfiled:
    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a Message-ID."""
        self._connection = connection
        self._key = key

    def add(self, mailbox: str, passed: Iterable[Passed]) -> int:
        """Keeps what a mailbox had; returns how many were new to it."""
        rows = []
        for one in passed:
            how = (one.read.at, one.read.quiet, one.read.late) if one.read is not None else (None, None, None)
            told = (one.ref, one.role, one.at, one.direction, one.kind, one.conversation)
            rows.append((number_of(self._key(one.id)), mailbox, *told, *how))
        # In the order of the table: its pages are looked for once.
        rows.sort(key=itemgetter(0))
        return insert_missing(self._connection, _unfiled, [dict(zip(_COLUMNS, row, strict=True)) for row in rows])

    def file(self, ids: Iterable[MessageId]) -> None:
        """Says that messages are a lead's now: whatever mailboxes had of them are sightings."""
        keys = {number_of(self._key(id_)): self._key(id_) for id_ in ids}
        found = self._connection.execute(_BY_KEYS, given(keys)).all() if keys else ()
        if not found:
            return
        rows = [
            {name: getattr(row, name) for name in ("mailbox", "ref", "role", "at", "conversation")}
            | {"key": keys[row.key]}
            for row in found
        ]
        insert_missing(self._connection, tables.sighting, rows)
        self._connection.execute(delete(_unfiled).where(one_of(_unfiled.c.key, keys)))

    def read(self, ids: Iterable[MessageId], mailbox: str | None = None) -> set[MessageId]:
        """Which messages were read and are nobody's, in a mailbox or in any."""
        by_number = {number_of(self._key(id_)): id_ for id_ in ids}
        its = one_of(_unfiled.c.key, by_number)
        where = its if mailbox is None else and_(its, _unfiled.c.mailbox == mailbox)
        return {by_number[key] for key in self._connection.execute(select(_unfiled.c.key).where(where)).scalars()}

    def answered(self, ids: Iterable[MessageId]) -> dict[MessageId, Answered]:
        """What is known of messages that others answer. Of several copies ours counts, then the earliest."""
        by_number = {number_of(self._key(id_)): id_ for id_ in ids}
        rows = self._connection.execute(_ANSWERED, given(by_number)) if by_number else ()
        found: dict[MessageId, Answered] = {}
        for row in rows:
            one, id_ = Answered(Direction(row.direction), Kind(row.kind), row.at), by_number[row.key]
            before = found.get(id_, one)
            found[id_] = min(before, one, key=lambda each: (not each.is_ours, each.at))
        return found

    def conversations(self, ids: Iterable[MessageId]) -> dict[MessageId, set[str]]:
        """To which conversations the providers count messages, in all mailboxes that had them."""
        by_number = {number_of(self._key(id_)): id_ for id_ in ids}
        rows = select(_unfiled.c.key, _unfiled.c.conversation)
        rows = rows.where(one_of(_unfiled.c.key, by_number), _unfiled.c.conversation.is_not(None))
        found: dict[MessageId, set[str]] = {}
        for key, conversation in self._connection.execute(rows) if by_number else ():
            found.setdefault(by_number[key], set()).add(conversation)
        return found
