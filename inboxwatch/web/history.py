"""What has happened to a wait: who owned it when and why, every action, who was notified and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import PersonId
from inboxwatch.core.proof import NOTHING_KNOWN, Proof
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.refused import NoSuchWait
from inboxwatch.engine.verdict_waits import done_to
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, DeliveryRecord, MessageRecord, NotifiedRecord


@dataclass(frozen=True, slots=True)
class Ownership:
    """A stretch of time in which a wait was one person's."""

    owner: PersonId | None
    since: datetime
    until: datetime | None
    """None while it still is."""
    by: str
    """A person's id, `routing`, or `escalation`."""
    rule: str
    reason: str

    def as_json(self) -> dict[str, object]:
        return {
            "owner": self.owner,
            "from": rfc3339(self.since),
            "until": rfc3339(self.until),
            "by": self.by,
            "rule": self.rule,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class History:
    """The records of a wait, each kind in the order of time."""

    clock: ClockRecord
    ownership: Sequence[Ownership]
    actions: Sequence[Action]
    notifications: Sequence[NotifiedRecord]
    deliveries: Sequence[DeliveryRecord]
    messages: Sequence[MessageRecord]
    proofs: Mapping[str, Proof]
    """Who really sent them, by their keys."""

    @property
    def names(self) -> frozenset[str]:
        """The ids of ours that it names: of people, of the mailbox, and what steps were told to."""
        owners = (word for one in self.actions for word in (one.owner, one.by))
        told = (one.target.partition(":")[0] for one in self.notifications)
        authors = (one.author for one in self.messages)
        sent = (word for one in self.deliveries for word in (one.target, one.person))
        return frozenset(
            map(str, filter(None, (*owners, *told, *authors, *sent, self.clock.owner, self.clock.mailbox)))
        )

    def as_json(self) -> dict[str, object]:
        """As `GET /api/v1/clocks/ID/history` answers."""
        return {
            "id": self.clock.id,
            "aliases": sorted(self.clock.ids - {self.clock.id}),
            "ownership": [one.as_json() for one in self.ownership],
            "acts": [_action(action) for action in self.actions],
            "tellings": [_notification(one) for one in self.notifications],
            "deliveries": [delivery_view(one) for one in self.deliveries],
            "messages": [_message(one, self.proofs.get(one.key, NOTHING_KNOWN)) for one in self.messages],
        }


def history(tx: Transaction, clock: str) -> History:
    """The history of a clock, by any id it ever had. Raises Refused where there is none."""
    row = tx.clocks.get(clock)
    if row is None:
        raise NoSuchWait(clock)
    ids = row.ids
    actions = _actions(tx, row)
    return History(
        clock=row,
        ownership=_ownership(actions, row),
        actions=actions,
        notifications=tx.clocks.notifications(ids),
        deliveries=tx.deliveries.for_clocks(ids),
        messages=[one for one in tx.mail.rows(row.thread) if _concerns(one, row)],
        proofs=tx.proofs.of_threads([row.thread]),
    )


def _actions(tx: Transaction, row: ClockRecord) -> list[Action]:
    found = tx.clocks.actions([row.thread], [row.lead])
    of_lead = [
        action
        for action in found.get(f"lead:{row.lead}", ())
        if row.started_at <= action.at and (row.stopped_at is None or action.at <= row.stopped_at)
    ]
    of_clock = done_to(tx, row, found.get(row.thread, ()))
    return sorted([*of_clock, *of_lead], key=lambda action: (action.at, action.serial))


def _ownership(actions: Sequence[Action], row: ClockRecord) -> list[Ownership]:
    """Each owner with the instants between which the wait was theirs; the last one until it ended."""
    given = [action for action in actions if action.kind is ActionKind.ASSIGNED]
    ends = [*(action.at for action in given[1:]), row.stopped_at]
    return [
        Ownership(action.owner, action.at, end, action.by, action.rule, action.reason)
        for action, end in zip(given, ends[: len(given)], strict=True)
    ]


def _action(action: Action) -> dict[str, object]:
    told: dict[str, object] = {
        "at": rfc3339(action.at),
        "deed": action.kind.value,
        "by": action.by,
        "owner": action.owner,
        "until": rfc3339(action.until),
        "rule": action.rule,
        "reason": action.reason,
    }
    judged = {"class": action.inquiry_class, "tier": action.tier} if action.kind is ActionKind.QUALIFIED else {}
    return told | judged


def _notification(row: NotifiedRecord) -> dict[str, object]:
    return {
        "at": rfc3339(row.at),
        "step": row.step,
        "round": row.round,
        "target": row.target or None,
        "reason": row.reason,
        "policy": row.policy,
    }


def delivery_view(row: DeliveryRecord) -> dict[str, object]:
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
    return message.at >= row.started_at and (row.stopped_at is None or message.at <= row.stopped_at)


def _message(row: MessageRecord, proof: Proof) -> dict[str, object]:
    return {
        "at": rfc3339(row.at),
        "message_id": row.message_id,
        "direction": row.direction,
        "kind": row.kind,
        "signal": row.signal,
        "machine": list(row.signs.machine),
        "person": list(row.signs.person),
        "weight": row.signs.weight,
        "evidence": row.evidence,
        "confidence": row.confidence,
        "parent": row.parent,
        "author": row.author,
        "mailbox": row.mailbox,
        "subject": row.subject,
        "owes_reply": bool(row.owes_reply),
        "effect": row.effect,
        "sender_standing": proof.standing,
        "sender_evidence": proof.why,
    }
