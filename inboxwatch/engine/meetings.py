"""Answers to invitations, and bookings, recorded as facts of the lead: they end waits in whatever thread."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.model import ThreadId
from inboxwatch.core.sla.meetings import accepted, answered_by_us, booked, is_notice
from inboxwatch.store import Transaction


def notice_meetings(tx: Transaction, entries: Iterable[Entry]) -> list[ThreadId]:
    """Records what the entries, with invitations and answers known before, show to be accepted or answered.

    Returns the threads of the leads whose acceptances are new or were found to answer another invitation.
    """
    named = {entry.verdict.meeting for entry in entries if entry.verdict.meeting}
    if not named:
        return []
    mails = tx.mail.meetings(named)
    told = [*accepted(mails), *answered_by_us(mails), *booked(mails)]
    leads = dict.fromkeys(one.lead for one in told if tx.clocks.record_meeting(one) and one.lead)
    # A notice of the same meeting that was read before may turn out to be a later one.
    said = {one.rule for one in told}
    leads |= dict.fromkeys(
        tx.clocks.withdraw_meetings([one.id for one in mails if is_notice(one) and one.id not in said])
    )
    return [thread for lead in leads for thread in tx.mail.threads_of_lead(lead)]
