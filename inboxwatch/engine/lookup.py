"""Answers for somebody who asks from a channel: a lead's three questions, or one's own open waits."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from inboxwatch.core.model import Lead, MailboxId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.policy import Metric, SLAPolicy, choose
from inboxwatch.core.sla.timeline import Deed
from inboxwatch.engine.descriptions import describe
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.notify.actions import Answer
from inboxwatch.notify.text import span, when
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
            return Answer((f"No lead is known by {query}.",))
        if count > 1:
            named = ", ".join(f"{lead.name or 'no name'} ({lead.id})" for lead in found)
            more = f" and {count - len(found)} more" if count > len(found) else ""
            return Answer((f"{count} leads match: {named}{more}. Ask by address.",))
        return self._about(found[0])

    def _own(self) -> Answer:
        rows = self._tx.clocks.listed({"state": "open", "owner": self._asker.id}, None, MOST)
        waits = [row for row in rows if row.metric != Metric.FOLLOW_UP]
        overdue = sum(row.due_at <= self._now for row in waits)
        late = f", {overdue} overdue" if overdue else ""
        lines = [f"{len(waits)} {'wait is' if len(waits) == 1 else 'waits are'} yours{late}."]
        if len(rows) > len(waits):
            lines.append(f"{len(rows) - len(waits)} follow-ups are yours.")
        return Answer(tuple(lines), tuple(describe(self._tx, self._rules, rows, self._now)))

    def _leads(self, query: str) -> tuple[list[Lead], int]:
        """The first leads that match, and how many do."""
        exact = self._tx.leads.by_address(query.lower())
        return ([exact], 1) if exact is not None else self._tx.leads.find(query, _NAMED)

    def _about(self, lead: Lead) -> Answer:
        rows = self._tx.clocks.listed({"state": "open", "lead": lead.id}, None, MOST)
        if not rows:
            return Answer((self._owner_between(lead), self._target_between(lead), "No wait is open: nothing is due."))
        first = rows[0]
        lines = (self._owner(first, lead), self._target(first), self._next(first))
        return Answer(lines, tuple(describe(self._tx, self._rules, rows, self._now)))

    def _owner(self, row: ClockRecord, lead: Lead) -> str:
        ids = {row.id, *row.aliases}
        acts = self._tx.clocks.acts([row.thread], []).get(row.thread, ())
        given = [act for act in acts if act.deed is Deed.ASSIGNED and act.clock in ids]
        last = max(given, key=lambda act: act.serial, default=None)
        why = f" ({', '.join(part for part in (last.rule, last.reason) if part)})" if last else ""
        return f"{self._name(row.owner)} owns {lead.name or lead.id} right now{why}."

    def _owner_between(self, lead: Lead) -> str:
        owner = owner_between_waits(self._tx, self._rules, lead.id, self._now)
        return f"{self._name(owner)} would own the next wait of {lead.name or lead.id}, as routing stands."

    def _target(self, row: ClockRecord) -> str:
        policy = policies_of(self._tx, self._rules, [row.policy_version]).get(row.policy_version)
        late = (self._now - row.due_at).total_seconds()
        standing = f"overdue by {span(late)}" if late >= 0 else f"due in {span(late)}"
        within = f"{row.metric.replace('_', ' ')} within {policy.target(Metric(row.metric))}" if policy else row.metric
        return f"SLA {row.policy}: {within}, due {self._when(row.due_at)}, {standing}."

    def _target_between(self, lead: Lead) -> str:
        last = self._tx.mail.last_mailbox(lead.id)
        facts = self._rules.context.facts(lead.id, lead, MailboxId(last) if last else None)
        policy: SLAPolicy | None = choose(self._rules.config.policies, facts)
        if policy is None:
            return "No SLA policy covers this lead."
        return f"SLA {policy.name}: first response within {policy.first_response}, then {policy.next_response}."

    def _next(self, row: ClockRecord) -> str:
        held = max((at for at in (row.acknowledged_until, row.snoozed_until) if at and at > self._now), default=None)
        if row.next_step is None:
            return "If nobody answers, nothing more is told: the ladder has ended."
        targets = ", ".join(map(self._name, row.next_step.targets)) or "nobody"
        at = self._when(row.next_step.at)
        pause = f"; held until {self._when(held)}" if held else ""
        return f"If nobody answers, step {row.next_step.step} tells {targets} at {at}{pause}."

    def _name(self, person: str | None) -> str:
        people = self._rules.config.people
        return people[person].name if person in people else person or "Nobody"  # type: ignore[index]  # a person's id

    def _when(self, at: datetime) -> str:
        zone = self._asker.calendar.zone if self._asker.calendar else ZoneInfo("UTC")
        return when(at.astimezone(zone))
