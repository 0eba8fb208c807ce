"""Known buyers: lists, one by one, and those that another system pushes here (source `api`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import Lead, MailboxId
from inboxwatch.core.sla.policy import SLAPolicy, choose
from inboxwatch.core.wait_view import NextStep, WaitView
from inboxwatch.engine.actions import Acting, known_person
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.erasure import forget, preview
from inboxwatch.engine.leads import learn_one
from inboxwatch.engine.pushed_leads import kept_elsewhere
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import lead_view
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.store import Transaction
from inboxwatch.web.bodies import Erasing, LeadBody
from inboxwatch.web.lead_push import pushed_lead
from inboxwatch.web.problems import Problem
from inboxwatch.words import english


def known(tx: Transaction, email: str) -> Lead:
    """A lead by the own address or an alias. Raises Problem."""
    found = tx.leads.by_address(email.strip().lower())
    if found is None:
        raise Problem.because(404, english("no lead has the address %(address)s"), address=email)
    return found


@dataclass(frozen=True, slots=True)
class LeadAnswers:
    """A lead with the three answers of rule 27: who owns it now, what is the SLA, what happens when it slips."""

    lead: Lead
    owner_now: str | None
    """Of the wait that is due first; between waits whom routing names."""
    sla: SLAPolicy | None
    open: Sequence[WaitView]
    """Follow-ups and verdicts too, by due time."""

    @property
    def next_step(self) -> NextStep | None:
        """Of the wait that is due first."""
        return next((wait.next_step for wait in self.open if wait.is_reply), None)

    def as_json(self) -> dict[str, object]:
        """As `GET /api/v1/leads/EMAIL` answers."""
        return lead_view(self.lead) | {
            "owner_now": self.owner_now,
            "sla": _sla(self.sla) if self.sla is not None else None,
            "open": [wait.as_json() for wait in self.open],
            "next_step": self.next_step and self.next_step.as_json(),
        }


def answers(tx: Transaction, rules: Rules, email: str, now: datetime) -> LeadAnswers:
    """Who owns the lead now, what is the SLA, and what happens when it slips (rule 27). Raises Problem."""
    lead = known(tx, email)
    views = wait_views(tx, rules, tx.clocks.listed({"state": "open", "lead": lead.id}, None, 100), now, Detail.CLOCK)
    first = next((wait for wait in views if wait.is_reply), None)
    box = tx.mail.last_mailbox(lead.id)
    facts = rules.context.facts(lead.id, lead, MailboxId(box) if box else None)
    return LeadAnswers(
        lead=lead,
        owner_now=first.owner if first else owner_between_waits(tx, rules, lead.id, now),
        sla=(first.sla if first else None) or choose(rules.config.policies, facts),
        open=views,
    )


def _sla(policy: SLAPolicy) -> dict[str, object]:
    return {
        "policy": policy.name,
        "calendar": policy.calendar.name,
        "first_response": str(policy.first_response),
        "next_response": str(policy.next_response),
        "follow_up": str(policy.follow_up) if policy.follow_up else None,
        "escalation": policy.escalation.name,
        "steps": [
            {
                "step": number,
                "at": str(step.at),
                "notify": list(step.notify),
                "reassign": str(step.reassign) if step.reassign else None,
            }
            for number, step in enumerate(policy.escalation.steps, 1)
        ],
    }


async def put(daemon: DaemonPort, email: str, body: LeadBody) -> dict[str, object]:
    """Adds or replaces a lead. Raises Problem where the lead's list is kept elsewhere, or a person is unknown."""
    lead = pushed_lead(daemon.rules.config, email, body)
    if body.owner is not None and lead.owner is None:
        raise Problem(422, f"owner: {body.owner!r} is no person of the config; groups cannot own a lead")

    def replace(tx: Transaction) -> None:
        _ours(tx.leads.get(lead.id))
        learn_one(tx, daemon.rules, lead, daemon.now())

    await daemon.write(replace)
    return lead_view(lead)


async def delete(daemon: DaemonPort, email: str, by: str, *, with_open_waits: bool) -> dict[str, object]:
    """Erases a pushed lead with all that names the person. Raises Problem. Returns the lead as it was."""

    def erase(tx: Transaction) -> Lead:
        lead = known(tx, email)
        _ours(lead)
        forget(tx, daemon.rules, lead.id, Acting(by, daemon.now()), with_open_waits=with_open_waits)
        return lead

    return lead_view(await daemon.write(erase))


async def erase(daemon: DaemonPort, email: str, body: Erasing) -> dict[str, object]:
    """Erases all that names a person, lead or not; a dry run only says what would go. Raises Refused."""
    rules = daemon.rules
    if body.dry_run:
        told = await daemon.read(preview, rules, email)
    else:
        known_person(rules, body.by)
        acting = Acting(body.by, daemon.now(), body.reason)
        told = await daemon.write(forget, rules, email, acting, with_open_waits=body.with_open_waits)
    return {"dry_run": body.dry_run, "erased": dict(told.erased), "open_waits": list(told.open_waits)}


def _ours(lead: Lead | None) -> None:
    if lead is not None and (why := kept_elsewhere(lead)):
        raise Problem(409, why)
