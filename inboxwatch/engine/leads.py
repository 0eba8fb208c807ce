"""What lists of leads say with a config, and leads that are pushed one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.connector import LeadList
from inboxwatch.core.lead_view import GivenLead, RowId
from inboxwatch.core.model import Lead
from inboxwatch.engine.lead_feeds import put_rows, usable
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow, digest_of

if TYPE_CHECKING:
    from inboxwatch.config import Config


@dataclass(frozen=True, slots=True)
class Screened:
    """What of a list can be used with a config."""

    leads: Sequence[Lead]
    refused: Sequence[tuple[str, str]]
    """(place, reason) of rows that cannot be used: by themselves, or because the address is one of ours."""
    ownerless: Mapping[str, int]
    """How many leads name an owner who is no person of the config: routing goes on without one."""


def screen(config: Config, source: str, found: LeadList) -> Screened:
    """Sorts a list by what the config knows."""
    fit = usable(config, source, found.rows)
    ownerless = Counter(row.owner for row in fit.rows if row.owner and row.given.lead.owner is None)
    return Screened([row.given.lead for row in fit.rows], [*found.refused, *fit.refused], ownerless)


def learn_one(tx: Transaction, rules: Rules, lead: Lead, now: datetime) -> None:
    """Takes over one lead of its source, by its address, at the cost of one however many there are."""
    given, owner = GivenLead(RowId(lead.source, lead.id), lead), lead.owner or ""
    row = StoredRow(given, owner, alone=True, digest=digest_of(lead, owner))
    put_rows(tx, rules, lead.source, [row], now, bidden=True)
