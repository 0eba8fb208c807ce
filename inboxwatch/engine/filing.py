"""From an entry of the intake to what is filed: only mail of leads leaves more than a hash."""

from __future__ import annotations

from collections.abc import Mapping

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Direction, LeadId, MailboxId, Message
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.qualification.inquiry import Inquiry
from inboxwatch.core.sla.timeline import Mail, Party

OWN_ADDRESS = frozenset({"address", "alias", "provisional"})
"""How a lead is known who wrote from an address of their own."""


def mailbox_of(message: Message, addresses: Mapping[str, MailboxId]) -> MailboxId | None:
    """The first configured mailbox among a message's recipients, then its sender."""
    for one in (*message.recipients, message.sender):
        if (found := addresses.get(one.email)) is not None:
            return found
    return None


def side_of(lead: LeadId | None, directory: Directory) -> str | None:
    """The buyer's side a lead is on: a company is one side; without a company, each lead is a side alone."""
    if lead is None:
        return None
    known = directory.get(lead)
    domain = (known.domain if known else "") or lead.rpartition("@")[2]
    return lead if not domain or directory.is_free_mail(f"@{domain}") else domain


def inquiry_of(entry: Entry, us: Us, qualification: Qualification | None) -> Inquiry | None:
    """What a message from outside tells of an inquiry, where the config asks for it.

    Whatever it was taken for: somebody may say later that a person wrote it, and its text is not kept.
    """
    message = entry.message
    if qualification is None or entry.direction is not Direction.INBOUND:
        return None
    authors = us.outside_authors(message) if us.is_ours(message.sender.email) else []
    ours = [one.email for one in message.recipients if us.is_ours(one.email)]
    return qualification.read(message, (authors or [message.sender.email])[0], ours)


def mail_of(entry: Entry, directory: Directory, mailbox: MailboxId | None) -> Mail:
    """The timeline's view of an entry."""
    message, verdict = entry.message, entry.verdict

    def party(email: str, lead: LeadId | None) -> Party:
        return Party(email, lead, side_of(lead, directory))

    # Whom a stranger stands beside is told by the whole thread, when it is folded.
    known = entry.direction == "inbound" and entry.lead_evidence != "beside"
    inbound_lead = entry.lead if known else None
    return Mail(
        at=message.received_at,
        id=message.id,
        direction=entry.direction,
        kind=verdict.kind,
        sender=party(message.sender.email, inbound_lead),
        recipients=tuple(party(email, lead) for email, lead in entry.outside),
        parent=entry.match.parent,
        author=entry.author or message.sender.email,
        mailbox=mailbox,
        owes_reply=verdict.owes_reply and entry.direction == "inbound",
        effect=verdict.effect,
        delivery=verdict.delivery,
        away_until=verdict.away_until,
        meeting=verdict.meeting,
        own_address=entry.lead_evidence in OWN_ADDRESS,
        stamped=message.time_from == "server",
        proof=entry.proof,
    )
