"""The whole ladder of a wait: the steps that were told, and those that follow if nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import resolve, successor
from inboxwatch.core.ownership.routing import Window
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import ladder
from inboxwatch.core.sla.holds import Hold
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.roster import roster
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import target_name
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord

MOST = 30
"""Steps that are named ahead: a ladder may repeat its last one a thousand times."""


def ladder_of(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> list[LadderStep]:
    """In their order; those ahead as absences and the config stand now, and none of a wait that is over."""
    return [*_told(tx, rules, row), *_ahead(tx, rules, row, now)]


def _told(tx: Transaction, rules: Rules, row: ClockRecord) -> list[LadderStep]:
    found: dict[tuple[int, int], LadderStep] = {}
    for one in tx.clocks.notifications(row.ids):
        before = found.get((one.round, one.step))
        names = before.targets if before else ()
        if one.target:
            names = (*names, target_name(rules, one.target))
        found[one.round, one.step] = LadderStep(one.at, names, reason=one.reason)
    return sorted(found.values(), key=lambda step: step.at)


def _ahead(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> list[LadderStep]:
    """From the step that the store has as the next one, each with whose the wait is by then."""
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
        holds=tuple(Hold(now, end, why) for end, why in _holds(row) if end > now),
    )
    case, people = rules.context.case(clock, tx.leads.get_many({row.lead})), roster(tx, rules, now)
    owner, found = PersonId(row.owner), list[LadderStep]()
    first = (row.next_step.round, row.next_step.step)
    ahead = list(islice((step for step in ladder(clock) if step.key >= first), MOST))
    for place, step in enumerate(ahead):
        at = max(step.notify_at, now) if found or step.notify_at > now else row.next_step.at
        targets = rules.notices.reachable(resolve(step.notify, owner, case, people))
        window = Window(policy.calendar.next_open(at), row.due_at)
        moved = successor(step, owner, case, people, window)
        owner = moved.owner if moved is not None else owner
        if any(later.notify_at <= at for later in ahead[place + 1 :]):
            continue  # passed over: a later step is due as well by then, and only what it moves counts
        names = tuple(target_name(rules, one) for one in targets)
        found.append(LadderStep(at, names, target_name(rules, owner) if moved is not None else "", ahead=True))
    return found


def _holds(row: ClockRecord) -> Sequence[tuple[datetime, str]]:
    known = ((row.acknowledged_until, "acknowledged"), (row.snoozed_until, "snoozed"))
    return [(end, why) for end, why in known if end is not None]
