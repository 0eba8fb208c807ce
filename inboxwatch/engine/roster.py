"""Who is here, and who would own the next wait: the people as the store and the calendars have them now."""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxwatch.core.model import LeadId, MailboxId, PersonId
from inboxwatch.core.ownership.routing import Roster, Window
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.workload import Workload
from inboxwatch.store import Transaction


def roster(tx: Transaction, rules: Rules, now: datetime) -> Roster:
    """The people at `now`: absences seen in mail, and how many open waits each owns."""
    config = rules.config
    work = Workload(tx, config.rules, config.teams)
    return rules.context.roster(tx.absences.at(now), work.waits, work.assignments)


def owner_between_waits(tx: Transaction, rules: Rules, lead: LeadId, now: datetime) -> PersonId:
    """Whom routing names for a lead now (rule 22)."""
    last = tx.mail.last_mailbox(lead)
    case = rules.context.case_of(lead, tx.leads.get(lead), MailboxId(last) if last else None)
    opens = rules.config.policies[-1].calendar.next_open(now)
    return roster(tx, rules, now).assign(case, Window(opens, opens + timedelta(hours=1))).owner
