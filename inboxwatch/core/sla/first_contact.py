"""First messages of ours to a lead that bounced (rule 9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from inboxwatch.core.model import Direction, Kind, LeadId, MessageId
from inboxwatch.core.sla.timeline import Mail, in_order


@dataclass(frozen=True, slots=True)
class FirstContact:
    """Our first message to a lead bounced; open until another message of ours reaches the lead."""

    lead: LeadId
    message: MessageId
    failed_at: datetime
    resolved_at: datetime | None


def first_contacts(mails: Iterable[Mail], lead: LeadId) -> tuple[FirstContact, ...]:
    """The failed first contacts among all mail with one lead, over all threads: at most one (rule 9)."""
    ordered = [fact for fact in in_order(mails) if isinstance(fact, Mail)]
    failures: dict[MessageId, list[Mail]] = {}
    for mail in ordered:
        if mail.delivery and mail.delivery.action == "failed" and mail.delivery.of and mail.delivery.proven:
            failures.setdefault(mail.delivery.of, []).append(mail)
    failed: FirstContact | None = None
    for mail in ordered:
        if mail.direction is Direction.INBOUND and mail.kind is not Kind.BOUNCE and failed is None:
            if mail.sender.lead == lead:
                return ()
            continue
        if mail.direction is not Direction.OUTBOUND or mail.kind is not Kind.HUMAN or mail.proof.doubtful:
            continue
        copies = [party.email for party in mail.recipients if party.lead == lead]
        if not copies:
            continue
        bounces = [bounce for bounce in failures.get(mail.id, ()) if bounce.delivery is not None]
        lost = [
            bounce.at
            for bounce in bounces
            if bounce.delivery and (not bounce.delivery.recipients or set(copies) <= bounce.delivery.recipients)
        ]
        if lost and failed is None:
            failed = FirstContact(lead, mail.id, min(lost), None)
        elif not lost:
            return (replace(failed, resolved_at=mail.at),) if failed is not None else ()
    return (failed,) if failed is not None else ()
