"""Mail that concerned no lead when it was read: keyed hashes by which it is found again, and what is to be read again.

What we answered to a stranger may be read before the question, and a stranger's mail to one of us before the same
stranger writes to the team. Of such mail nothing is kept but hashes of its clues (`core.mail.strangers`) beside what
`unfiled` has; when a clue turns up in a lead's mail, the message is read again from the mailbox that has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from inboxwatch.core.mail.strangers import id_of
from inboxwatch.core.model import Direction, Kind, MessageId
from inboxwatch.store import tables
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.quarantine import SetAside
from inboxwatch.store.unfiled import BYTES, number_of
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_clue, _recall, _unfiled = tables.clue, tables.recall, tables.unfiled
_LEADING = select(_clue.c.key).where(one_of_given(_clue.c.clue)).distinct()
_READ = select(*(_unfiled.c[name] for name in ("key", "mailbox", "ref", "read_at", "quiet", "late"))).where(
    one_of_given(_unfiled.c.key), _unfiled.c.read_at.is_not(None)
)
"""What of given mail of nobody's may turn out to concern a lead."""
_READ_MACHINES = _READ.where(_unfiled.c.direction == Direction.INBOUND.value, _unfiled.c.kind != Kind.HUMAN.value)


class Strangers:
    def __init__(self, connection: Connection, salt: bytes, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a Message-ID."""
        self._connection = connection
        self._key = key
        self._hash = hashlib.blake2b(b"clue\0", key=salt[:64], digest_size=16)
        self._digests: dict[str, int] = {}

    def keep(self, clues: Mapping[MessageId, Iterable[str]], now: datetime) -> None:
        """Keeps the clues of messages of nobody's, read now."""
        rows = {(self._digest(clue), self._number(id_)) for id_, its in clues.items() for clue in its}
        day = now.toordinal()
        # In the order of the table: its pages are looked for once.
        insert_missing(self._connection, _clue, [{"clue": one, "key": key, "day": day} for one, key in sorted(rows)])

    def forget(self, passed: Mapping[MessageId, Sequence[str]]) -> None:
        """Lets go of the clues of messages that were read again."""
        for id_, clues in passed.items():
            its = (one_of(_clue.c.clue, map(self._digest, clues)), _clue.c.key == self._number(id_))
            self._connection.execute(delete(_clue).where(*its))

    def led_to(self, clues: Iterable[str]) -> int:
        """How many hashes of the clues are kept."""
        counted = select(func.count()).select_from(_clue)
        its = one_of(_clue.c.clue, map(self._digest, clues))
        return int(self._connection.execute(counted.where(its)).scalar_one())

    def let_go(self, clues: Iterable[str]) -> None:
        """Lets nothing be found by the clues any more."""
        self._connection.execute(delete(_clue).where(one_of(_clue.c.clue, map(self._digest, clues))))

    def recall(self, of_leads: Iterable[str], of_ours: Iterable[str], now: datetime) -> None:
        """Has what is nobody's read again that a clue leads to: by those of leads all, by those of ours only what
        strangers wrote and what was not taken for a person's.
        """
        found = self._found(of_leads, _READ) | self._found(of_ours, _READ_MACHINES)
        self._read_again(found.values(), now)

    def recall_quietly(self, of_leads: Iterable[str], now: datetime) -> None:
        """Has what a clue of new leads leads to read again: what of it is overdue by now is history."""
        found = self._found(of_leads, _READ).values()
        self._read_again([row | {"at": now, "quiet": True} for row in found], now)

    def _read_again(self, rows: Iterable[Mapping[str, object]], now: datetime) -> None:
        again = [{**row, "tries": 0, "again_at": now} for row in rows]
        upsert(self._connection, _recall, again, ["tries", "again_at"])

    def _found(self, clues: Iterable[str], which: Select[Any]) -> dict[tuple[int, str], dict[str, object]]:
        """The rows of what clues lead to, by the message's number and the mailbox."""
        asked = list(clues)
        if not asked:
            return {}
        digests = [self._digest(clue) for clue in asked]
        leading = self._connection.execute(_LEADING, given(digests)).scalars()
        numbers = {*leading, *map(self._number, filter(None, map(id_of, asked)))}
        return {
            (row.key, row.mailbox): {
                "mailbox": row.mailbox, "ref": row.ref, "at": row.read_at, "quiet": row.quiet, "late": row.late,
            }
            for row in self._connection.execute(which, given(numbers))
        }  # fmt: skip

    def due(self, mailbox: str, now: datetime, most: int) -> list[SetAside]:
        """What of a mailbox is to be read again now, the longest due first."""
        mine = (_recall.c.mailbox == mailbox, _recall.c.again_at <= now)
        rows = select(_recall).where(*mine).order_by(_recall.c.again_at, _recall.c.ref).limit(most)
        return [
            SetAside(row.ref, "", row.quiet, row.tries, row.at, recalled=True, late=row.late)
            for row in self._connection.execute(rows)
        ]

    def tried(self, mailbox: str, again: Mapping[str, datetime | None]) -> None:
        """Counts one more try of each ref, and when the next is due; None: never."""
        for ref, at in again.items():
            its = (_recall.c.mailbox == mailbox, _recall.c.ref == ref)
            self._connection.execute(update(_recall).where(*its).values(tries=_recall.c.tries + 1, again_at=at))

    def release(self, mailbox: str, refs: Collection[str]) -> None:
        """Lets go of what was read again, or is no more."""
        for part in chunks(sorted(refs)):
            self._connection.execute(delete(_recall).where(_recall.c.mailbox == mailbox, _recall.c.ref.in_(part)))

    def _digest(self, clue: str) -> int:
        if (digest := self._digests.get(clue)) is None:
            hashed = self._hash.copy()
            hashed.update(clue.encode("utf-8", "surrogateescape"))
            digest = self._digests[clue] = int.from_bytes(hashed.digest()[:BYTES], "big", signed=True)
        return digest

    def _number(self, id_: str) -> int:
        return number_of(self._key(id_))
