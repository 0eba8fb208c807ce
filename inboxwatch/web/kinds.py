"""Mail of leads that was not taken for a person's: listed, called a person's, and that taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from inboxwatch.core.model import Kind
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine import kinds
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store import Transaction
from inboxwatch.store.records import KindFactRecord, MessageRecord
from inboxwatch.web.bodies import SaidKind
from inboxwatch.web.problems import Problem

FILTERS = ("kind", "mailbox", "since")
_MACHINES = [kind.value for kind in Kind if kind is not Kind.HUMAN]


def filters(query: Mapping[str, str]) -> tuple[dict[str, str], datetime | None]:
    """The filters of a query: a kind, a mailbox; since when. Raises Problem (422)."""
    where = {name: query[name] for name in ("kind", "mailbox") if query.get(name)}
    if where.get("kind", _MACHINES[0]) not in _MACHINES:
        raise Problem(422, f"kind: must be one of {', '.join(_MACHINES)}")
    if not query.get("since"):
        return where, None
    try:
        since = datetime.fromisoformat(query["since"])
    except ValueError:
        raise Problem(422, "since: write an instant such as 2026-05-01T12:00:00Z") from None
    if since.tzinfo is None:
        raise Problem(422, "since: has no zone; write it as 2026-05-01T12:00:00Z")
    return where, since


async def page(
    daemon: DaemonPort, query: Mapping[str, str], before: tuple[datetime, str] | None, limit: int
) -> tuple[list[dict[str, Any]], tuple[datetime, str] | None]:
    """A page of the list, newest first, and the (time, key) behind which the next one begins, or None."""
    where, since = filters(query)

    def ask(tx: Transaction) -> tuple[list[dict[str, Any]], tuple[datetime, str] | None]:
        rows = tx.kinds.machines(where, since, before, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return [view(row) for row in rows[:limit]], (last.at, last.key) if last is not None else None

    return await daemon.read(ask)


async def do(daemon: DaemonPort, message_id: str, action: str, body: SaidKind) -> dict[str, Any]:
    """Says that a person wrote a message, or takes that back; returns it as it is then. Raises Refused."""
    use_case = {"confirm": kinds.confirm, "undo": kinds.undo}[action]
    acting = Acting(body.by, daemon.now(), body.reason)
    return view(await daemon.write(use_case, daemon.rules, message_id, acting, sender=body.sender))


def view(row: MessageRecord) -> dict[str, Any]:
    """A message with its kind, and what spoke for and against it."""
    return {
        "message_id": row.message_id,
        "at": rfc3339(row.at),
        "sender": row.sender,
        "subject": row.subject,
        "kind": row.kind,
        "signal": row.signal,
        "machine": list(row.signs.machine),
        "person": list(row.signs.person),
        "weight": row.signs.weight,
        "owes_reply": row.owes_reply,
        "lead": row.lead,
        "mailbox": row.mailbox,
        "thread": row.thread,
    }


def fact_view(fact: KindFactRecord) -> dict[str, Any]:
    """What somebody said of a kind."""
    return {
        "message_id": fact.of or fact.name,
        "sender": fact.name if fact.sender else None,
        "kind": Kind.HUMAN.value,
        "by": fact.by,
        "at": rfc3339(fact.at),
        "reason": fact.reason,
    }
