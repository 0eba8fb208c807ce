"""Known buyers: lists, one by one, and those that another system pushes here (source `api`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inboxwatch.core.model import Lead, LeadId, MailboxId, PersonId
from inboxwatch.core.sla.policy import SLAPolicy, choose
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.leads import forget, learn_one
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import clock_view, lead_view
from inboxwatch.store import Transaction
from inboxwatch.web.bodies import LeadBody
from inboxwatch.web.problems import Problem

SOURCE = "api"
"""The source of leads that were pushed; leads of another source are changed there."""


def known(tx: Transaction, email: str) -> Lead:
    """A lead by the own address or an alias. Raises Problem."""
    found = tx.leads.by_address(email.strip().lower())
    if found is None:
        raise Problem(404, f"no lead has the address {email}")
    return found


def answers(tx: Transaction, rules: Rules, email: str, now: datetime) -> dict[str, Any]:
    """Who owns the lead now, what is the SLA, and what happens when it slips (rule 27). Raises Problem."""
    lead = known(tx, email)
    rows = tx.clocks.listed({"state": "open", "lead": lead.id}, None, 100)
    policies = policies_of(tx, rules, {row.policy_version for row in rows})
    clocks = [clock_view(row, policies, now) for row in rows]
    waits = [clock for clock in clocks if clock["metric"] != "follow_up"]
    box = tx.mail.last_mailbox(lead.id)
    pinned = next((policies.get(row.policy_version) for row in rows if row.metric != "follow_up"), None)
    facts = rules.context.facts(lead.id, lead, MailboxId(box) if box else None)
    policy = pinned or choose(rules.config.policies, facts)
    return lead_view(lead) | {
        "owner_now": waits[0]["owner"] if waits else owner_between_waits(tx, rules, lead.id, now),
        "sla": _sla(policy) if policy is not None else None,
        "open": clocks,
        "next_step": waits[0]["next_step"] if waits else None,
    }


def _sla(policy: SLAPolicy) -> dict[str, Any]:
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


async def put(daemon: DaemonPort, email: str, body: LeadBody) -> dict[str, Any]:
    """Adds or replaces a lead. Raises Problem where his list is kept elsewhere, or a person is unknown."""
    lead_id = LeadId(email.strip().lower())
    local, at, domain = lead_id.rpartition("@")
    if not (local and at and domain) or any(char.isspace() or not char.isprintable() for char in lead_id):
        raise Problem(422, f"{email!r} is no e-mail address")
    if body.email is not None and body.email.lower() != lead_id:
        raise Problem(422, "email: differs from the address in the path")
    if body.owner is not None and body.owner not in daemon.rules.config.people:
        raise Problem(422, f"owner: {body.owner!r} is no person of the config; groups cannot own a lead")
    lead = Lead(
        id=lead_id,
        name=body.name,
        company=body.company,
        domain=body.domain,
        owner=PersonId(body.owner) if body.owner else None,
        tier=body.tier,
        status=body.status,
        source=SOURCE,
        country=body.country,
        language=body.language,
        attributes=body.attributes,
    )

    def replace(tx: Transaction) -> None:
        _ours(tx.leads.get(lead_id))
        learn_one(tx, daemon.rules, lead, daemon.now())

    await daemon.write(replace)
    return lead_view(lead)


async def delete(daemon: DaemonPort, email: str) -> dict[str, Any]:
    """Forgets a pushed lead; his mail and waits stay. Raises Problem. Returns the lead as he was."""

    def drop(tx: Transaction) -> Lead:
        lead = known(tx, email)
        _ours(lead)
        forget(tx, lead.id)
        return lead

    return lead_view(await daemon.write(drop))


def _ours(lead: Lead | None) -> None:
    if lead is not None and lead.source != SOURCE and not lead.provisional:
        raise Problem(
            409, f"this lead is kept by the source {lead.source!r}: change it there, it is read again by itself"
        )
