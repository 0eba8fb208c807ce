"""What became of opportunities, as sources tell it: kept as told, and closing leads that have none open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, tzinfo

from inboxwatch.core.lead_view import RowId
from inboxwatch.core.told_instant import told_instant
from inboxwatch.engine.lead_view import look_again
from inboxwatch.engine.rules import Rules
from inboxwatch.lead_feed import LeadBatch, LeadOutcome
from inboxwatch.store import Transaction
from inboxwatch.store.lead_rows import StoredRow
from inboxwatch.store.outcomes import DROPPED, OutcomeRecord

TIMES = ("opportunity_at", "closed_at")
"""Columns of a lead that say what became of it: dates or instants."""


def take_outcomes(tx: Transaction, rules: Rules, source: str, batch: LeadBatch, now: datetime) -> int:
    """Adds what is news of a batch's opportunities. Returns how many leads changed by it.

    A lead with an open opportunity is open; else the last one says whether it is won or lost, where the record's own
    status says nothing else.
    """
    return _take(tx, rules, source, batch.outcomes, batch.dropped_outcomes, now)


def take_listed(
    tx: Transaction, rules: Rules, source: str, rows: Iterable[tuple[StoredRow, StoredRow | None]], now: datetime
) -> int:
    """Takes over what the columns of rows, each with what it was before, say of an opportunity. Returns how many leads
    changed by it.
    """
    zone = rules.config.policies[-1].calendar.zone
    told, dropped = list[LeadOutcome](), list[str]()
    for row, before in rows:
        outcome = _listed(row, zone)
        if outcome is not None:
            told.append(outcome)
        elif before is not None and _listed(before, zone) is not None:
            dropped.append(_id_of(row))
    return _take(tx, rules, source, told, dropped, now)


def _listed(row: StoredRow, zone: tzinfo) -> LeadOutcome | None:
    columns = {name: value for name, value in row.given.lead.attributes if name in TIMES and value}
    if not columns:
        return None
    opened, closed = (_instant(columns.get(name), zone) for name in TIMES)
    key, status = row.id.key, row.given.lead.status
    if closed is not None and status in ("won", "lost"):
        return LeadOutcome(_id_of(row), key, "won" if status == "won" else "lost", closed, opened)
    return LeadOutcome(_id_of(row), key, "opportunity", opened) if opened is not None else None


def _id_of(row: StoredRow) -> str:
    """A list names no opportunities: each record has one at most."""
    return f"{row.id.key} listed"


def _instant(told: str | None, zone: tzinfo) -> datetime | None:
    try:
        return told_instant(told, zone) if told else None
    except ValueError:  # of a source that does not look at it
        return None


def _take(  # six parameters: what a source tells of opportunities, and which are no more
    tx: Transaction, rules: Rules, source: str, told: Sequence[LeadOutcome], dropped: Collection[str], now: datetime
) -> int:
    ids = {one.id for one in told} | set(dropped)
    if not ids:
        return 0
    last = {(one.id, one.key): one for one in tx.outcomes.of_ids(source, ids)}
    final, opened = dict[tuple[str, str], LeadOutcome](), dict[tuple[str, str], datetime]()
    for one in told:
        final[one.id, one.key] = one
        if (at := one.at if one.what == "opportunity" else one.opened) is not None:
            opened[one.id, one.key] = at
    begun = tx.outcomes.opened(source, ids)
    news = list[OutcomeRecord]()
    for (id_, key), one in final.items():
        known = last.get((id_, key))
        # When it was opened is what latency is compared with: also of one that is closed when it is first seen.
        missed = one.what != "opportunity" and (id_, key) in opened and (id_, key) not in begun
        if missed:
            news.append(OutcomeRecord(source, id_, key, "opportunity", opened[id_, key], now))
        if missed or known is None or (known.what, known.at) != (one.what, one.at):
            news.append(OutcomeRecord(source, id_, key, one.what, one.at, now))
    for known in last.values():
        if known.id in dropped and known.what != DROPPED:
            news.append(OutcomeRecord(source, known.id, known.key, DROPPED, now, now, known.lead))
    tx.outcomes.add(news)
    return look_again(tx, rules, dict.fromkeys(RowId(source, one.key) for one in news), now)
