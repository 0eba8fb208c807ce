"""Leads that another system pushes in bulk: put and dropped as a list would, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inboxwatch.core.lead_view import GivenLead, RowId
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.forgotten import without_forgotten
from inboxwatch.engine.lead_feeds import put_rows
from inboxwatch.engine.lead_view import PUSHED, drop_rows
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow


@dataclass(slots=True)
class Pushed:
    """What became of a push."""

    put: int = 0
    """Leads that are now as they were pushed."""
    changed: int = 0
    """Those of them that were not so before."""
    dropped: list[LeadId] = field(default_factory=list)
    put_refused: dict[int, str] = field(default_factory=dict)
    """Place in what was put -> why it was not."""
    drop_refused: dict[int, str] = field(default_factory=dict)


def push(tx: Transaction, rules: Rules, put: Mapping[int, Lead], drop: Mapping[int, LeadId], now: datetime) -> Pushed:
    """Takes over leads, and drops others with their mail and waits kept, each named by its place in what was pushed.

    Leads of another source stay as that says, and who was forgotten does not come back by a push. Only what differs is
    written: the same push again changes nothing.
    """
    done = Pushed()
    before = tx.leads.get_many([*(lead.id for lead in put.values()), *drop.values()])
    known = {lead.id for lead in without_forgotten(tx, [one for one in put.values() if one.id not in before])}
    rows = []
    for place, lead in put.items():
        old = before.get(lead.id)
        if old is None and lead.id not in known:
            done.put_refused[place] = "this person was forgotten: only mail of theirs, or PUT by a colleague, adds them"
        elif old is not None and (why := kept_elsewhere(old)):
            done.put_refused[place] = why
        else:
            done.put += 1
            rows.append(StoredRow(GivenLead(RowId(PUSHED, lead.id), lead), lead.owner or ""))
    done.changed = put_rows(tx, rules, PUSHED, rows, now)
    for place, lead_id in drop.items():
        old = before.get(lead_id)
        if old is not None and (why := kept_elsewhere(old)):
            done.drop_refused[place] = why
        elif old is not None and not old.provisional:
            done.dropped.append(lead_id)
    drop_rows(tx, rules, PUSHED, done.dropped, now)
    return done


def kept_elsewhere(lead: Lead) -> str:
    """Why a push does not change a lead; empty where it may."""
    if lead.source == PUSHED or lead.provisional:
        return ""
    return f"this lead is kept by the source {lead.source!r}: change it there, it is read again by itself"
