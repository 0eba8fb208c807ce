"""Weak matches for review: listed, confirmed, split."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine import review
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.refused import NoSuchMessage
from inboxwatch.store import Transaction
from inboxwatch.store.records import MessageRecord
from inboxwatch.web.bodies import Reviewed


async def page(daemon: DaemonPort, after: tuple[datetime, str] | None, limit: int) -> tuple[list[dict[str, Any]], Any]:
    """The matches to be reviewed, and the (time, key) behind which the next page begins, or None."""

    def ask(tx: Transaction) -> tuple[list[dict[str, Any]], Any]:
        rows = review.weak(tx, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return [_view(row) for row in rows[:limit]], (last.at, last.key) if last is not None else None

    return await daemon.read(ask)


async def do(daemon: DaemonPort, message_id: str, action: str, body: Reviewed) -> dict[str, Any]:
    """Confirms, splits or takes that back; returns the match as it is then. Raises Refused."""
    use_case = {"confirm": review.confirm, "split": review.split, "undo": review.undo}[action]
    await daemon.write(use_case, daemon.rules, message_id, body.by, daemon.now(), body.reason)

    def find(tx: Transaction) -> dict[str, Any]:
        row = tx.mail.row(message_id.strip().strip("<>"))
        if row is None:
            raise NoSuchMessage(message_id)
        return _view(row)

    return await daemon.read(find)


def _view(row: MessageRecord) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "at": rfc3339(row.at),
        "direction": row.direction,
        "kind": row.kind,
        "sender": row.sender,
        "author": row.author,
        "subject": row.subject,
        "lead": row.lead,
        "mailbox": row.mailbox,
        "thread": row.thread,
        "parent": row.parent,
        "evidence": row.evidence,
        "confidence": row.confidence,
    }
