"""How far each source of leads was read, and how it fares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, update

from inboxwatch.store import lead_tables
from inboxwatch.store.upsert import insert_missing

_source = lead_tables.lead_source


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as it was looked at last."""

    name: str
    cursor: str | None = None
    stamp: str | None = None
    """By which program and settings it was read to the cursor."""
    whole_pass: int = 0
    """How many whole passes have begun."""
    passing: bool = False
    """True while one has begun and not ended."""
    last_success: datetime | None = None
    failing_since: datetime | None = None
    error_reason: str | None = None
    error: str | None = None
    leads: int = 0
    """Records that can be used."""
    owners: Mapping[str, str | None] = field(default_factory=dict)
    """Who of ours each owner is whom the source names; None: nobody."""
    unowned: Mapping[str, int] = field(default_factory=dict)
    """How many leads name each owner who is nobody of ours, in the source's own words."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why records cannot be used, by their places."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the source told of itself."""

    def position(self, stamp: str) -> str | None:
        """Where to go on; None: from the beginning, for another program or with other settings."""
        return self.cursor if self.stamp == stamp else None


class LeadSources:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[SourceState]:
        return [_state(row) for row in self._connection.execute(select(_source).order_by(_source.c.name))]

    def get(self, name: str) -> SourceState:
        """A source; as new where it was never looked at."""
        row = self._connection.execute(select(_source).where(_source.c.name == name)).first()
        return SourceState(name) if row is None else _state(row)

    def move(self, name: str, expected: str | None, cursor: str, stamp: str) -> bool:
        """Sets the cursor if the position still is the expected one; False where another worker has moved it."""
        if expected is None:
            self._known(name)
            same = or_(_source.c.cursor.is_(None), _source.c.stamp.is_(None), _source.c.stamp != stamp)
        else:
            same = and_(_source.c.cursor == expected, _source.c.stamp == stamp)
        moved = update(_source).where(_source.c.name == name, same).values(cursor=cursor, stamp=stamp)
        return self._connection.execute(moved).rowcount == 1

    def set(self, name: str, **values: Any) -> None:
        """Changes columns of a source."""
        self._known(name)
        self._connection.execute(update(_source).where(_source.c.name == name).values(values))

    def drop(self, names: Collection[str]) -> None:
        self._connection.execute(delete(_source).where(_source.c.name.in_(names)))

    def _known(self, name: str) -> None:
        insert_missing(self._connection, _source, [{"name": name}])


def _state(row: Row[Any]) -> SourceState:
    return SourceState(
        row.name,
        row.cursor,
        row.stamp,
        row.whole_pass,
        row.passing,
        row.last_success,
        row.failing_since,
        row.error_reason,
        row.error,
        row.leads,
        row.owners or {},
        row.unowned or {},
        row.refused or {},
        tuple((label, value) for label, value in row.facts or ()),
    )
