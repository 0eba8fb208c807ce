"""Re-applies the config's policies to open waits: explicit, and it shows what moves (rule 21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.sla.policy import Metric, choose
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.policies import prepare
from inboxwatch.engine.rules import Rules
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


def reapply(tx: Transaction, rules: Rules, now: datetime) -> list[Move]:
    """Puts every open wait under the policy that the config chooses for it now: steps that have notified stay so.

    Returns what moved, by due time.
    """
    prepare(tx, rules)
    before = {}
    running = tx.clocks.running()
    leads = tx.leads.get_many({row.lead for row in running})
    for row in running:
        facts = rules.context.facts(row.lead, leads.get(row.lead), row.mailbox)
        policy = choose(rules.config.policies, facts)
        if policy is None or policy.target(Metric(row.metric)) is None or policy.version == row.policy_version:
            continue  # a wait that no policy covers any more ends under the one it began with
        before[row.id] = row
        tx.clocks.repolicy(row.id, policy.name, policy.version)
    evaluate(tx, rules, sorted({row.thread for row in before.values()}), Occasion(now))
    moves = [
        Move(
            clock=row.id,
            lead=row.lead,
            owner=row.owner,
            before=f"{before[row.id].policy} {before[row.id].policy_version}",
            after=f"{row.policy} {row.policy_version}",
            due_before=before[row.id].due_at,
            due_after=row.due_at,
        )
        for row in tx.clocks.running()
        if row.id in before
    ]
    return sorted(moves, key=lambda move: (move.due_after, move.clock))
