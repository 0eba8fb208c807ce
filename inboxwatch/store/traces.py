"""What the store holds of one person outside: found once, then shown to them, or erased."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Row,
    String,
    Table,
    Text,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import Direction, Kind, Lead, LeadId
from inboxwatch.core.pseudonym import Pseudonym
from inboxwatch.core.search_text import search_text
from inboxwatch.core.sla.policy import Metric
from inboxwatch.store import column_types, lead_tables, member_table, tables
from inboxwatch.store.deliveries import OPEN
from inboxwatch.store.lead_rows import LeadRows
from inboxwatch.store.leads import Leads, of_data
from inboxwatch.store.marks import ConfigMark, Marks
from inboxwatch.store.sender_verdicts import sender_verdict
from inboxwatch.store.upsert import chunks

_message, _clock, _act, _delivery = tables.message, tables.clock, tables.act, tables.delivery
_member = member_table.member
OURS = frozenset({"meta", "policy", "shard"})
"""Tables that say nothing of people outside: the store's own notes, but for the config in force, which is looked at by
itself, policies as the config had them, and numbers of shards."""
HASHED = frozenset({"audit", "clue", "written_to", "forgotten"})
"""Tables of keyed hashes."""
_KEPT = ("key", "at", "direction", "kind", "evidence")
"""What is left of a message, as of anybody's that matches no lead; and by what it was placed, which is counted."""
_FIRST = ("class_rule", "first_class", "first_class_by", "held_back")
"""What is left besides of a filtered stranger's, which is counted."""
GONE = "forgotten"
"""In the place of the id of a message that is gone."""


@dataclass(slots=True)
class Found:
    """What is held of a person."""

    addresses: set[str]
    """As they are written in mail, lower case."""
    names: set[str] = field(default_factory=set)
    lead: Lead | None = None
    messages: list[Row[Any]] = field(default_factory=list)
    """By the person, or to them."""
    own: set[str] = field(default_factory=set)
    """The keys of those that the person wrote, or that tell of nobody else."""
    alone: set[str] = field(default_factory=set)
    """Threads in which nobody else outside takes part."""
    clocks: list[Row[Any]] = field(default_factory=list)
    actions: list[Row[Any]] = field(default_factory=list)
    deliveries: list[Row[Any]] = field(default_factory=list)
    first_contacts: list[Row[Any]] = field(default_factory=list)
    kinds: list[Row[Any]] = field(default_factory=list)
    """What colleagues said of the person's mail."""
    verdicts: list[Row[Any]] = field(default_factory=list)
    """What colleagues said of whatever the person writes."""
    members: list[Row[Any]] = field(default_factory=list)
    """As whom a directory lists them, or listed them last."""
    config: list[str] = field(default_factory=list)
    """Which entries of the config that was loaded last name them: `people ana`."""

    @property
    def plain(self) -> set[str]:
        return set(map(plain_address, self.addresses))

    @property
    def open_waits(self) -> list[Row[Any]]:
        """Waits in which the person is owed a reply."""
        return [row for row in self.clocks if row.state == "running" and Metric(row.metric).is_reply]

    def counted(self) -> dict[str, int]:
        """How much there is of each."""
        counts = {"leads": int(self.lead is not None), "open_waits": len(self.open_waits), "waits": len(self.clocks)}
        lists: dict[str, Sequence[object]] = {
            "messages": self.messages,
            "actions": self.actions,
            "notices": self.deliveries,
            "failed_first_contacts": self.first_contacts,
            "kinds_said": self.kinds,
            "sender_verdicts": self.verdicts,
            "members": self.members,
            "config_entries": self.config,
        }
        return counts | {name: len(rows) for name, rows in lists.items()}


