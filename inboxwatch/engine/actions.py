"""What people do to open waits: acknowledge, snooze, assign, dismiss, and log a call or meeting."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.evaluate import evaluate
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


def acknowledge(tx: Transaction, rules: Rules, clock: str, by: str, now: datetime, reason: str = "") -> str:
    """Takes a wait over and holds its ladder until the acknowledgement expires. Returns its id. Raises Refused."""
    row = _running(tx, rules, clock, by)
    policy = policies_of(tx, rules, [row.policy_version]).get(row.policy_version) or rules.config.policies[-1]
    until = policy.escalation.acknowledge_for.after(now, policy.calendar)
    tx.clocks.record(Action(now, ActionKind.ACKNOWLEDGED, by, row.id, row.lead, until, reason=reason), row.thread)
    owner = PersonId(by)
    taken = Action(now, ActionKind.ASSIGNED, by, row.id, row.lead, owner=owner, reason="acknowledged", rule="by hand")
    tx.clocks.record(taken, row.thread)
    tx.deliveries.cancel([row.id], now)
    return _evaluated(tx, rules, row, now)


def snooze(
    tx: Transaction, rules: Rules, clock: str, by: str, now: datetime, *, until: datetime, reason: str = ""
) -> str:
    """Holds a wait's ladder until an instant. Returns its id. Raises Refused."""
    row = _running(tx, rules, clock, by)
    if until <= now:
        raise Refused(422, "until: must lie in the future")
    tx.clocks.record(Action(now, ActionKind.SNOOZED, by, row.id, row.lead, until, reason=reason), row.thread)
    tx.deliveries.cancel([row.id], now)
    return _evaluated(tx, rules, row, now)


def assign(tx: Transaction, rules: Rules, clock: str, by: str, now: datetime, *, owner: str, reason: str = "") -> str:
    """Gives a wait to a person. Returns its id. Raises Refused."""
    _known_person(rules, by)
    if owner not in rules.config.people:
        raise Refused(422, f"owner: {owner!r} is no person of the config; groups cannot own a wait")
    row = _running(tx, rules, clock, by)
    given = Action(now, ActionKind.ASSIGNED, by, row.id, row.lead, owner=PersonId(owner), reason=reason, rule="by hand")
    tx.clocks.record(given, row.thread)
    return _evaluated(tx, rules, row, now)


def dismiss(tx: Transaction, rules: Rules, clock: str, by: str, now: datetime, reason: str = "") -> str:
    """Ends a wait to which no reply is owed, as the person knew it. Returns its id. Raises Refused."""
    row = _running(tx, rules, clock, by)
    seen = frozenset({row.id, *row.aliases})
    tx.clocks.record(Action(now, ActionKind.DISMISSED, by, row.id, row.lead, reason=reason, seen=seen), row.thread)
    return _evaluated(tx, rules, row, now)


def log_activity(tx: Transaction, rules: Rules, lead: str, by: str, at: datetime, reason: str, now: datetime) -> int:
    """A call or meeting with a lead; ends the lead's waits where `activity` is a stop condition.

    Returns how many threads it concerns. Raises Refused.
    """
    _known_person(rules, by)
    known = tx.leads.by_address(lead.lower())
    if known is None:
        raise Refused(404, f"no lead has the address {lead}")
    tx.clocks.record(Action(at, ActionKind.ACTIVITY, by, lead=known.id, reason=reason), None)
    threads = tx.mail.threads_of_lead(known.id)
    evaluate(tx, rules, sorted(threads), now)
    return len(threads)


def _known_person(rules: Rules, by: str) -> None:
    if by not in rules.config.people:
        known = ", ".join(rules.config.people)
        raise Refused(422, f"by: {by!r} is no person of the config; known are {known}")


def _running(tx: Transaction, rules: Rules, clock: str, by: str) -> ClockRecord:
    """The wait of a clock by any id it ever had, still open, for a person of ours. Raises Refused."""
    _known_person(rules, by)
    row = tx.clocks.get(clock)
    if row is None:
        raise Refused(404, f"no wait has the id {clock}")
    if row.state != "running":
        raise Refused(409, f"the wait is over: {row.stop_reason} at {row.stopped_at:%Y-%m-%d %H:%M:%S} UTC")
    return row


def _evaluated(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> str:
    evaluate(tx, rules, [row.thread], now)
    return str(row.id)
