"""One view of the leads that several sources give: who has an address, and what the others add (rule 53)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from inboxwatch.core.model import Lead

_FILLED = ("name", "company", "domain", "owner", "tier", "country", "language")
"""What other sources fill where the first leaves it empty; of attributes, each by itself."""


class RowId(NamedTuple):
    """A record of a source."""

    source: str
    key: str


@dataclass(frozen=True, slots=True)
class GivenLead:
    """A lead as one source gives it."""

    id: RowId
    lead: Lead
    """Its id and aliases are the addresses that the source lists; an owner is a person of ours."""
    former: tuple[str, ...] = ()
    """Addresses that the record, or one that was merged into it, had before."""

    @property
    def addresses(self) -> Iterator[str]:
        """Every address that it lists."""
        return (email for _, email in self.listings)

    @property
    def listings(self) -> Iterator[tuple[int, str]]:
        """(rank among the claims of one source, address): its own address goes before an alias, a former one last."""
        yield 0, self.lead.id
        for email in self.lead.aliases:
            yield 1, email
        for email in self.former:
            yield 2, email


@dataclass(frozen=True, slots=True)
class ViewedLead:
    """A lead as all sources together know it."""

    lead: Lead
    rows: tuple[GivenLead, ...]
    """What it is made of, the one that has it first."""

    def provenance(self) -> dict[str, str]:
        """Which source each field that is not empty is from; attributes by their names, aliases as `alias ADDRESS`."""
        told: dict[str, str] = {}
        for row in reversed(self.rows):
            lead, source = row.lead, row.id.source
            told |= {name: source for name in _FILLED if getattr(lead, name)}
            told |= {name: source for name, value in lead.attributes if value}
            told |= {f"alias {email}": source for email in row.addresses if email in self.lead.aliases}
        return told


def views(
    rows: Collection[GivenLead], order: Sequence[str], outcomes: Mapping[RowId, str] | None = None
) -> list[ViewedLead]:
    """The leads that rows make, which must be all that share an address with one of them.

    An address belongs to the first source in `order` that lists it; within one source to the record whose own address
    it is, else whose alias, else whose former one, and then to the first key. A record whose own address belongs to
    another goes into that one. The result depends on nothing else: no order of arrival, no history.

    `outcomes`: of records with opportunities `open`, `won` or `lost`. They count where the first record's own status is
    `open`; one open opportunity keeps a lead open.
    """
    rank = {source: number for number, source in enumerate(order)}

    def place(row: GivenLead) -> tuple[int, str]:
        return rank.get(row.id.source, len(rank)), row.id.source

    holders: dict[str, tuple[tuple[Any, ...], GivenLead]] = {}
    for row in rows:
        for claim, email in row.listings:
            strength = (*place(row), claim, row.id.key)
            if email not in holders or strength < holders[email][0]:
                holders[email] = strength, row
    groups: dict[RowId, list[GivenLead]] = {}
    for row in rows:
        head = row
        while (holder := holders[head.lead.id][1]) is not head:
            head = holder
        groups.setdefault(head.id, []).append(row)
    found = []
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda row: (*place(row), row.id.key))
        ids = {row.id for row in group}
        ours = {email for row in group for email in row.addresses if holders[email][1].id in ids}
        found.append(ViewedLead(_merged(group, ours, outcomes or {}), tuple(group)))
    return sorted(found, key=lambda one: one.lead.id)


def _merged(group: Sequence[GivenLead], ours: Collection[str], outcomes: Mapping[RowId, str]) -> Lead:
    first = group[0].lead
    if len(group) == 1 and not (first.aliases or group[0].former or outcomes):
        return first
    aliases = dict.fromkeys(email for row in group for email in row.addresses if email != first.id and email in ours)
    changed: dict[str, Any] = {"aliases": tuple(aliases), "status": _status(group, outcomes)}
    if len(group) > 1:
        for name in _FILLED:
            changed[name] = next((said for row in group if (said := getattr(row.lead, name))), getattr(first, name))
        attributes: dict[str, str] = {}
        for row in group:
            for name, value in row.lead.attributes:
                if not attributes.get(name):
                    attributes[name] = value
        changed["attributes"] = tuple(attributes.items())
    return replace(first, **changed)


def _status(group: Sequence[GivenLead], outcomes: Mapping[RowId, str]) -> str:
    own = group[0].lead.status
    told = [outcomes[row.id] for row in group if row.id in outcomes]
    if own != "open" or not told or "open" in told:
        return own
    return told[0]
