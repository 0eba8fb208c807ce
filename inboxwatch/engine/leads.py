"""What lead lists say of buyers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch import __version__
from inboxwatch.connector import LeadList
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.forgotten import without_forgotten
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import LeadListMark

if TYPE_CHECKING:
    from inboxwatch.config import Config

CHUNK = 1000
"""Leads that are compared with the store at a time."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What of a list can be used with a config."""

    leads: Sequence[Lead]
    refused: Sequence[tuple[str, str]]
    """(place, reason) of rows that cannot be used: by themselves, or because the address is one of ours."""
    ownerless: Mapping[str, int]
    """How many leads name an owner who is no person of the config: routing goes on without one."""


def screen(config: Config, found: LeadList) -> Screened:
    """Sorts a list by what the config knows. We are no buyers of ours: a row with our own address is refused."""
    leads, refused, ownerless = list[Lead](), list(found.refused), Counter[str]()
    for row in found.rows:
        if config.us.is_ours(row.lead.id):
            refused.append((row.place, f"{row.lead.id} is one of our own addresses, and no buyer's"))
            continue
        leads.append(row.lead)
        if row.lead.owner is not None and row.lead.owner not in config.people:
            ownerless[row.lead.owner] += 1
    return Screened(leads, refused, ownerless)


def learn(tx: Transaction, rules: Rules, source: str, leads: Sequence[Lead], now: datetime) -> int:
    """Takes over the whole list of a source: new, changed and gone leads; a closed lead ends its waits.

    Who was forgotten is not taken from a list before mail or a colleague brings them anew.

    Only what differs is written. Returns how many leads were new, changed or gone.
    """
    changed = 0
    for start in range(0, len(leads), CHUNK):
        part = leads[start : start + CHUNK]
        before = tx.leads.get_many([lead.id for lead in part])
        fresh = [lead for lead in part if lead.id in before and before[lead.id] != lead]
        fresh += without_forgotten(tx, [lead for lead in part if lead.id not in before])
        learn_many(tx, rules, source, fresh, before, now)
        changed += len(fresh)
    listed = {lead.id for lead in leads}
    dropped = tx.leads.drop([one for one in tx.leads.ids_of(source) if one not in listed])
    if dropped:
        # Another list may name them too, and has not changed: it is read again.
        for other in tx.marks.all(LeadListMark).keys() - {source}:
            tx.marks.set(LeadListMark(other), "")
    return changed + dropped


def list_version(tx: Transaction, source: str) -> str | None:
    """The version of a source's list that was taken over last, by this version of the program."""
    program, _, version = (tx.marks.get(LeadListMark(source)) or "").partition(" ")
    return version if program == __version__ and version else None


def take_list(tx: Transaction, rules: Rules, source: str, leads: Sequence[Lead], version: str, now: datetime) -> int:
    """Takes over a version of a source's list, and remembers it. Returns how many leads were new, changed or gone."""
    tx.marks.set(LeadListMark(source), f"{__version__} {version}")
    return learn(tx, rules, source, leads, now)


def learn_one(tx: Transaction, rules: Rules, lead: Lead, now: datetime) -> None:
    """Takes over one lead, at the cost of one however many there are."""
    learn_many(tx, rules, lead.source, [lead], tx.leads.get_many([lead.id]), now)


def learn_many(  # six parameters: the leads of a source, and what they were before
    tx: Transaction,
    rules: Rules,
    source: str,
    leads: Sequence[Lead],
    before: Mapping[LeadId, Lead],
    now: datetime,
) -> None:
    """Takes over leads of a source; those that were open before and are not any more end their waits."""
    tx.leads.put(leads, now)
    _close(tx, rules, source, before, leads, now)


def _close(
    tx: Transaction,
    rules: Rules,
    source: str,
    before: Mapping[LeadId, Lead],
    leads: Iterable[Lead],
    now: datetime,
) -> None:
    """Ends the waits of leads that were open before and are not any more."""
    threads: set[str] = set()
    for lead in leads:
        if lead.status != "open" and (old := before.get(lead.id)) is not None and old.status == "open":
            tx.clocks.record(
                Action(now, ActionKind.LEAD_CLOSED, source, lead=lead.id, reason=f"status in {source}"), None
            )
            threads.update(tx.mail.threads_of_lead(lead.id))
    if threads:
        evaluate(tx, rules, sorted(threads), Occasion(now))
