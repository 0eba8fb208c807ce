"""Answers for somebody who asks from a channel: a lead's three questions, or one's own open waits."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from inboxwatch.core.model import Lead, MailboxId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.policy import Metric, SLAPolicy, choose
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.engine.descriptions import describe
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import messages
from inboxwatch.notify.actions import Answer
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord

MOST = 100
"""Waits of one answer."""
_NAMED = 5
"""Leads that are named where several match."""
_LINK = re.compile(r"<mailto:([^|>]+)(?:\|[^>]*)?>")
"""How Slack writes an address that was typed."""


class Lookup:
    """One question of one person, at one instant."""

    def __init__(self, tx: Transaction, rules: Rules, asker: Person, now: datetime) -> None:
        self._rules = rules
        self._tx = tx
        self._asker = asker
        self._now = now

    def answer(self, query: str) -> Answer:
        """About a lead by address, name or company; about the asker's own waits for an empty query."""
        query = _LINK.sub(r"\1", query).strip()
        if not query:
            return self._own()
        found, count = self._leads(query)
        if not found:
            return Answer((messages.no_lead(query=query),))
        if count > 1:
            named = [(lead.name, lead.id) for lead in found]
            return Answer((messages.several_leads(count=count, named=named),))
        return self._about(found[0])

    def _own(self) -> Answer:
        rows = self._tx.clocks.listed({"state": "open", "owner": self._asker.id}, None, MOST)
        waits = [row for row in rows if row.metric != Metric.FOLLOW_UP]
        overdue = sum(row.due_at <= self._now for row in waits)
        lines = [messages.own_waits(count=len(waits), overdue=overdue)]
        if len(rows) > len(waits):
            lines.append(messages.own_follow_ups(count=len(rows) - len(waits)))
        return Answer(tuple(lines), tuple(describe(self._tx, self._rules, rows, self._now)))

    def _leads(self, query: str) -> tuple[list[Lead], int]:
        """The first leads that match, and how many do."""
        exact = self._tx.leads.by_address(query.lower())
        return ([exact], 1) if exact is not None else self._tx.leads.find(query, _NAMED)

    def _about(self, lead: Lead) -> Answer:
        rows = self._tx.clocks.listed({"state": "open", "lead": lead.id}, None, MOST)
        if not rows:
            return Answer((self._owner_between(lead), self._target_between(lead), messages.NOTHING_DUE))
        first = rows[0]
        lines = (self._owner(first, lead), self._target(first), self._next(first))
        return Answer(lines, tuple(describe(self._tx, self._rules, rows, self._now)))

    def _owner(self, row: ClockRecord, lead: Lead) -> str:
        ids = {row.id, *row.aliases}
        actions = self._tx.clocks.actions([row.thread], []).get(row.thread, ())
        given = [action for action in actions if action.kind is ActionKind.ASSIGNED and action.clock in ids]
        last = max(given, key=lambda action: action.serial, default=None)
        why = (last.rule, last.reason) if last else ()
        return messages.owner_now(owner=self._name(row.owner), lead=lead.name or lead.id, why=why)

    def _owner_between(self, lead: Lead) -> str:
        owner = owner_between_waits(self._tx, self._rules, lead.id, self._now)
        return messages.owner_next(owner=self._name(owner), lead=lead.name or lead.id)

    def _target(self, row: ClockRecord) -> str:
        policy = policies_of(self._tx, self._rules, [row.policy_version]).get(row.policy_version)
        return messages.target(
            policy=row.policy,
            metric=row.metric,
            within=str(policy.target(Metric(row.metric))) if policy else "",
            due_at=self._local(row.due_at),
            late=(self._now - row.due_at).total_seconds(),
        )

    def _target_between(self, lead: Lead) -> str:
        last = self._tx.mail.last_mailbox(lead.id)
        facts = self._rules.context.facts(lead.id, lead, MailboxId(last) if last else None)
        policy: SLAPolicy | None = choose(self._rules.config.policies, facts)
        if policy is None:
            return messages.NO_POLICY
        return messages.target_next(
            policy=policy.name, first_response=str(policy.first_response), next_response=str(policy.next_response)
        )

    def _next(self, row: ClockRecord) -> str:
        held = max((at for at in (row.acknowledged_until, row.snoozed_until) if at and at > self._now), default=None)
        if row.next_step is None:
            return messages.LADDER_ENDED
        return messages.next_step(
            step=row.next_step.step,
            targets=[self._name(target) for target in row.next_step.targets],
            at=self._local(row.next_step.at),
            held_until=self._local(held) if held else None,
        )

    def _name(self, person: str | None) -> str:
        people = self._rules.config.people
        return people[person].name if person in people else person or "Nobody"  # type: ignore[index]  # a person's id

    def _local(self, at: datetime) -> datetime:
        """An instant in the asker's zone."""
        zone = self._asker.calendar.zone if self._asker.calendar else ZoneInfo("UTC")
        return at.astimezone(zone)
