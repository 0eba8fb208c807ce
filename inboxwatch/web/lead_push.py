"""Leads that another system pushes here in bulk: each item is taken or refused by itself, all in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.audit import note, under_way
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.lead_owners import owner_of
from inboxwatch.engine.lead_view import PUSHED
from inboxwatch.engine.pushed_leads import Pushed, PushedLead, push
from inboxwatch.store import Transaction
from inboxwatch.web.bodies import LeadBody, Listed, Push
from inboxwatch.web.problems import Problem

if TYPE_CHECKING:
    from inboxwatch.config import Config

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a bulk push: a thousand leads with all that a CRM says of each."""
DROP = "lead.drop"


@dataclass(slots=True)
class _Sorted:
    """What of a body can be used, each by its place, and why the rest cannot."""

    put: dict[int, PushedLead] = field(default_factory=dict)
    drop: dict[int, LeadId] = field(default_factory=dict)
    put_refused: dict[int, str] = field(default_factory=dict)
    drop_refused: dict[int, str] = field(default_factory=dict)
    unowned: dict[int, str] = field(default_factory=dict)
    """Leads whose owner is nobody of ours: routing goes on without one."""


async def push_leads(daemon: DaemonPort, body: Push) -> dict[str, object]:
    """Puts leads and drops others. Answers what was refused, and whose owner is nobody of ours."""
    rules, now, attempt = daemon.rules, daemon.now(), under_way()
    items = _sorted(rules.config, body)

    def write(tx: Transaction) -> Pushed:
        done = push(tx, rules, items.put, items.drop, now)
        if attempt is not None:
            attempt.times = max(1, done.changed)
            for lead in done.dropped:
                note(tx, rules, replace(attempt, deed=DROP, lead=lead, times=1), now)
        return done

    done = await daemon.write(write)
    refused = [("put", one) for one in sorted((items.put_refused | done.put_refused).items())]
    refused += [("delete", one) for one in sorted((items.drop_refused | done.drop_refused).items())]
    unowned = [(index, owner) for index, owner in items.unowned.items() if index not in done.put_refused]
    return {
        "put": done.put,
        "deleted": len(done.dropped),
        "refused": [{"list": name, "index": index, "problem": why} for name, (index, why) in refused],
        "unowned": [{"index": index, "owner": owner} for index, owner in unowned],
    }


def _sorted(config: Config, body: Push) -> _Sorted:
    found, places = _Sorted(), dict[LeadId, int]()
    for index, given in enumerate(body.put):
        try:
            item = Listed.model_validate(given)
            lead = pushed_lead(config, item.email, item)
        except (ValidationError, Problem) as error:
            found.put_refused[index] = _why(error)
            continue
        if (first := places.setdefault(lead.id, index)) != index:
            found.put_refused[index] = f"has the address of item {first}"
            continue
        found.put[index] = PushedLead(lead, item.owner or "")
        if item.owner is not None and lead.owner is None:
            found.unowned[index] = item.owner
    for index, given in enumerate(body.delete):
        try:
            lead_id = LeadId(Listed.model_validate({"email": given}).email)
        except ValidationError as error:
            found.drop_refused[index] = _why(error)
            continue
        if lead_id in places:
            found.drop_refused[index] = "is in `put` too"
        else:
            found.drop[index] = lead_id
    return found


def pushed_lead(config: Config, email: str, body: LeadBody) -> Lead:
    """A lead as a body describes it; an owner who is nobody of ours is none. Raises Problem."""
    lead_id = LeadId(email.strip().lower())
    local, at, domain = lead_id.rpartition("@")
    if not (local and at and domain) or any(char.isspace() or not char.isprintable() for char in lead_id):
        raise Problem(422, f"{email!r} is no e-mail address")
    if body.email is not None and body.email.lower() != lead_id:
        raise Problem(422, "email: differs from the address in the path")
    for address in (lead_id, *body.aliases):
        if config.us.is_ours(address):
            raise Problem(422, f"{address} is one of our own addresses, and no buyer's")
    return Lead(
        id=lead_id,
        name=body.name,
        company=body.company,
        domain=body.domain,
        owner=owner_of(config, body.owner) if body.owner else None,
        tier=body.tier,
        status=body.status,
        source=PUSHED,
        aliases=tuple(dict.fromkeys(alias for alias in body.aliases if alias != lead_id)),
        country=body.country,
        language=body.language,
        attributes=body.attributes,
    )


def _why(error: ValidationError | Problem) -> str:
    return (Problem.unusable(error) if isinstance(error, ValidationError) else error).detail
