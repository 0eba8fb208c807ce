"""Re-applies the config's policies to open waits: explicit, and it shows what moves (rule 21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.sla.policy import Metric, choose
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.policies import prepare
from inboxwatch.engine.qualifiers import qualified_of
from inboxwatch.engine.requalify import requalify
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


@dataclass(frozen=True, slots=True)
class Move:
    """What another policy changes for one open wait."""

    clock: str
    lead: str
    owner: str | None
    before: str
    """The policy it ran under: name and version; with qualification what it was about before that, and the tier."""
    after: str
    due_before: datetime
    due_after: datetime


def reapply(tx: Transaction, rules: Rules, now: datetime) -> list[Move]:
    """Puts every open wait under the policy that the config chooses for it now: steps that have notified stay so.

    Returns what moved, by due time.
    """
    prepare(tx, rules)
    running = [row for row in tx.clocks.running() if row.metric is not Metric.VERDICT]  # it is its wait's policy's
    before = {row.id: row for row in running}
    moved = requalify(tx, rules, [row for row in running if row.metric.is_reply], now)
    leads = tx.leads.get_many({row.lead for row in running})
    for row in running:
        facts = rules.context.facts(row.lead, leads.get(row.lead), row.mailbox, qualified_of(row))
        policy = choose(rules.config.policies, facts)
        if policy is None or policy.target(Metric(row.metric)) is None or policy.version == row.policy_version:
            continue  # a wait that no policy covers any more ends under the one it began with
        tx.clocks.repolicy(row, policy.name, policy.version)
        moved.add(row.thread)
    evaluate(tx, rules, sorted(moved), Occasion(now))
    moves = [
        Move(
            clock=row.id,
            lead=row.lead,
            owner=row.owner,
            before=_under(before[row.id]),
            after=_under(row),
            due_before=before[row.id].due_at,
            due_after=row.due_at,
        )
        for row in tx.clocks.running()
        if row.id in before and _standing(row) != _standing(before[row.id])
    ]
    return sorted(moves, key=lambda move: (move.due_after, move.clock))


def _standing(row: ClockRecord) -> tuple[str, ...]:
    return row.policy_version, row.inquiry_class, row.class_by, row.tier


def _under(row: ClockRecord) -> str:
    policy = f"{row.policy} {row.policy_version}"
    return f"{row.inquiry_class} {row.tier}".strip() + f", {policy}" if row.inquiry_class else policy
