"""SLA policies as documents: what the store keeps, so that a running clock stays under the version it began with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from inboxwatch.config import models, policy_models
from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.hours import ALWAYS
from inboxwatch.core.sla.policy import EscalationPolicy, Reassign, Repeat, SLAPolicy, Step


def document_of(data: Mapping[str, Any], policy: Mapping[str, Any]) -> str:
    """All that a config says about the instants of a policy, as JSON: itself, its calendar and its ladder."""
    return json.dumps(
        {
            "policy": policy,
            "calendar": data["calendars"][policy["calendar"]] if policy.get("calendar") else None,
            "escalation": data["escalation_policies"][policy["escalation"]],
        },
        sort_keys=True,
    )


def restore(document: str) -> SLAPolicy:
    """The policy of a document. People and channels that it names need no longer exist."""
    parts = json.loads(document)
    policy = policy_models.SLAPolicyModel.model_validate(parts["policy"])
    calendar = ALWAYS
    if policy.calendar:
        calendar = models.CalendarModel.model_validate(parts["calendar"]).business(policy.calendar)
    return SLAPolicy(
        name=policy.name,
        calendar=calendar,
        first_response=policy.first_response,
        next_response=policy.next_response,
        escalation=escalation(
            policy.escalation, policy_models.EscalationPolicyModel.model_validate(parts["escalation"])
        ),
        follow_up=policy.follow_up,
        verdict=policy.verdict,
        when=policy.when.facts(),
        version=hashlib.sha256(document.encode()).hexdigest()[:16],
        document=document,
    )


def escalation(name: str, model: policy_models.EscalationPolicyModel) -> EscalationPolicy:
    return EscalationPolicy(
        name=name,
        steps=tuple(Step(step.at, step.notify, _reassign(step.reassign)) for step in model.steps),
        repeat=Repeat(model.repeat.every, model.repeat.times) if model.repeat else None,
        acknowledge_for=model.acknowledge_for,
        in_hours_only=model.in_hours_only,
        blind_grace=model.blind_grace,
    )


def _reassign(word: str | None) -> Reassign | PersonId | None:
    if word is None:
        return None
    return Reassign(word) if word in tuple(Reassign) else PersonId(word)
