"""Clocks, leads and mailboxes as the outside sees them: JSON-ready, times in RFC 3339 UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from inboxwatch.core.model import Lead
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.store.records import ClockRecord, MailboxRecord


def metric_state(row: ClockRecord, now: datetime) -> str | None:
    """The first that applies of unverified, snoozed, acknowledged, breached, warned, running; None where over."""
    if row.state != "running":
        return None
    if row.held:
        return "unverified"
    if row.snoozed_until and row.snoozed_until > now:
        return "snoozed"
    if row.acknowledged_until and row.acknowledged_until > now:
        return "acknowledged"
    if row.breached_at:
        return "breached"
    return "warned" if row.warned_at else "running"


def clock_view(row: ClockRecord, policies: Mapping[str, SLAPolicy], now: datetime) -> dict[str, object]:
    """The clock of contract sections 4 and 5."""
    wall, business = row.wall_seconds, row.business_seconds
    if row.state == "running":
        wall = (now - row.started_at).total_seconds()
        policy = policies.get(row.policy_version)
        business = policy.calendar.elapsed(row.started_at, max(row.started_at, now)).total_seconds() if policy else None
    return {
        "type": "clock",
        "id": row.id,
        "thread": row.thread,
        "lead": row.lead,
        "metric": row.metric,
        "owner": row.owner,
        "started_by": row.started_by,
        "started_at": rfc3339(row.started_at),
        "due_at": rfc3339(row.due_at),
        "state": row.state,
        "stop_reason": row.stop_reason,
        "stopped_by": row.stopped_by,
        "stopped_at": rfc3339(row.stopped_at),
        "answered_by": row.answered_by,
        "wall_seconds": wall,
        "business_seconds": business,
        "breached": row.breached_at is not None,
        "metric_state": metric_state(row, now),
        "warned_at": rfc3339(row.warned_at),
        "breached_at": rfc3339(row.breached_at),
        "acknowledged_until": rfc3339(row.acknowledged_until),
        "snoozed_until": rfc3339(row.snoozed_until),
        "next_step": row.next_step and row.next_step.as_json(),
        "mailbox": row.mailbox,
        "team": row.team,
        "tier": row.tier,
        "policy": row.policy,
        "nudges": row.nudges,
        "reopened": row.reopened,
    }


def lead_view(lead: Lead) -> dict[str, object]:
    """A lead with the CSV's columns; further columns are attributes."""
    return {
        "email": lead.id,
        "name": lead.name,
        "company": lead.company,
        "domain": lead.domain,
        "owner": lead.owner,
        "tier": lead.tier,
        "status": lead.status,
        "source": lead.source,
        "provisional": lead.provisional,
        "country": lead.country,
        "language": lead.language,
        "aliases": list(lead.aliases),
        "attributes": dict(lead.attributes),
    }


def mailbox_view(row: MailboxRecord, connector: str, address: str, quarantined: int) -> dict[str, object]:
    """How a mailbox fares."""
    return {
        "mailbox": row.id,
        "connector": connector,
        "address": address,
        "up": None if row.last_success is None and row.failing_since is None else row.failing_since is None,
        "seen_until": rfc3339(row.seen_until),
        "last_success": rfc3339(row.last_success),
        "failing_since": rfc3339(row.failing_since),
        "reason": row.error_reason,
        "error": row.error,
        "coverage": row.coverage,
        "quarantined": quarantined,
    }
