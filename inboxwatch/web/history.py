"""What has happened to a wait: who owned it when and why, every action, what was told to whom and what became of it."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Any

from inboxwatch.core.model import ClockId
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.refused import Refused
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, DeliveryRecord, MessageRecord, NotifiedRecord


def history(tx: Transaction, clock: str) -> dict[str, Any]:
    """The history of a clock, by any id it ever had. Raises Refused where there is none."""
    row = tx.clocks.get(clock)
    if row is None:
        raise Refused(404, f"no wait has the id {clock}")
    ids = row.ids
    actions = _actions(tx, row, ids)
    return {
        "id": row.id,
        "aliases": sorted(ids - {row.id}),
        "ownership": _ownership(actions, row),
        "acts": [_action(action) for action in actions],
        "tellings": [_telling(one) for one in tx.clocks.tellings(ids)],
        "deliveries": [delivery_view(one) for one in tx.deliveries.for_clocks(ids)],
        "messages": [_message(one) for one in tx.mail.rows(row.thread) if _concerns(one, row)],
    }


def _actions(tx: Transaction, row: ClockRecord, ids: Set[ClockId]) -> list[Action]:
    found = tx.clocks.actions([row.thread], [row.lead])
    of_lead = [
        action
        for action in found.get(f"lead:{row.lead}", ())
        if row.started_at <= action.at and (row.stopped_at is None or action.at <= row.stopped_at)
    ]
    of_clock = [action for action in found.get(row.thread, ()) if action.clock in ids or action.kind in REVIEWS]
    return sorted([*of_clock, *of_lead], key=lambda action: (action.at, action.serial))


def _ownership(actions: list[Action], row: ClockRecord) -> list[dict[str, Any]]:
    """Each owner with the instants between which the wait was his; the last one until it ended."""
    given = [action for action in actions if action.kind is ActionKind.ASSIGNED]
    ends: list[datetime | None] = [action.at for action in given[1:]]
    return (
        [
            {
                "owner": action.owner,
                "from": rfc3339(action.at),
                "until": rfc3339(end),
                "by": action.by,
                "rule": action.rule,
                "reason": action.reason,
            }
            for action, end in zip(given, [*ends, row.stopped_at], strict=True)
        ]
        if given
        else []
    )


def _action(action: Action) -> dict[str, Any]:
    return {
        "at": rfc3339(action.at),
        "deed": action.kind.value,
        "by": action.by,
        "owner": action.owner,
        "until": rfc3339(action.until),
        "rule": action.rule,
        "reason": action.reason,
    }


def _telling(row: NotifiedRecord) -> dict[str, Any]:
    return {
        "at": rfc3339(row.at),
        "step": row.step,
        "round": row.round,
        "target": row.target or None,
        "reason": row.reason,
        "policy": row.policy,
    }


def delivery_view(row: DeliveryRecord) -> dict[str, Any]:
    """A delivery with its outcome."""
    return {
        "id": row.id,
        "type": row.type,
        "clock": row.clock,
        "step": row.step,
        "round": row.round,
        "reason": row.reason,
        "target": row.target,
        "channel": row.channel,
        "destination": row.destination,
        "state": row.state,
        "attempts": row.attempts,
        "owed_at": rfc3339(row.owed_at),
        "settled_at": rfc3339(row.settled_at),
        "next_at": rfc3339(row.next_at) if row.settled_at is None else None,
        "error": row.error,
    }


def _concerns(message: MessageRecord, row: ClockRecord) -> bool:
    return bool(message.at >= row.started_at and (row.stopped_at is None or message.at <= row.stopped_at))


def _message(row: MessageRecord) -> dict[str, Any]:
    return {
        "at": rfc3339(row.at),
        "message_id": row.message_id,
        "direction": row.direction,
        "kind": row.kind,
        "signal": row.signal,
        "evidence": row.evidence,
        "confidence": row.confidence,
        "parent": row.parent,
        "author": row.author,
        "mailbox": row.mailbox,
        "subject": row.subject,
        "owes_reply": bool(row.owes_reply),
        "effect": row.effect,
    }
