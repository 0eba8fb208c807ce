"""What became of opportunities, as sources told it: rows are only added, the last of each opportunity holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, insert, select, update

from inboxwatch.core.lead_view import RowId
from inboxwatch.store import lead_tables
from inboxwatch.store.one_of import one_of

_outcome = lead_tables.outcome
DROPPED, OPENED = "dropped", "opportunity"


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """What an opportunity was seen to have come to."""

    source: str
    id: str
    """The opportunity's own id."""
    key: str
    """The record's."""
    what: str
    """opportunity, won, lost; or dropped: it was deleted."""
    at: datetime
    seen_at: datetime
    lead: str | None = None
    """Whose it was, where the record was known."""
    number: int = 0
    """In the order in which they were seen."""

    @property
    def row(self) -> RowId:
        return RowId(self.source, self.key)


class OutcomeRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, told: Sequence[OutcomeRecord]) -> None:
        names = ("source", "id", "key", "lead", "what", "at", "seen_at")
        if told:
            self._connection.execute(insert(_outcome), [{name: getattr(one, name) for name in names} for one in told])

    def of_ids(self, source: str, ids: Iterable[str]) -> list[OutcomeRecord]:
        """What holds of some opportunities now, for each of their records."""
        return self._last(_outcome.c.source == source, one_of(_outcome.c.id, set(ids)))

    def opened(self, source: str, ids: Iterable[str]) -> set[tuple[str, str]]:
        """The (id, key) of those of some opportunities of which it is known when they were opened."""
        opened = (_outcome.c.source == source, _outcome.c.what == OPENED, one_of(_outcome.c.id, set(ids)))
        found = select(_outcome.c.id, _outcome.c.key).where(*opened)
        return {(row.id, row.key) for row in self._connection.execute(found)}

    def any(self) -> bool:
        return self._connection.execute(select(_outcome.c.number).limit(1)).first() is not None

    def first_opened(self, leads: Iterable[str]) -> dict[str, datetime]:
        """When the first opportunity of each of some leads was opened, as is known now."""
        same = (_outcome.c.source, _outcome.c.id, _outcome.c.key)
        last = select(func.max(_outcome.c.number)).where(_outcome.c.what == OPENED).group_by(*same)
        later = _outcome.alias()
        gone = exists().where(
            *(later.c[one.name] == one for one in same),
            later.c.what == DROPPED,
            later.c.number > _outcome.c.number,
        )
        chosen = (one_of(_outcome.c.lead, set(leads)), _outcome.c.number.in_(last), ~gone)
        found = select(_outcome.c.lead, func.min(_outcome.c.at)).where(*chosen).group_by(_outcome.c.lead)
        return {row[0]: row[1] for row in self._connection.execute(found)}

    def of_rows(self, rows: Iterable[RowId]) -> list[OutcomeRecord]:
        """What holds now of the opportunities of some records, but those that were deleted."""
        asked, found = set(rows), list[OutcomeRecord]()
        for source in {one.source for one in asked}:
            keys = {one.key for one in asked if one.source == source}
            found += self._last(_outcome.c.source == source, one_of(_outcome.c.key, keys))
        return [one for one in found if one.what != DROPPED]

    def own(self, rows: dict[RowId, str]) -> None:
        """Notes whose opportunities those of some records are, where that was not known when they were seen."""
        for row, lead in rows.items():
            those = (_outcome.c.source == row.source, _outcome.c.key == row.key, _outcome.c.lead.is_(None))
            self._connection.execute(update(_outcome).where(*those).values(lead=lead))

    def follow(self, source: str, key: str, into: str) -> None:
        """Another record goes on in the place of one."""
        those = (_outcome.c.source == source, _outcome.c.key == key)
        self._connection.execute(update(_outcome).where(*those).values(key=into))

    def rename(self, old: str, new: str) -> None:
        """A lead goes on under another address."""
        self._connection.execute(update(_outcome).where(_outcome.c.lead == old).values(lead=new))

    def _last(self, *chosen: object) -> list[OutcomeRecord]:
        last = select(func.max(_outcome.c.number)).where(*chosen)  # type: ignore[arg-type]
        last = last.group_by(_outcome.c.source, _outcome.c.id, _outcome.c.key)
        rows = select(_outcome).where(_outcome.c.number.in_(last)).order_by(_outcome.c.number)
        return [
            OutcomeRecord(row.source, row.id, row.key, row.what, row.at, row.seen_at, row.lead, row.number)
            for row in self._connection.execute(rows)
        ]
