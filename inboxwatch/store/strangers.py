"""Mail that concerned no lead when it was read: keyed hashes by which it is found again, and what is to be read again.

What we answered to a stranger may be read before the question, and a stranger's mail to one of us before the same
stranger writes to the team. Of such mail nothing is kept but hashes of its clues (`core.mail.strangers`) beside the
hash of its id; when a clue turns up in a lead's mail, the message is read again from the mailbox that has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, true, update

from inboxwatch.core.model import Direction, Kind
from inboxwatch.store import tables
from inboxwatch.store.one_of import one_of
from inboxwatch.store.quarantine import SetAside
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_clue, _recall, _message, _sighting = tables.clue, tables.recall, tables.message, tables.sighting
_BYTES = 8
"""Of a hash that are kept with clues: enough among billions. One that leads to a wrong message has it read in vain."""


class Passed(NamedTuple):
    """A message of nobody's, as one mailbox has it."""

    key: str
    """The keyed hash of its Message-ID."""
    clues: Sequence[str]
    late: bool
    """It was laid there long after its own time: it was not there when we looked."""


class Strangers:
    def __init__(self, connection: Connection, salt: bytes) -> None:
        self._connection = connection
        self._hash = hashlib.blake2b(b"clue\0", key=salt[:64], digest_size=16)
        self._digests: dict[str, int] = {}

    def keep(self, mailbox: str, passed: Iterable[Passed], now: datetime, *, quiet: bool) -> None:
        """Keeps the clues of messages that a mailbox had, read now; `quiet`: by a reading that pages nobody."""
        kept, day = list(passed), now.toordinal()
        rows = [
            {"clue": self._digest(clue), "key": key, "day": day}
            for key, clues in ((_number(bytes.fromhex(one.key)), one.clues) for one in kept)
            for clue in dict.fromkeys(clues)
        ]
        insert_missing(self._connection, _clue, rows)
        for late in (False, True):
            how = {"read_at": now, "quiet": quiet, "late": late}
            self._note(mailbox, [one.key for one in kept if one.late is late], _sighting.c.read_at.is_(None), how)

    def forget(self, mailbox: str, passed: Iterable[Passed]) -> None:
        """Lets go of the clues of messages that were read again."""
        gone = list(passed)
        for one in gone:
            its = (one_of(_clue.c.clue, map(self._digest, one.clues)), _clue.c.key == _number(bytes.fromhex(one.key)))
            self._connection.execute(delete(_clue).where(*its))
        self._note(mailbox, [one.key for one in gone], true(), {"read_at": None, "quiet": None, "late": None})

    def _note(self, mailbox: str, keys: Sequence[str], which: ColumnElement[bool], how: Mapping[str, object]) -> None:
        """Notes with the sightings of messages how they were read."""
        if keys:
            seen = update(_sighting).where(one_of(_sighting.c.key, keys), _sighting.c.mailbox == mailbox, which)
            self._connection.execute(seen.values(how))

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
        machines = and_(_message.c.direction == Direction.INBOUND.value, _message.c.kind != Kind.HUMAN.value)
        found = self._found(of_leads, _message.c.thread.is_(None))
        found |= self._found(of_ours, and_(_message.c.thread.is_(None), machines))
        if not found:
            return
        upsert(
            self._connection,
            _recall,
            [row | {"tries": 0, "again_at": now} for row in found.values()],
            ["tries", "again_at"],
        )

    def _found(self, clues: Iterable[str], which: ColumnElement[bool]) -> dict[tuple[str, str], dict[str, object]]:
        """The rows of what clues lead to, by the message's key and the mailbox."""
        digests = list(map(self._digest, clues))
        leading = select(_clue.c.key).where(one_of(_clue.c.clue, digests)).distinct()
        beginnings = self._connection.execute(leading).scalars().all() if digests else ()
        columns = (
            _sighting.c.key, _sighting.c.mailbox, _sighting.c.ref,
            _sighting.c.read_at, _sighting.c.quiet, _sighting.c.late,
        )  # fmt: skip
        found: dict[tuple[str, str], dict[str, object]] = {}
        for part in chunks(beginnings, 100):
            rows = select(*columns).join(_message, _message.c.key == _sighting.c.key)
            rows = rows.where(_sighting.c.read_at.is_not(None), or_(*map(_begins_with, part)), which)
            for row in self._connection.execute(rows):
                told = {"mailbox": row.mailbox, "ref": row.ref, "quiet": row.quiet, "late": row.late}
                found[row.key, row.mailbox] = told | {"at": row.read_at}
        return found

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
            digest = self._digests[clue] = _number(hashed.digest())
        return digest


def _number(hashed: bytes) -> int:
    """What is kept of a hash with clues: its beginning."""
    return int.from_bytes(hashed[:_BYTES], "big", signed=True)


def _begins_with(number: int) -> ColumnElement[bool]:
    """Whether that is kept of the key of a sighting; as a range, so that its index is used."""
    beginning = number.to_bytes(_BYTES, "big", signed=True).hex()
    return _sighting.c.key.between(beginning + 2 * _BYTES * "0", beginning + 2 * _BYTES * "f")
