"""First messages of ours to a lead that bounced: the owner is notified at once (rule 9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.model import Direction
from inboxwatch.core.sla.first_contact import first_contacts
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, messages
from inboxwatch.store import Transaction


def notice_first_contacts(
    tx: Transaction, rules: Rules, entries: Iterable[Entry], now: datetime, *, quiet: bool
) -> None:
    """Records first contacts that failed, or that were mended since; `quiet` notifies nobody."""
    entries = list(entries)
    leads = {entry.lead for entry in entries if entry.lead and entry.verdict.delivery is not None}
    failed = tx.failed_contacts.leads()
    leads |= {entry.lead for entry in entries if entry.lead in failed and entry.direction is Direction.OUTBOUND}
    for lead in sorted(leads):
        known = tx.leads.get(lead)
        for failure in first_contacts(tx.mail.with_lead(lead), lead):
            owner = owner_between_waits(tx, rules, lead, now)
            tier = known.tier if known else ""
            told = (failure.message, failure.failed_at, failure.resolved_at)
            fresh = tx.failed_contacts.record(lead, *told, owner, tier)
            if fresh and failure.resolved_at is None and not quiet:
                name = (known.name if known else "") or lead
                title = messages.first_contact_bounced(lead=name, words=rules.words_of(owner))
                body = {"title": title, "lead": lead, "message_id": failure.message}
                kind, key = NoticeType.FIRST_CONTACT_FAILED, f"first-contact/{failure.message}"
                tx.deliveries.enqueue(rules.notices.notice(kind, key, [owner], now, **body))
