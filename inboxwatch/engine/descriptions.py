"""A wait as notices tell it: the clock, whose it is by name, and what was exchanged before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from inboxwatch.core.model import Lead, PersonId
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import clock_view
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


def describe(tx: Transaction, rules: Rules, clocks: Sequence[ClockRecord], now: datetime) -> list[dict[str, Any]]:
    """Each clock as in a notice's `clocks`; what is not known is left out. A few queries, however many clocks."""
    subjects = tx.mail.subjects([clock.started_by for clock in clocks])
    exchanged = tx.clocks.exchanged([clock.id for clock in clocks])
    leads = tx.leads.get_many({clock.lead for clock in clocks})
    policies = policies_of(tx, rules, {clock.policy_version for clock in clocks})
    return [
        (view := clock_view(clock, policies, now))
        | ({"waited_seconds": view["wall_seconds"]} if view["wall_seconds"] else {})
        | _described(rules, clock, leads.get(clock.lead), subjects.get(clock.started_by), exchanged.get(clock.id))
        for clock in clocks
    ]


def _described(
    rules: Rules,
    clock: ClockRecord,
    lead: Lead | None,
    subject: str | None,
    exchanged: tuple[int, datetime] | None,
) -> dict[str, Any]:
    count, last = exchanged or (0, None)
    extra = {
        "lead_name": lead.name if lead else None,
        "company": lead.company if lead else None,
        "score": dict(lead.attributes).get("score") if lead else None,
        "subject": subject,
        "owner_name": _name(rules, clock.owner),
        "answered_by_name": _name(rules, clock.answered_by),
        "last_exchanged_at": rfc3339(last),
    }
    return {"exchanged": count} | {key: value for key, value in extra.items() if value}


def _name(rules: Rules, person: str | None) -> str | None:
    known = rules.config.people.get(PersonId(person)) if person else None
    return known.name if known else None
