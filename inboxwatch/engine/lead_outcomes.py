"""What became of opportunities, as sources tell it: kept as told, and closing leads that have none open."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.core.lead_view import RowId
from inboxwatch.engine.lead_view import look_again
from inboxwatch.engine.rules import Rules
from inboxwatch.lead_feed import LeadBatch
from inboxwatch.store import Transaction
from inboxwatch.store.outcomes import DROPPED, OutcomeRecord


def take_outcomes(tx: Transaction, rules: Rules, source: str, batch: LeadBatch, now: datetime) -> int:
    """Adds what is news of a batch's opportunities. Returns how many leads changed by it.

    A lead with an open opportunity is open; else the last one says whether it is won or lost, where the record's own
    status says nothing else.
    """
    ids = {one.id for one in batch.outcomes} | set(batch.dropped_outcomes)
    if not ids:
        return 0
    last = {(one.id, one.key): one for one in tx.outcomes.of_ids(source, ids)}
    news = dict[tuple[str, str], OutcomeRecord]()
    for told in batch.outcomes:
        known = news.get((told.id, told.key)) or last.get((told.id, told.key))
        if known is None or (known.what, known.at) != (told.what, told.at):
            news[told.id, told.key] = OutcomeRecord(source, told.id, told.key, told.what, told.at, now)
    for one in last.values():
        if one.id in batch.dropped_outcomes and one.what != DROPPED:
            news[one.id, one.key] = OutcomeRecord(source, one.id, one.key, DROPPED, now, now, one.lead)
    tx.outcomes.add(list(news.values()))
    touched = dict.fromkeys(RowId(source, key) for _, key in news)
    return look_again(tx, rules, touched, now)
