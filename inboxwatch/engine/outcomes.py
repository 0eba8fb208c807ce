"""What became of leads by how soon they were answered, as the store knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from inboxwatch.core.ownership.people import teams_of_people
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.statistics.outcomes import WITHIN, LeadInquiry, Outcomes, Question, outcomes
from inboxwatch.core.statistics.survival import Length
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.period_waits import InquiryRecord

LOOK_BACK = timedelta(days=180)
"""So long a stretch of inquiries is looked at, unless asked otherwise: a week alone has too few for any claim."""


class LeadOutcomes(NamedTuple):
    """The table and what it is about."""

    question: Question
    table: Outcomes


def usual_question(until: datetime, since: datetime | None = None, within: timedelta = WITHIN) -> Question:
    """The inquiries of half a year for whom the time is over, or those since an earlier instant."""
    earliest = until - within - LOOK_BACK
    return Question(min(since or earliest, earliest), until, within)


def read_outcomes(tx: Transaction, rules: Rules, question: Question, team: str = "") -> LeadOutcomes:
    """The table, of everybody's leads or of those whose waits were a team's."""
    rows = tx.waits.inquiries(question.since, question.until)
    if team:
        teams = teams_of_people(rules.config.teams.values())
        rows = [row for row in rows if row.owner is not None and teams.get(row.owner) == team]
    policies = policies_of(tx, rules, {row.policy_version for row in rows})
    seen: dict[str | None, datetime | None] = {row.id: row.seen_until for row in tx.mailboxes.all()}
    inquiries = [_inquiry(row, policies, seen.get(row.mailbox), question.until) for row in rows]
    opened = tx.outcomes.first_opened({row.lead for row in rows})
    return LeadOutcomes(question, outcomes(question, inquiries, opened))


def _inquiry(
    row: InquiryRecord, policies: Mapping[str, SLAPolicy], seen_until: datetime | None, until: datetime
) -> LeadInquiry:
    over = row.stopped_at is not None and row.stopped_at <= until
    answered = over and row.state == State.ANSWERED
    end = row.stopped_at if over and row.stopped_at is not None else until
    if answered and row.business_seconds is not None:
        seconds = row.business_seconds
    else:
        policy = policies.get(row.policy_version)
        lasted = policy.calendar.elapsed(row.started_at, end) if policy is not None else end - row.started_at
        seconds = lasted.total_seconds()
    unread = row.held or (seen_until is not None and seen_until < row.due_at <= until)
    return LeadInquiry(
        lead=row.lead,
        at=row.started_at,
        tier=row.tier,
        latency=Length(seconds, answered),
        answered_at=row.stopped_at if answered else None,
        ended_by=str(row.stop_reason or row.state) if over and not answered else "",
        verified=over or not unread,
    )
