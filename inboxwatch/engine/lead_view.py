"""Makes leads of what sources give, in one transaction: the view (rule 53), histories that go on, waits that close."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.lead_view import RowId, ViewedLead, views
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.requalify import LeadChange, reach_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow
from inboxwatch.store.outcomes import OutcomeRecord

if TYPE_CHECKING:
    from inboxwatch.config import Config

PUSHED = "api"
"""The source of leads that other systems push; it comes after those of the config."""


def order_of(config: Config) -> tuple[str, ...]:
    """The sources, who goes before others first."""
    return (*config.leads, PUSHED)


def give(
    tx: Transaction,
    rules: Rules,
    rows: Sequence[StoredRow],
    now: datetime,
    *,
    before: Collection[StoredRow] = (),
) -> int:
    """Takes over rows that are new, changed or (as they are) to be looked at again. Returns how many leads changed.

    `before`: rows as they were, of those that changed, and of those that there are no more: these were dropped from
    the store already.
    """
    known, asked = _related(tx, rows, {email for row in (*rows, *before) for email in row.given.addresses})
    told = tx.outcomes.of_rows(known)
    outcomes = status_of_outcomes(told)
    viewed = views([row.given for row in known.values()], order_of(rules.config), outcomes)
    tx.outcomes.own(_unowned(told, viewed))
    stored = tx.leads.get_many(asked)
    _write_rows(tx, rows, known, viewed)
    changed = [one for one in viewed if stored.get(one.lead.id) != one.lead]
    tx.leads.put([one.lead for one in changed], now)
    holder = {email: one.lead.id for one in viewed for email in one.lead.aliases}
    ids = {one.lead.id for one in viewed}
    # A provisional lead whom nobody lists stays.
    gone = [id_ for id_, lead in stored.items() if id_ in holder or not (id_ in ids or lead.provisional)]
    tx.leads.drop(gone)
    threads = set[str]()
    was = dict(stored)
    for old in gone:
        if (new := holder.get(old)) is not None:
            threads.update(_go_on(tx, old, new))
            was.setdefault(new, stored[old])
    threads |= _close(tx, was, changed, outcomes, now)
    if given := [one.lead.id for one in changed if _has_another_owner(was, one.lead)]:
        threads |= tx.clocks.open_threads(given)
    if rules.qualification is not None:
        threads |= reach_waits(tx, rules, _changes(was, changed, set(gone) - holder.keys()), now)
    if threads:
        evaluate(tx, rules, sorted(threads), Occasion(now))
    return len(changed) + len(gone)


def _has_another_owner(before: Mapping[LeadId, Lead], lead: Lead) -> bool:
    known = before.get(lead.id)
    return known is not None and lead.owner is not None and lead.owner != known.owner


def _changes(
    before: Mapping[LeadId, Lead], changed: Iterable[ViewedLead], gone: Iterable[LeadId]
) -> dict[LeadId, LeadChange]:
    """What has become of leads, each by the source that says so: that of the tier, else who has it first."""
    found = {}
    for one in changed:
        source = one.provenance().get("tier") or one.rows[0].id.source
        found[one.lead.id] = LeadChange(before.get(one.lead.id), one.lead, source)
    return found | {id_: LeadChange(before[id_], None, before[id_].source) for id_ in gone}


def look_again(tx: Transaction, rules: Rules, ids: Iterable[RowId], now: datetime) -> int:
    """Makes the leads of some rows anew, as the config in force wants them. Returns how many leads changed."""
    rows = list[StoredRow]()
    by_source: dict[str, list[str]] = {}
    for one in ids:
        by_source.setdefault(one.source, []).append(one.key)
    for source, keys in by_source.items():
        rows += tx.lead_rows.of_keys(source, keys).values()
    return give(tx, rules, rows, now) if rows else 0


def drop_rows(tx: Transaction, rules: Rules, source: str, keys: Collection[str], now: datetime) -> int:
    """Takes away rows of a source. Returns how many leads changed."""
    before = list(tx.lead_rows.of_keys(source, keys).values())
    if not before:
        return 0
    tx.lead_rows.drop(source, [row.id.key for row in before])
    return give(tx, rules, [], now, before=before)


def view_of(tx: Transaction, rules: Rules, lead: Lead) -> ViewedLead | None:
    """What a lead is made of; None for a provisional one, whom no source gives."""
    known, _ = _related(tx, [], {lead.id, *lead.aliases})
    outcomes = status_of_outcomes(tx.outcomes.of_rows(known))
    found = views([row.given for row in known.values()], order_of(rules.config), outcomes)
    return next((one for one in found if one.lead.id == lead.id), None)


def status_of_outcomes(told: Iterable[OutcomeRecord]) -> dict[RowId, str]:
    """Of each record with opportunities: `open` while one is, else what the last came to."""
    found: dict[RowId, OutcomeRecord] = {}
    for one in told:
        last = found.get(one.row)
        still_open = one.what == "opportunity"
        if last is None or (
            last.what != "opportunity" and (still_open or (one.at, one.number) > (last.at, last.number))
        ):
            found[one.row] = one
    return {row: "open" if one.what == "opportunity" else one.what for row, one in found.items()}


def _related(
    tx: Transaction, rows: Sequence[StoredRow], emails: set[str]
) -> tuple[dict[RowId, StoredRow], frozenset[str]]:
    """All rows that share an address with one of these, or with one that does; and all their addresses."""
    known = {row.id: row for row in rows}
    asked, todo = set[str](), set(emails)
    while todo:
        found = [row for row in tx.lead_rows.of_addresses(todo) if row.id not in known]
        asked |= todo
        known |= {row.id: row for row in found}
        todo = {email for row in found for email in row.given.addresses} - asked
    return known, frozenset(asked)


def _write_rows(
    tx: Transaction, given: Sequence[StoredRow], known: Mapping[RowId, StoredRow], viewed: Sequence[ViewedLead]
) -> None:
    """Writes the rows that were given, and those whose lead was just theirs before and is not now, or the reverse."""
    fresh, changed = {row.id for row in given}, list[StoredRow]()
    for one in viewed:
        for part in one.rows:
            alone = len(one.rows) == 1 and one.lead == part.lead
            row = known[part.id]
            if part.id in fresh or row.alone != alone:
                changed.append(row if row.alone == alone else replace(row, alone=alone))
    tx.lead_rows.put(changed)


def _unowned(told: Iterable[OutcomeRecord], viewed: Iterable[ViewedLead]) -> dict[RowId, str]:
    """Whose opportunities those are that were seen before their records were known."""
    leads = {row.id: one.lead.id for one in viewed for row in one.rows}
    return {one.row: leads[one.row] for one in told if one.lead is None and one.row in leads}


def _go_on(tx: Transaction, old: str, new: LeadId) -> list[str]:
    """Lets the history of a lead go on under another address. Returns the threads concerned."""
    side, _ = tx.leads.directory([new], [new], free_mail=free_mail()).side_of(new)
    tx.outcomes.rename(old, new)
    return tx.lead_history.move(old, new, side)


def _close(
    tx: Transaction,
    before: Mapping[LeadId, Lead],
    changed: Iterable[ViewedLead],
    outcomes: Mapping[RowId, str],
    now: datetime,
) -> set[str]:
    """Ends the waits of leads that were open before and are not any more. Returns their threads."""
    threads = set[str]()
    for one in changed:
        lead, old = one.lead, before.get(one.lead.id)
        if lead.status == "open" or old is None or old.status != "open":
            continue
        first = one.rows[0]
        told = first.lead.status != "open"
        source = first.id.source if told else next(row.id.source for row in one.rows if row.id in outcomes)
        reason = f"status in {source}" if told else f"{lead.status} in {source}"
        tx.clocks.record(Action(now, ActionKind.LEAD_CLOSED, source, lead=lead.id, reason=reason), None)
        threads.update(tx.mail.threads_of_lead(lead.id))
    return threads
