"""Known leads, by source, and what they are found by: address, company domain, name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, String, Table, TextualSelect, column, delete, func, select, text, tuple_

from inboxwatch.core.leads import Directory, address_keys, claimed_addresses, claimed_domains, company_domains
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.core.search_text import begins_with, search_text, search_words
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import REPLY
from inboxwatch.store.column_types import storable
from inboxwatch.store.one_of import given, json_list, one_of_given
from inboxwatch.store.records import ClockRecord, clocks_of
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_lead = tables.lead
_BY_IDS = select(_lead).where(one_of_given(_lead.c.id))
_KEYS: tuple[tuple[Table, Callable[[Lead], set[str]]], ...] = (
    (tables.lead_address, claimed_addresses),
    (tables.lead_domain, claimed_domains),
)
LEAD_FIELDS = tuple(field.name for field in fields(Lead))


class FoundLead(NamedTuple):
    """A lead that was searched for."""

    lead: Lead
    wait: ClockRecord | None
    """The wait that is due first, where one is open."""


class Leads:
    """Single leads, and as many of them as a batch concerns: never a read of all but where it is named."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Lead]:
        return [to_lead(row) for row in self._connection.execute(select(_lead).order_by(_lead.c.id))]

    def get(self, lead: str) -> Lead | None:
        row = self._connection.execute(select(_lead).where(_lead.c.id == lead)).first()
        return None if row is None else to_lead(row)

    def get_many(self, ids: Iterable[str]) -> dict[LeadId, Lead]:
        """Leads by id; those that are not known (any more) are left out."""
        rows = self._connection.execute(_BY_IDS, given(asked)) if (asked := set(ids)) else ()
        return {lead.id: lead for lead in map(to_lead, rows)}

    def directory(
        self,
        addresses: Iterable[str],
        ids: Iterable[str] = (),
        *,
        domains: Iterable[str] = (),
        free_mail: frozenset[str],
    ) -> Directory:
        """The leads that some addresses can concern: of these it answers what a directory of all leads would.

        It answers `by_address`, `by_domain` and `attribute` of `addresses` (further ones at `domains` by their domain),
        and `get` and `same_company` of the leads `ids`: name those that the threads concerned have already. However
        many leads a company has, only its first, its last and those of `ids` are read: enough to tell one lead from
        several. One round trip, however many addresses.
        """
        asked = set(addresses)
        keys = {key for email in asked for key in address_keys(email)}
        companies = [f"@{domain}" for domain in domains]
        at = {domain for email in (*asked, *companies) for domain in company_domains(email, free_mail)}
        return Directory(self._concerned({*ids, *keys}, keys, at), free_mail)

    def by_address(self, email: str) -> Lead | None:
        """The lead who owns an address, tags and ignored dots aside."""
        keys = address_keys(email)
        return Directory(self._concerned(keys, keys, ())).by_address(email)

    def meant(self, query: str) -> Lead | None:
        """The one lead who has this address, or whose whole name this is, accents and case aside; None where several or
        none have: `Bo Lind` is one, though a `Bo Lindner` is found by it too.
        """
        if (exact := self.by_address(query.lower())) is not None:
            return exact
        name = begins_with(query)
        if not name:
            return None
        place = self._within(_lead.c.search, storable(name))
        named = self._connection.execute(select(_lead.c.data).where(place == 1).limit(2)).all()
        return to_lead(named[0]) if len(named) == 1 else None

    @property
    def _within(self) -> Any:
        """The function of the place of one text in another, from 1."""
        return func.instr if self._connection.dialect.name == "sqlite" else func.strpos

    def find(self, query: str, limit: int, offset: int = 0) -> tuple[list[FoundLead], int]:
        """Leads in whose name, company or addresses each word of a query is a part, and how many there are.

        Those who wait come first, the earliest due before the others; an empty query finds all. One pass over a narrow
        column: 50,000 leads take some 50 ms.
        """
        clock = tables.clock
        owed = (clock.c.state == "running", REPLY)
        first = select(clock.c.lead, func.min(clock.c.due_at).label("due_at")).where(*owed).group_by(clock.c.lead)
        wait = first.subquery()
        matching = [self._within(_lead.c.search, storable(word)) > 0 for word in search_words(query)]
        order = (wait.c.due_at.is_(None), wait.c.due_at, _lead.c.id)
        joined = select(_lead.c.id).join(wait, wait.c.lead == _lead.c.id, isouter=True).where(*matching)
        count = select(func.count()).select_from(_lead).where(*matching)
        ids = self._connection.execute(joined.order_by(*order).offset(offset).limit(limit)).scalars().all()
        leads: dict[str, Lead] = {}
        waits: dict[str, ClockRecord] = {}
        for part in chunks(ids):
            leads |= {
                row.id: to_lead(row) for row in self._connection.execute(select(_lead).where(_lead.c.id.in_(part)))
            }
            open_waits = select(clock).where(*owed, clock.c.lead.in_(part)).order_by(clock.c.due_at.desc(), clock.c.id)
            waits |= {one.lead: one for one in clocks_of(self._connection.execute(open_waits))}
        found = [FoundLead(leads[one], waits.get(one)) for one in ids]
        return found, int(self._connection.execute(count).scalar_one())

    def page(self, after: str, limit: int) -> list[Lead]:
        """Leads whose id sorts behind `after`."""
        found = select(_lead).where(_lead.c.id > after).order_by(_lead.c.id).limit(limit)
        return [to_lead(row) for row in self._connection.execute(found)]

    def put(self, leads: Iterable[Lead], now: datetime) -> None:
        """Adds leads or replaces them whole."""
        columns = ["source", "owner", "status", "provisional", "data", "updated_at", "search"]
        for part in chunks(list({lead.id: lead for lead in leads}.values())):
            upsert(self._connection, _lead, [_row(lead, now) for lead in part], columns)
            for table, keys_of in _KEYS:
                self._index(table, {(storable(key), storable(lead.id)) for lead in part for key in keys_of(lead)}, part)

    def drop(self, leads: Sequence[str]) -> int:
        """Removes leads; their mail and clocks stay. Returns how many there were."""
        gone = 0
        for part in chunks(list(leads)):
            gone += self._connection.execute(delete(_lead).where(_lead.c.id.in_(part))).rowcount
            for table, _ in _KEYS:
                self._connection.execute(delete(table).where(table.c.lead.in_(part)))
        return gone

    def _index(self, table: Table, keys: set[tuple[str, str]], leads: Sequence[Lead]) -> None:
        """Writes what has changed of the leads' keys: of a whole list that comes again, hardly any."""
        stored = select(table.c.key, table.c.lead).where(table.c.lead.in_([lead.id for lead in leads]))
        known = {(row.key, row.lead) for row in self._connection.execute(stored)}
        for part in chunks(sorted(known - keys), 200):
            self._connection.execute(delete(table).where(tuple_(table.c.key, table.c.lead).in_(part)))
        insert_missing(self._connection, table, [{"key": key, "lead": lead} for key, lead in sorted(keys - known)])

    def _concerned(self, ids: Collection[str], keys: Collection[str], domains: Collection[str]) -> list[Lead]:
        """The leads of some ids, the owners of address keys, and of each domain the first and the last lead.

        Of the leads that claim an address, it belongs to the one whose id it is, else to the first: so `ids` must hold
        the keys too. Two seeks a domain tell one lead from several, however many it has.
        """
        asked = {"ids": ids, "keys": keys, "domains": domains}
        values = {name: json_list(its) for name, its in asked.items()}
        return [to_lead(row) for row in self._connection.execute(_CONCERNED[self._connection.dialect.name], values)]


