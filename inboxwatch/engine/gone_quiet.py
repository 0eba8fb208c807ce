"""Closes follow-ups whose buyers have gone quiet: a dated fact, after a time that the config sets (rule 40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.sla.gone_quiet import quiet_at
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord

PROGRAM = "inboxwatch"
"""Who does it."""
AT_ONCE = 200
"""Follow-ups of one transaction."""


@dataclass(frozen=True, slots=True)
class QuietPass:
    """What one transaction did, and where the next one goes on."""

    closed: int
    after: tuple[datetime, str]


def close_quiet(
    tx: Transaction, rules: Rules, now: datetime, after: tuple[datetime, str] | None = None
) -> QuietPass | None:
    """Closes those among the next ones by due time that have been quiet for long enough by `now`; None where none is
    left, or the config has no such time. One whose buyer's answer could be unread stays open.
    """
    length = rules.config.gone_quiet_after
    rows = tx.board.quiet_since(now - length, after, AT_ONCE) if length is not None else []
    if length is None or not rows:
        return None
    witnesses = tx.mail.witnesses([row.thread for row in rows])
    seen = {str(row.id): row.seen_until for row in tx.mailboxes.all() if row.id in rules.config.mailboxes}
    closing = []
    for row, at in zip(rows, _quiet_at(tx, rules, rows, length), strict=True):
        boxes = witnesses.get(row.thread, set()) | rules.context.watching(row.owner, row.mailbox)
        read = [seen[box] for box in boxes if box in seen]
        if at <= now and all(until is not None and until >= at for until in read):
            closing.append(row)
    for row in closing:
        tx.clocks.record(Action(now, ActionKind.GONE_QUIET, PROGRAM, row.id, row.lead, owner=row.owner), row.thread)
    evaluate(tx, rules, sorted({row.thread for row in closing}), Occasion(now))
    return QuietPass(len(closing), (rows[-1].due_at, rows[-1].id))


def _quiet_at(tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], length: timedelta) -> list[datetime]:
    done: Mapping[str, Sequence[Action]] = tx.clocks.actions([row.thread for row in rows], [])
    people = rules.config.people
    return [
        quiet_at(
            row.due_at,
            [one for one in done.get(row.thread, ()) if one.clock in row.ids and one.by in people],
            length,
        )
        for row in rows
    ]
