"""Meetings that leads have accepted, recorded as facts of the lead: they end waits in whatever thread these are."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.model import ThreadId
from inboxwatch.core.sla.meetings import accepted
from inboxwatch.store import Transaction


def notice_meetings(tx: Transaction, entries: Iterable[Entry]) -> list[ThreadId]:
    """Records what the entries, with invitations and answers known before, show to be accepted.

    Returns the threads of the leads whose acceptances are new or were found to answer another invitation.
    """
    named = {entry.verdict.meeting for entry in entries if entry.verdict.meeting}
    if not named:
        return []
    leads = dict.fromkeys(
        action.lead for action in accepted(tx.mail.meetings(named)) if tx.clocks.record_accepted(action) and action.lead
    )
    return [thread for lead in leads for thread in tx.mail.threads_of_lead(lead)]