def _concerned(values: str, first_by: str = "lead") -> TextualSelect:
    """The ids that `Leads._concerned` asks for; `values` makes a table of one column `value` from a JSON list.

    `first_by` sorts the leads that claim an address as `Directory` does, by code points.
    """
    asked = {name: values.format(name) for name in ("ids", "keys", "domains")}
    owner = f"(SELECT min({first_by}) FROM lead_address WHERE lead_address.key = value)"  # noqa: S608
    first, last = (f"(SELECT {end}(lead) FROM lead_domain WHERE lead_domain.key = value)" for end in ("min", "max"))  # noqa: S608
    return text(
        f"SELECT value FROM {asked['ids']} UNION ALL SELECT {owner} FROM {asked['keys']} "  # noqa: S608  (no input)
        f"UNION ALL SELECT {first} FROM {asked['domains']} UNION ALL SELECT {last} FROM {asked['domains']}"
    ).columns(column("value", String))


_CONCERNED = {
    dialect: select(_lead.c.data).where(_lead.c.id.in_(ids))
    for dialect, ids in {
        "sqlite": _concerned("json_each(:{})"),
        "postgresql": _concerned("jsonb_array_elements_text(CAST(:{} AS jsonb)) AS asked (value)", 'lead COLLATE "C"'),
    }.items()
}


def _row(lead: Lead, now: datetime) -> dict[str, Any]:
    return {
        "id": lead.id,
        "source": lead.source,
        "owner": lead.owner,
        "status": lead.status,
        "provisional": lead.provisional,
        "data": data_of(lead),
        "updated_at": now,
        "search": search_text(lead),
    }


def to_lead(row: Row[Any]) -> Lead:
    return of_data(row.data)


def data_of(lead: Lead) -> dict[str, Any]:
    """A lead for the column `data`."""
    return {name: getattr(lead, name) for name in LEAD_FIELDS}


def of_data(stored: Mapping[str, Any]) -> Lead:
    """A lead as the column `data` has it."""
    data = dict(stored)
    data["id"] = LeadId(data["id"])
    data["owner"] = PersonId(data["owner"]) if data["owner"] else None
    data["aliases"] = tuple(data["aliases"])
    data["attributes"] = tuple((key, value) for key, value in data["attributes"])
    return Lead(**data)
