"""Re-applies the config's policies to open waits: explicit, and it shows what moves (rule 21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import update

from inboxwatch.core.sla.policy import Metric, choose
from inboxwatch.engine.evaluate import Desk
from inboxwatch.store import tables

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction


@dataclass(frozen=True, slots=True)
class Move:
    """What another policy changes for one open wait."""

    clock: str
    lead: str
    owner: str | None
    before: str
    """The policy it ran under: name and version."""
    after: str
    due_before: datetime
    due_after: datetime


class _Undone(Exception):  # noqa: N818  (no error: the rehearsal is over)
    """Rolls a rehearsal back."""


def reapply(engine: Engine, now: datetime, *, rehearse: bool = False) -> list[Move]:
    """Puts every open wait under the policy that the config chooses for it now; what was told is not told again.

    A rehearsal does the same and takes it back, so what it shows is what would happen. Returns what moved, by due time.
    """
    moves: list[Move] = []
    pinned = dict(engine.policies)
    try:
        with engine.store.transaction() as tx:
            moves += _reapply(engine, tx, now)
            if rehearse:
                _take_back()
    except _Undone:
        engine.policies.clear()
        engine.policies.update(pinned)
    return sorted(moves, key=lambda move: (move.due_after, move.clock))


def _take_back() -> NoReturn:
    raise _Undone


def _reapply(engine: Engine, tx: Transaction, now: datetime) -> list[Move]:
    before = {}
    clock = tables.clock
    for row in tx.clocks.running():
        kind = next((one.kind for one in tx.mail.rows(row.thread) if one.message_id == row.started_by), "human")
        policy = choose(engine.config.policies, engine.around.facts(row.lead, row.mailbox, kind))
        if policy is None or policy.target(Metric(row.metric)) is None or policy.version == row.policy_version:
            continue  # a wait that no policy covers any more ends under the one it began with
        before[row.id] = row
        tx.mailboxes.pin(policy.version, policy.document)
        engine.policies[policy.version] = policy
        changed = {"policy_version": policy.version, "policy": policy.name}
        tx.connection.execute(update(clock).where(clock.c.id == row.id).values(**changed))
    desk = Desk(tx, engine.around, engine.owing, engine.policies, now)
    desk.settle(sorted({row.thread for row in before.values()}))
    after = {row.id: row for row in tx.clocks.running() if row.id in before}
    return [
        Move(
            clock=id_,
            lead=row.lead,
            owner=row.owner,
            before=f"{before[id_].policy} {before[id_].policy_version}",
            after=f"{row.policy} {row.policy_version}",
            due_before=before[id_].due_at,
            due_after=row.due_at,
        )
        for id_, row in after.items()
    ]
