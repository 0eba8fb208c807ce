"""The whole ladder of a wait: the steps that were told, and those that follow if nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import foreseen
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.holds import Hold
from inboxwatch.core.sla.policy import EscalationPolicy, Metric, SLAPolicy
from inboxwatch.core.sla.terms import Term, ladder_start
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import target_name
from inboxwatch.notify.ladder_words import step_in_words, target_in_words
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import ENGLISH, Wording

MOST = 30
"""Steps that are named ahead: a ladder may repeat its last one a thousand times."""


def ladder_of(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> list[LadderStep]:
    """In their order; those ahead as absences and the config stand now, and none of a wait that is over."""
    return [*_told(tx, rules, row), *_ahead(tx, rules, row, now)]


def with_ladders(
    tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], views: Sequence[WaitView], now: datetime
) -> list[WaitView]:
    """The views of clocks with their ladders."""
    return [
        view._replace(ladder=tuple(ladder_of(tx, rules, row, now))) if view.running else view
        for row, view in zip(rows, views, strict=True)
    ]


def policy_steps(rules: Rules, policy: EscalationPolicy, words: Wording = ENGLISH) -> list[str]:
    """What happens when nobody answers, before anybody waits: the steps of a policy in words."""

    def named(target: str) -> str:
        fallback = str(rules.config.fallback)
        return target_in_words(target, words=words) or target_name(rules, fallback if target == "fallback" else target)

    return [
        step_in_words(
            step, [named(one) for one in step.notify], named(step.reassign) if step.reassign else "", words=words
        )
        for step in policy.steps
    ]


def _told(tx: Transaction, rules: Rules, row: ClockRecord) -> list[LadderStep]:
    found: dict[StepKey, LadderStep] = {}
    for one in tx.clocks.notifications(row.ids):
        before = found.get(one.key)
        names = before.targets if before else ()
        if one.target:
            names = (*names, target_name(rules, one.target))
        found[one.key] = LadderStep(one.at, names, reason=one.reason)
    return sorted(found.values(), key=lambda step: step.at)


def _ahead(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> list[LadderStep]:
    """From the next one on, each with whose the wait is by then."""
    policy = policies_of(tx, rules, [row.policy_version]).get(row.policy_version)
    if row.next_step is None or row.owner is None or policy is None:
        return []
    clock = Clock(
        id=row.id,
        aliases=frozenset(row.aliases),
        thread=row.thread,
        lead=row.lead,
        side="",
        metric=row.metric,
        started_by=row.started_by,
        started_at=row.started_at,
        due_at=row.due_at,
        policy=policy,
        mailbox=row.mailbox,
        round=row.next_step.round if row.metric is Metric.FOLLOW_UP else 1,
        terms=_terms(row, policy),
        holds=tuple(Hold(now, end, why) for end, why in _holds(row) if end > now),
    )
    case, people = rules.context.case(clock, tx.leads.get_many({row.lead})), roster(tx, rules, now)
    notified = {key for keys in tx.clocks.notified(row.ids).values() for key in keys}
    return [
        LadderStep(
            one.at,
            tuple(target_name(rules, target) for target in rules.notices.reachable(one.targets)),
            target_name(rules, one.moves_to) if one.moves_to is not None else "",
            ahead=True,
        )
        for one in islice(foreseen(clock, case, people, PersonId(row.owner), notified, now), MOST)
    ]


def _terms(row: ClockRecord, policy: SLAPolicy) -> tuple[Term, ...]:
    """What is in force for a wait whose ladder has begun anew: no step of the one before is one of it."""
    target = policy.target(row.metric)
    if not row.era or target is None:
        return ()
    since = ladder_start(row.started_at, target, policy.calendar, row.due_at)
    return (Term(row.started_at, None, policy, row.due_at, since, row.era),)


def _holds(row: ClockRecord) -> Sequence[tuple[datetime, str]]:
    known = ((row.acknowledged_until, "acknowledged"), (row.snoozed_until, "snoozed"))
    return [(end, why) for end, why in known if end is not None]
