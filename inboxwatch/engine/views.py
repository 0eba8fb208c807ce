"""Leads and mailboxes as the outside sees them: JSON-ready, times in RFC 3339 UTC."""

from __future__ import annotations

from inboxwatch.core.model import Lead
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.store.leads import FoundLead
from inboxwatch.store.records import MailboxRecord


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


def mailbox_view(
    row: MailboxRecord, connector: str, address: str, quarantined: int, given_up: int
) -> dict[str, object]:
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
        "given_up": given_up,
        "recovered": row.recovered,
        "remarks": row.remarks.splitlines() if row.remarks else [],
    }


def found_view(found: FoundLead) -> dict[str, object]:
    """A lead as a search shows it: `waiting` is the open wait that is due first, or null."""
    wait = found.wait
    waiting = {"clock": wait.id, "owner": wait.owner, "due_at": rfc3339(wait.due_at)} if wait is not None else None
    return lead_view(found.lead) | {"waiting": waiting}