class Traces:
    """Finds and erases; one transaction holds both."""

    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a word."""
        self._connection = connection
        self._key = key

    def of(self, email: str) -> Found:
        """Everything that is held of whoever has an address; reads the table of messages whole."""
        lead = Leads(self._connection).by_address(email)
        found = Found({email}, lead=lead)
        if lead is not None:
            found.addresses |= {lead.id, *lead.aliases}
            found.names.add(lead.name)
        self._messages(found)
        leads, messages = sorted(found.addresses), sorted({row.message_id for row in found.messages})
        found.clocks = self._rows(_clock, (_clock.c.lead, leads), (_clock.c.thread, sorted(found.alone)))
        clocks = sorted({row.id for row in found.clocks} | {one for row in found.clocks for one in row.aliases})
        found.actions = self._rows(
            _act, (_act.c.lead, leads), (_act.c.thread, sorted(found.alone)), (_act.c.clock, clocks)
        )
        failed = tables.first_contact
        found.first_contacts = self._rows(failed, (failed.c.lead, leads))
        fact = tables.kind_fact
        found.kinds = self._rows(fact, (fact.c.name, [*sorted(found.plain), *messages]))
        found.verdicts = self._rows(sender_verdict, (sender_verdict.c.key, sorted(found.plain)))
        self._listed(found)
        own = {row.id: row for row in self._rows(_delivery, (_delivery.c.clock, clocks))}
        mentioned = select(_delivery).where(self._mention(_delivery, Pseudonym(found.addresses, (), "").terms))
        own |= {row.id: row for row in self._connection.execute(mentioned)}
        found.deliveries = [own[number] for number in sorted(own)]
        return found

    def _listed(self, found: Found) -> None:
        """What directories say of them, and the config; a manager who is named is no member by that."""
        pseudonym = Pseudonym(found.addresses, (), "")
        mentioned = select(_member).where(self._mention(_member, pseudonym.terms)).order_by(_member.c.joined_at)
        rows = self._connection.execute(mentioned)
        found.members = [row for row in rows if found.plain & set(map(plain_address, (row.address, *row.aliases)))]
        found.names |= {row.name for row in found.members if plain_address(row.address) in found.plain}
        found.config = [
            f"{section} {name}".rstrip()
            for section, entries in self._outline().items()
            for name, entry in entries.items()
            if pseudonym.in_json({name: entry}) != {name: entry}
        ]

    def _outline(self) -> dict[str, dict[str, Any]]:
        """The config that was loaded last, as `ConfigMark` keeps it."""
        text = Marks(self._connection).get(ConfigMark())
        found: dict[str, dict[str, Any]] = json.loads(text) if text else {}
        return found

    def _messages(self, found: Found) -> None:
        """The messages; an address with a tag (`bo+news@`) is the person's too, and is looked for in turn."""
        while True:
            pseudonym = Pseudonym(found.addresses, (), "")
            rows = self._rows(_message, (_message.c.lead, sorted(found.addresses)))
            mentioned = select(_message).where(_message.c.thread.is_not(None), self._mention(_message, pseudonym.terms))
            by_key = {row.key: row for row in (*rows, *self._connection.execute(mentioned))}
            named = {email.lower() for row in by_key.values() for email in _emails(row)}
            more = {email for email in named if plain_address(email) in found.plain} - found.addresses
            if not more:
                break
            found.addresses |= more
        touched = [row for row in by_key.values() if self._is_about(row, found)]
        threads = self._rows(_message, (_message.c.thread, sorted({row.thread for row in touched})))
        shared = {row.thread for row in threads if not self._is_own(row, found)}
        found.alone = {row.thread for row in touched} - shared
        kept = {row.key: row for row in touched} | {row.key: row for row in threads if row.thread in found.alone}
        found.messages = sorted(kept.values(), key=lambda row: (row.at, row.key))
        found.own = {row.key for row in found.messages if self._is_own(row, found)}
        found.names |= {
            row.known.get("name") or "" for row in touched if plain_address(row.sender or "") in found.plain
        }

    def _is_about(self, row: Row[Any], found: Found) -> bool:
        return row.lead in found.addresses or any(plain_address(email.lower()) in found.plain for email in _emails(row))

    def _is_own(self, row: Row[Any], found: Found) -> bool:
        """Whether a message was written by the person, or by us or a machine to or about nobody else outside."""
        outside = [email for email, _, _ in row.recipients or ()]
        if row.direction == Direction.INBOUND and row.kind != Kind.BOUNCE:
            return plain_address(row.sender or "") in found.plain
        if row.kind == Kind.BOUNCE and row.delivery:
            outside += row.delivery[2]
        return all(plain_address(email.lower()) in found.plain for email in outside)

    def _rows(self, table: Table, *chosen: tuple[Any, Sequence[str]]) -> list[Row[Any]]:
        found: dict[tuple[Any, ...], Row[Any]] = {}
        keys = [column.name for column in table.primary_key.columns]
        for column, values in chosen:
            for part in chunks(list(values)):
                for row in self._connection.execute(select(table).where(column.in_(part))):
                    found[tuple(getattr(row, key) for key in keys)] = row
        return [found[key] for key in sorted(found, key=repr)]

    def _mention(self, table: Table, terms: Iterable[str]) -> ColumnElement[bool]:
        """Whether any text of a row has one of the terms in it."""
        within = func.instr if self._connection.dialect.name == "sqlite" else func.strpos
        columns = [func.lower(cast(one, Text)) for one in _texts(table)]
        return or_(*(within(column, term) > 0 for column in columns for term in terms))

    def erase(self, found: Found, pseudonym: Pseudonym, now: datetime) -> None:
        """Erases what is held, or puts the pseudonym in its place; waits that are over keep their figures.

        What threads with other people are folded from stays, under the pseudonym: the others' waits depend on it.
        """
        self._empty_messages(found)
        self._detach(found, pseudonym)
        for row in found.deliveries:
            # What it told is gone; that it was sent, when, and to which of us, is counted.
            values: dict[str, Any] = {"body": None, "error": None}
            if row.body and row.state in OPEN:
                values |= {"state": "cancelled", "settled_at": now}
            self._connection.execute(update(_delivery).where(_delivery.c.id == row.id).values(values))
        for table, column, chosen in (
            (tables.kind_fact, tables.kind_fact.c.key, [row.key for row in found.kinds]),
            (sender_verdict, sender_verdict.c.key, sorted(found.plain)),
            (tables.written_to, tables.written_to.c.key, [self._key(f"address {one}") for one in sorted(found.plain)]),
            (tables.ghost, tables.ghost.c.thread, sorted(found.alone)),
        ):
            for part in chunks(chosen):
                self._connection.execute(delete(table).where(column.in_(part)))
        for row in found.members:
            same = (_member.c.directory == row.directory, _member.c.ref == row.ref)
            self._connection.execute(delete(_member).where(*same))
        if found.lead is not None:
            Leads(self._connection).drop([found.lead.id])
        self._drop_given(found, pseudonym)
        for table in tables.metadata.sorted_tables:
            if table.name not in OURS | HASHED:
                self._replace(table, pseudonym)
        if (outline := self._outline()) and (said := pseudonym.in_json(outline)) != outline:
            Marks(self._connection).set(ConfigMark(), json.dumps(said))

    def forget_threads(self, lead: str, threads: Sequence[str], pseudonym: Pseudonym) -> int:
        """Empties the threads of a stranger, whose waits keep times and class, and drops the lead. Returns how many
        messages were emptied.
        """
        found = Found({lead}, alone=set(threads))
        found.messages = self._rows(_message, (_message.c.thread, threads))
        found.clocks = self._rows(_clock, (_clock.c.thread, threads))
        found.actions = self._rows(_act, (_act.c.thread, threads), (_act.c.lead, [lead]))
        self._empty_messages(found, (*_KEPT, *_FIRST))
        self._detach(found, pseudonym)
        self._connection.execute(delete(tables.ghost).where(tables.ghost.c.thread.in_(threads)))
        Leads(self._connection).drop([LeadId(lead)])
        return len(found.messages)

    def _drop_given(self, found: Found, pseudonym: Pseudonym) -> None:
        """What sources said of them; outcomes are figures, and stay without the person."""
        for row in LeadRows(self._connection).drop_of_people(found.addresses):
            told, came = lead_tables.logged_activity, lead_tables.outcome
            self._connection.execute(delete(told).where(told.c.source == row.source, told.c.key == row.key))
            theirs = (came.c.source == row.source, came.c.key == row.key)
            self._connection.execute(update(came).where(*theirs).values(key=pseudonym.address))

    def _empty_messages(self, found: Found, kept: Sequence[str] = _KEPT) -> None:
        empty = {column.name: None for column in _message.columns if column.name not in kept}
        gone = [row.key for row in found.messages if row.thread in found.alone]
        for part in chunks(gone):
            self._connection.execute(update(_message).where(_message.c.key.in_(part)).values(empty))
            self._connection.execute(delete(tables.proof).where(tables.proof.c.key.in_(part)))
            seen = tables.sighting
            self._connection.execute(update(seen).where(seen.c.key.in_(part)).values(conversation=None, web_link=None))
        titles = {"subject": "", "subject_key": "", "series": None, "signal": "", "grounds": None, "sender_key": None}
        titles |= {"class_rule": None, "intents": None}
        for row in found.messages:
            if row.key in found.own and row.thread not in found.alone:
                known = dict(row.known) | {"name": "", "was_key": "", "series": "", "account": None}
                values = titles | {"known": known}
                self._connection.execute(update(_message).where(_message.c.key == row.key).values(values))

    def _detach(self, found: Found, pseudonym: Pseudonym) -> None:
        """Clocks and actions leave the threads that are gone: no fold shall find that nothing begins them any more."""
        away = pseudonym.address
        for row in found.clocks:
            values: dict[str, Any] = {"lead": away, "score_lines": None}
            if row.thread in found.alone:
                stopped = GONE if "@" in (row.stopped_by or "") else row.stopped_by
                values |= {"thread": away, "started_by": GONE, "stopped_by": stopped, "next_step": None}
            self._connection.execute(update(_clock).where(_clock.c.id == row.id).values(values))
        for row in found.actions:
            own = row.thread in found.alone
            by_hand = row.by not in ("routing", "escalation")
            values = {"lead": away if row.lead else None, "lines": None}
            values |= {"thread": away, "rule": GONE if "@" in row.rule else row.rule} if own else {}
            values |= {"reason": ""} if by_hand else {}
            values |= {"stood": None} if own else {}
            self._connection.execute(update(_act).where(_act.c.id == row.id).values(values))
        failed = tables.first_contact
        for number, row in enumerate(found.first_contacts):
            same = (failed.c.lead == row.lead, failed.c.message_id == row.message_id)
            values = {"lead": away, "message_id": f"{GONE}-{number}"}
            self._connection.execute(update(failed).where(*same).values(values))

    def _replace(self, table: Table, pseudonym: Pseudonym) -> None:
        """Puts the pseudonym wherever the person is still named: by others, in reasons, in errors."""
        columns, keys = _texts(table), list(table.primary_key.columns)
        if not columns:
            return
        for row in self._connection.execute(select(table).where(self._mention(table, pseudonym.terms))).all():
            values = {}
            for column in columns:
                value = getattr(row, column.name)
                new = pseudonym.in_json(value)
                if new != value:
                    values[column.name] = new
            if values and table is tables.lead:
                values["search"] = search_text(of_data(values.get("data", row.data)))
            if values:
                same = [key == getattr(row, key.name) for key in keys]
                self._connection.execute(update(table).where(*same).values(values))


def _texts(table: Table) -> list[Any]:
    return [one for one in table.columns if isinstance(one.type, String | JSON | column_types.Words)]


def _emails(row: Row[Any]) -> Iterator[str]:
    """Every address outside us that a message bears."""
    if row.direction == Direction.INBOUND and row.sender:
        yield row.sender
    for email, _, _ in row.recipients or ():
        yield email
    if row.delivery:
        yield from row.delivery[2]
    for name in ("to", "participants", "answer_to"):
        yield from (one for one in (row.known or {}).get(name, ()) if "@" in one)
