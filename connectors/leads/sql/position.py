"""The cursor of a SQL source: what the last list was, by sums of its rows, and the greatest `changed_at` seen."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from inboxwatch.connector import Cursor

OVERLAP = timedelta(minutes=2)
"""Transactions commit after the time that they wrote."""
_WHOLE_EVERY = timedelta(days=1)
_AHEAD = timedelta(hours=1)
"""Clocks of engines that share a store differ."""
_PARTS = 256
_WIDTH = 12
_BITS = 8 * _WIDTH
_UNKNOWN = (1 << _BITS) - 1

Value = datetime | date | int | float | Decimal | str | bytes
"""What a column `changed_at` may hold."""


class ListSums:
    """A list of rows, whatever their order, as one sum for each of 256 parts that their keys fall into.

    A part whose sum is as it was has the rows that it had.
    """

    def __init__(self, sums: list[int] | None = None) -> None:
        self._sums = sums or [0] * _PARTS

    def add(self, key: str, row: bytes) -> None:
        part = part_of(key)
        digest = blake2b(row, digest_size=_WIDTH, person=b"list sums").digest()
        self._sums[part] = (self._sums[part] + int.from_bytes(digest)) % _UNKNOWN

    def differing(self, before: ListSums | None) -> frozenset[int]:
        """The parts that are not as they were."""
        if before is None:
            return frozenset(range(_PARTS))
        return frozenset(part for part in range(_PARTS) if self._sums[part] != before._sums[part])

    def without(self, parts: frozenset[int]) -> ListSums:
        """These, with some parts of which nothing is known."""
        return ListSums([_UNKNOWN if part in parts else one for part, one in enumerate(self._sums)])

    def encoded(self) -> str:
        return base64.b85encode(b"".join(one.to_bytes(_WIDTH) for one in self._sums)).decode()

    @classmethod
    def decoded(cls, text: str) -> ListSums:
        """Raises ValueError."""
        raw = base64.b85decode(text)
        if len(raw) != _PARTS * _WIDTH:
            raise ValueError("no sums of a list")
        return cls([int.from_bytes(raw[at : at + _WIDTH]) for at in range(0, len(raw), _WIDTH)])


def part_of(key: str) -> int:
    """Which part of a list a row belongs to."""
    return blake2b(key.encode(), digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class SqlPosition:
    """Where reading stands."""

    query: str
    """A digest of what is asked: another question begins from nothing."""
    sums: ListSums | None = None
    """Of the list that was taken over; None: there is none, or changes are asked for."""
    since: Value | None = None
    """The greatest `changed_at` seen; None: there is none."""
    since_at: datetime | None = None
    """When that was first seen."""
    settled: bool = False
    """Whether it was asked for with the overlap, later than that: no transaction that is older can still commit."""
    whole_at: datetime | None = None
    """When the last whole pass began; None: the next look is one."""
    step: str = ""
    """Tells the batches of one look apart: no two batches leave the same cursor."""

    def due(self, now: datetime) -> bool:
        """Whether a whole pass is, where changes are asked for. A clock that was set back far does not put it off."""
        return self.whole_at is None or self.since is None or not now - _WHOLE_EVERY < self.whole_at < now + _AHEAD

    @property
    def bound(self) -> Value | None:
        """What `:since` is in the next question."""
        return self.since if self.settled or self.since is None else earlier(self.since)

    def seen(self, greatest: Value | None, now: datetime) -> SqlPosition:
        """After a look for changes. Raises TypeError where values cannot be compared."""
        if greatest is not None and (self.since is None or greatest > self.since):  # type: ignore[operator]
            return replace(self, since=greatest, since_at=now, settled=False)
        return replace(self, settled=self.settled or self.since_at is None or abs(now - self.since_at) >= OVERLAP)

    def encoded(self) -> Cursor:
        held: dict[str, Any] = {"v": 1, "query": self.query, "step": self.step, "settled": self.settled}
        held["sums"] = self.sums and self.sums.encoded()
        held["since"] = None if self.since is None else _told(self.since)
        held["since_at"] = self.since_at and self.since_at.isoformat()
        held["whole_at"] = self.whole_at and self.whole_at.isoformat()
        return Cursor(json.dumps(held, separators=(",", ":")))

    @classmethod
    def decoded(cls, cursor: Cursor | None, query: str) -> SqlPosition:
        """A cursor that is not ours, or of another question, is none."""
        try:
            held = json.loads(cursor or "")
            if held["v"] != 1 or held["query"] != query:
                return cls(query)
            return cls(
                query,
                ListSums.decoded(held["sums"]) if held["sums"] else None,
                None if held["since"] is None else _value(*held["since"]),
                held["since_at"] and _aware(held["since_at"]),
                bool(held["settled"]),
                held["whole_at"] and _aware(held["whole_at"]),
            )
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            return cls(query)


def earlier(value: Value) -> Value:
    """A time less the overlap; numbers and other texts are as they are."""
    if isinstance(value, datetime):
        return value - OVERLAP
    if isinstance(value, date):
        return value - timedelta(days=1)
    if isinstance(value, str):
        try:
            return (datetime.fromisoformat(value) - OVERLAP).isoformat(sep=value[10:11] or " ")
        except ValueError:
            return value
    return value


_KINDS: dict[str, Any] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "int": int, "float": float, "Decimal": Decimal,
    "str": str, "bytes": bytes.fromhex,
}  # fmt: skip


def _told(value: Value) -> tuple[str, str]:
    if isinstance(value, datetime | date):
        return type(value).__name__, value.isoformat()
    return type(value).__name__, value.hex() if isinstance(value, bytes) else str(value)


def _value(kind: str, text: str) -> Value:
    found: Value = _KINDS[kind](text)
    return found


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
