"""Who was forgotten: a keyed hash of the address and two times, so that mail read again does not bring them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from inboxwatch.core.leads import plain_address
from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, upsert

_forgotten = tables.forgotten
_ANY = select(_forgotten.c.key).limit(1)


class Erased(NamedTuple):
    """Since when somebody is forgotten (UTC)."""

    at: datetime
    """Mail from before it that was read then is nobody's."""
    until: datetime
    """So is mail from before it that was not: every mailbox had been read up to here."""


class Forgotten:
    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a word."""
        self._connection = connection
        self._key = key

    def add(self, emails: Iterable[str], erased: Erased) -> None:
        rows = [{"key": key, "at": erased.at, "until": erased.until} for key in sorted(set(map(self._named, emails)))]
        upsert(self._connection, _forgotten, rows, ["at", "until"])

    def among(self, emails: Iterable[str]) -> dict[str, Erased]:
        """Which of the addresses are forgotten people's."""
        if not self.any():
            return {}
        keys: dict[str, list[str]] = {}
        for email in set(emails):
            keys.setdefault(self._named(email), []).append(email)
        found: dict[str, Erased] = {}
        for part in chunks(sorted(keys)):
            for row in self._connection.execute(select(_forgotten).where(_forgotten.c.key.in_(part))):
                found |= dict.fromkeys(keys[row.key], Erased(row.at, row.until))
        return found

    def any(self) -> bool:
        return self._connection.execute(_ANY).first() is not None

    def count(self) -> int:
        """How many addresses are forgotten people's."""
        return self._connection.execute(select(func.count()).select_from(_forgotten)).scalar_one()

    def _named(self, email: str) -> str:
        # No Message-ID holds a space.
        return self._key(f"forgotten {plain_address(email)}")
