"""The members of directories, as their lists were taken over last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from inboxwatch.core.membership import KnownMember, Member
from inboxwatch.core.model import PersonId
from inboxwatch.store import member_table
from inboxwatch.store.column_types import storable
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_member = member_table.member


class Members:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, directories: Collection[str]) -> tuple[KnownMember, ...]:
        """The members of some directories, who came first before the others."""
        order = (_member.c.joined_at, _member.c.person, _member.c.directory)
        found = select(_member).where(_member.c.directory.in_(directories)).order_by(*order)
        return tuple(map(_known, self._connection.execute(found))) if directories else ()

    def add(self, members: Sequence[KnownMember]) -> None:
        """Those who are known already stay as they are: another process was first."""
        insert_missing(self._connection, _member, [_row(one) for one in members])

    def change(self, members: Sequence[KnownMember]) -> None:
        """Takes over what a list says of them now, and whether it does."""
        changed = ["address", "name", "aliases", "team", "manager", "missing_since"]
        upsert(self._connection, _member, [_row(one) for one in members], changed)

    def mark_missing(self, directory: str, refs: Iterable[str], since: datetime) -> None:
        """Notes that a list does not name them any more; an earlier time stays."""
        for part in chunks(sorted(refs)):
            those = (_member.c.directory == directory, _member.c.ref.in_(part), _member.c.missing_since.is_(None))
            self._connection.execute(update(_member).where(*those).values(missing_since=since))

    def drop(self, directory: str, refs: Iterable[str]) -> None:
        for part in chunks(sorted(refs)):
            those = (_member.c.directory == directory, _member.c.ref.in_(part))
            self._connection.execute(delete(_member).where(*those))

    def keep_only(self, directories: Collection[str]) -> None:
        """Drops the members of directories that the config names no more."""
        self._connection.execute(delete(_member).where(_member.c.directory.not_in(directories)))


def _row(known: KnownMember) -> dict[str, Any]:
    member = known.member
    return {
        "directory": known.directory,
        "ref": member.ref,
        "person": known.person,
        "address": member.address,
        "name": member.name,
        "aliases": [storable(alias) for alias in member.aliases],
        "team": member.team,
        "manager": member.manager,
        "joined_at": known.joined_at,
        "missing_since": known.missing_since,
    }


def _known(row: Row[Any]) -> KnownMember:
    member = Member(row.ref, row.address, row.name, tuple(row.aliases), row.team, row.manager)
    return KnownMember(row.directory, PersonId(row.person), member, row.joined_at, row.missing_since)
