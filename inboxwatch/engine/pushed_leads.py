"""Leads that another system pushes in bulk: rows of the source `api`, beside those of lists and feeds (rule 53)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.lead_view import GivenLead, RowId
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.forgotten import without_forgotten
from inboxwatch.engine.lead_feeds import count_owners, put_rows
from inboxwatch.engine.lead_view import PUSHED, drop_rows
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow


class PushedLead(NamedTuple):
    """A lead as it was pushed."""

    lead: Lead
    """Its owner is a person of ours, or none."""
    owner: str = ""
    """As the other system names them."""


@dataclass(slots=True)
class Pushed:
    """What became of a push."""

    put: int = 0
    """Leads that are now as they were pushed."""
    changed: int = 0
    """How many leads that changed, of these and of those that were dropped."""
    dropped: list[LeadId] = field(default_factory=list)
    put_refused: dict[int, str] = field(default_factory=dict)
    """Place in what was put -> why it was not."""
    drop_refused: dict[int, str] = field(default_factory=dict)


def push(
    tx: Transaction, rules: Rules, put: Mapping[int, PushedLead], drop: Mapping[int, LeadId], now: datetime
) -> Pushed:
    """Takes over leads, and drops others with their mail and waits kept, each named by its place in what was pushed.

    What other sources say of them stays. Who was forgotten does not come back by a push. Only what differs is written:
    the same push again changes nothing.
    """
    done = Pushed()
    before = tx.lead_rows.of_keys(PUSHED, drop.values())
    known = tx.leads.get_many([one.lead.id for one in put.values()] + list(drop.values()))
    new = [one.lead for one in put.values() if one.lead.id not in known]
    welcome = {lead.id for lead in without_forgotten(tx, new)} | known.keys()
    rows = []
    for place, (lead, owner) in put.items():
        if lead.id in welcome:
            rows.append(StoredRow(GivenLead(RowId(PUSHED, lead.id), lead), owner))
        else:
            done.put_refused[place] = "this person was forgotten: only mail of theirs, or PUT by a colleague, adds them"
    done.put, done.changed = len(rows), put_rows(tx, rules, PUSHED, rows, now)
    for place, lead_id in drop.items():
        if lead_id in before:
            done.dropped.append(lead_id)
        elif lead_id in known and (why := kept_elsewhere(known[lead_id])):
            done.drop_refused[place] = why
    done.changed += drop_rows(tx, rules, PUSHED, done.dropped, now) if done.dropped else 0
    if done.changed:
        count_owners(tx, rules, PUSHED)
    return done


def kept_elsewhere(lead: Lead) -> str:
    """Why a push does not change a lead; empty where it may."""
    if lead.source == PUSHED or lead.provisional:
        return ""
    return f"this lead is kept by the source {lead.source!r}: change it there, it is read again by itself"
