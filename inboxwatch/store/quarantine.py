"""Messages that cannot be read: known by name and reason until they are read after all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, insert_missing

_apart = tables.quarantine
_COUNT = select(func.count()).select_from(_apart).where(_apart.c.mailbox == bindparam("of"))
_COUNT_SINCE = _COUNT.where(_apart.c.at >= bindparam("since"))


class SetAside(NamedTuple):
    """A message that is to be read again, as it could not be read, or was nobody's then (`recalled`)."""

    ref: str
    reason: str
    quiet: bool
    """It came with what pages nobody: the first sight of a mailbox, or its history."""
    tries: int
    """How often it was tried again."""
    at: datetime
    """When it was set aside, or first read (UTC)."""
    recalled: bool = False
    late: bool = False
    """It had been laid into its mailbox long after its own time (`recalled`)."""


class Quarantine:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        mailbox: str,
        refs: Iterable[tuple[str, str]],
        now: datetime,
        again: datetime | None = None,
        *,
        quiet: bool = False,
    ) -> int:
        """Sets messages aside by (ref, reason), to be tried again at an instant; returns how many are new."""
        rows = [
            {"mailbox": mailbox, "ref": ref, "reason": reason, "at": now, "quiet": quiet, "tries": 0, "again_at": again}
            for ref, reason in refs
        ]
        return insert_missing(self._connection, _apart, rows)

    def among(self, mailbox: str, refs: Sequence[str]) -> set[str]:
        """Which of the refs of a mailbox are set aside."""
        found: set[str] = set()
        for part in chunks(list(refs)):
            rows = select(_apart.c.ref).where(_apart.c.mailbox == mailbox, _apart.c.ref.in_(part))
            found.update(self._connection.execute(rows).scalars())
        return found

    def due(self, mailbox: str, now: datetime, most: int) -> list[SetAside]:
        """Those of a mailbox that are to be tried again now, the longest due first."""
        columns = (_apart.c.ref, _apart.c.reason, _apart.c.quiet, _apart.c.tries, _apart.c.at)
        mine = (_apart.c.mailbox == mailbox, _apart.c.again_at <= now)
        found = select(*columns).where(*mine).order_by(_apart.c.again_at, _apart.c.ref).limit(most)
        return [SetAside(*row) for row in self._connection.execute(found)]

    def tried(self, mailbox: str, again: Mapping[str, datetime | None]) -> None:
        """Counts one more try of each ref, and when the next is due; None: never."""
        for ref, at in again.items():
            its = (_apart.c.mailbox == mailbox, _apart.c.ref == ref)
            self._connection.execute(update(_apart).where(*its).values(tries=_apart.c.tries + 1, again_at=at))

    def explain(self, mailbox: str, reasons: Mapping[str, str]) -> None:
        """Notes for each ref why it still cannot be read."""
        for ref, reason in reasons.items():
            its = (_apart.c.mailbox == mailbox, _apart.c.ref == ref)
            self._connection.execute(update(_apart).where(*its).values(reason=reason))

    def release(self, mailbox: str, refs: Collection[str]) -> int:
        """Lets go of messages that were read, or are no more; returns how many were set aside."""
        if not refs or not self.count(mailbox):
            return 0
        released = 0
        for part in chunks(sorted(refs)):
            gone = delete(_apart).where(_apart.c.mailbox == mailbox, _apart.c.ref.in_(part))
            released += self._connection.execute(gone).rowcount
        return released

    def count(self, mailbox: str, since: datetime | None = None) -> int:
        """How many messages of a mailbox are set aside, or were since an instant."""
        statement, asked = (_COUNT, {}) if since is None else (_COUNT_SINCE, {"since": since})
        return self._connection.execute(statement, {"of": mailbox, **asked}).scalar_one()

    def counts(self) -> dict[str, int]:
        """How many messages of each mailbox are set aside; mailboxes without any are left out."""
        counted = select(_apart.c.mailbox, func.count()).group_by(_apart.c.mailbox)
        return {row[0]: row[1] for row in self._connection.execute(counted)}

    def given_up(self) -> dict[str, int]:
        """How many of them are not tried any more."""
        lost = _apart.c.again_at.is_(None)
        counted = select(_apart.c.mailbox, func.count()).where(lost).group_by(_apart.c.mailbox)
        return {row[0]: row[1] for row in self._connection.execute(counted)}
