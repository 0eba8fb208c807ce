"""What each source gives of its leads, by its own keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, tuple_, update

from inboxwatch.core.lead_view import GivenLead, RowId
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.store import lead_tables, tables
from inboxwatch.store.column_types import storable
from inboxwatch.store.leads import LEAD_FIELDS, data_of, of_data
from inboxwatch.store.one_of import one_of
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_row, _alias, _lead = lead_tables.lead_row, lead_tables.lead_row_alias, tables.lead
_COLUMNS = ("email", "data", "owner", "former", "merged_into", "seen", "digest")
_SELECTED = select(_row, _lead.c.data.label("viewed")).join(
    _lead, and_(_row.c.data.is_(None), _lead.c.id == _row.c.email), isouter=True
)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A record of a source as the store keeps it."""

    given: GivenLead
    owner: str = ""
    """As the source names them."""
    seen: int = 0
    """The whole pass that saw it last."""
    merged_into: str | None = None
    """The key of the record that goes on in its place, while that is not known."""
    alone: bool = False
    """True where the lead's data are just what this record gives: they are kept once."""
    digest: int | None = None
    """Of what the source gives and who of ours its owner is; None: not known."""

    @property
    def id(self) -> RowId:
        return self.given.id


class LeadRows:
    """Single rows, and as many as a batch concerns; a source's keys only where that is named."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_keys(self, source: str, keys: Iterable[str]) -> dict[str, StoredRow]:
        """Rows by key; those that are not known are left out."""
        found = self._find(and_(_row.c.source == source, one_of(_row.c.key, set(keys))))
        return {one.id.key: one for one in found}

    def digests(self, source: str, keys: Iterable[str]) -> dict[str, int | None]:
        """The digests of rows by key, at a part of the cost of the rows."""
        known = select(_row.c.key, _row.c.digest).where(_row.c.source == source, one_of(_row.c.key, set(keys)))
        return {row[0]: row[1] for row in self._connection.execute(known)}

    def of_addresses(self, emails: Collection[str]) -> list[StoredRow]:
        """The rows that list one of the addresses, as their own, as an alias or a former one."""
        if not emails:
            return []
        listed = self._connection.execute(
            select(_alias.c.source, _alias.c.key).where(one_of(_alias.c.email, emails)).distinct()
        ).all()
        found = {one.id: one for one in self._find(one_of(_row.c.email, emails))}
        for source in {one.source for one in listed}:
            keys = {one.key for one in listed if one.source == source}
            found |= {one.id: one for one in self.of_keys(source, keys).values()}
        return list(found.values())

    def merging_into(self, source: str, keys: Iterable[str]) -> list[StoredRow]:
        """Rows that wait for one of these records, to go on in it."""
        return self._find(and_(_row.c.source == source, one_of(_row.c.merged_into, set(keys))))

    def of_sources(self, sources: Collection[str]) -> list[StoredRow]:
        """Every row of some sources."""
        return self._find(_row.c.source.in_(list(sources))) if sources else []

    def keys(self, source: str) -> set[str]:
        """Every key of a source."""
        return set(self._connection.execute(select(_row.c.key).where(_row.c.source == source)).scalars())

    def not_seen(self, source: str, since: int) -> list[str]:
        """The keys that no whole pass from this one on has seen."""
        return list(
            self._connection.execute(
                select(_row.c.key).where(_row.c.source == source, _row.c.seen < since).order_by(_row.c.key)
            ).scalars()
        )

    def see(self, source: str, keys: Iterable[str], whole_pass: int) -> None:
        """Notes that a whole pass has seen them."""
        those = and_(_row.c.source == source, one_of(_row.c.key, set(keys)), _row.c.seen != whole_pass)
        self._connection.execute(update(_row).where(those).values(seen=whole_pass))

    def put(self, rows: Sequence[StoredRow]) -> None:
        """Adds rows or replaces them whole."""
        for part in chunks(rows):
            upsert(self._connection, _row, [_values(one) for one in part], _COLUMNS)
            self._list(part)

    def drop(self, source: str, keys: Iterable[str]) -> None:
        for part in chunks(sorted(set(keys))):
            self._connection.execute(delete(_row).where(_row.c.source == source, _row.c.key.in_(part)))
            self._connection.execute(delete(_alias).where(_alias.c.source == source, _alias.c.key.in_(part)))

    def merge_later(self, source: str, key: str, into: str) -> None:
        """Notes which record goes on in the place of one that is known, as soon as that is."""
        self._connection.execute(
            update(_row).where(_row.c.source == source, _row.c.key == key).values(merged_into=into)
        )

    def count(self, source: str) -> int:
        return int(
            self._connection.execute(select(func.count()).select_from(_row).where(_row.c.source == source)).scalar_one()
        )

    def owners(self, source: str) -> dict[str, int]:
        """How many rows name each owner, as the source names them."""
        named = select(_row.c.owner, func.count()).where(_row.c.source == source, _row.c.owner.is_not(None))
        return {row[0]: row[1] for row in self._connection.execute(named.group_by(_row.c.owner))}

    def of_owners(self, source: str, owners: Collection[str]) -> list[str]:
        """The keys of rows that name one of these."""
        found = select(_row.c.key).where(_row.c.source == source, one_of(_row.c.owner, owners)).order_by(_row.c.key)
        return list(self._connection.execute(found).scalars()) if owners else []

    def sources(self) -> list[str]:
        """Every source that gives a lead."""
        found, after = list[str](), ""
        while True:  # as many seeks as there are sources
            name = self._connection.execute(
                select(_row.c.source).where(_row.c.source > after).order_by(_row.c.source).limit(1)
            ).scalar()
            if name is None:
                return found
            found.append(name)
            after = name

    def shared(self) -> Iterator[list[RowId]]:
        """The rows whose leads are not just what one row gives, some at a time."""
        after = ("", "")
        order = (_row.c.source, _row.c.key)
        while True:
            page = self._connection.execute(
                select(*order)
                .where(
                    _row.c.data.is_not(None), or_(order[0] > after[0], and_(order[0] == after[0], order[1] > after[1]))
                )
                .order_by(*order)
                .limit(1000)
            ).all()
            if not page:
                return
            after = (page[-1].source, page[-1].key)
            yield [RowId(one.source, one.key) for one in page]

    def drop_of_people(self, emails: Collection[str]) -> list[RowId]:
        """Removes the rows that list one of the addresses: the person is forgotten. Returns which."""
        found = [one.id for one in self.of_addresses(emails)]
        for source in {one.source for one in found}:
            self.drop(source, [one.key for one in found if one.source == source])
        return found

    def _find(self, chosen: ColumnElement[bool]) -> list[StoredRow]:
        return [_stored(row) for row in self._connection.execute(_SELECTED.where(chosen))]

    def _list(self, rows: Sequence[StoredRow]) -> None:
        """Writes what has changed of the addresses that rows list beside their own."""
        listed: set[tuple[str, str, str]] = {
            (storable(email), one.id.source, storable(one.id.key))
            for one in rows
            for rank, email in one.given.listings
            if rank and email != one.given.lead.id
        }
        known = set[tuple[str, str, str]]()
        for source in {one.id.source for one in rows}:
            keys = [one.id.key for one in rows if one.id.source == source]
            stored = select(_alias).where(_alias.c.source == source, one_of(_alias.c.key, keys))
            known |= {(row.email, row.source, row.key) for row in self._connection.execute(stored)}
        for part in chunks(sorted(known - listed), 200):
            columns = tuple_(_alias.c.email, _alias.c.source, _alias.c.key)
            self._connection.execute(delete(_alias).where(columns.in_(part)))
        new = [{"email": email, "source": source, "key": key} for email, source, key in sorted(listed - known)]
        insert_missing(self._connection, _alias, new)


def digest_of(lead: Lead, owner: str) -> int:
    """Of a lead as a source gives it, with the owner in its words: 64 bits."""
    told = repr((*(getattr(lead, name) for name in LEAD_FIELDS), owner))
    return int.from_bytes(blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


def _values(one: StoredRow) -> dict[str, Any]:
    given = one.given
    return {
        "source": given.id.source,
        "key": given.id.key,
        "email": given.lead.id,
        "data": None if one.alone else data_of(given.lead),
        "owner": one.owner or None,
        "former": list(given.former) or None,
        "merged_into": one.merged_into,
        "seen": one.seen,
        "digest": one.digest,
    }


def _stored(row: Row[Any]) -> StoredRow:
    data: Mapping[str, Any] | None = row.data or row.viewed
    lead = of_data(data) if data else Lead(LeadId(row.email), source=row.source)
    if (lead.id, lead.source) != (row.email, row.source):
        lead = replace(lead, id=LeadId(row.email), source=row.source)
    given = GivenLead(RowId(row.source, row.key), lead, tuple(row.former or ()))
    return StoredRow(given, row.owner or "", row.seen, row.merged_into, row.data is None, row.digest)
