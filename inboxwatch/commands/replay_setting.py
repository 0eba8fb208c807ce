"""Who we are and by what we go where `replay` has no config: each of our addresses stands for its person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import MailboxId, PersonId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.ownership.routing import RoutingRule, ToMailboxOwner
from inboxwatch.core.sla.hours import ALWAYS
from inboxwatch.core.sla.policy import Duration, EscalationPolicy, SLAPolicy, Step, StepTime
from inboxwatch.engine.rule_context import Setting


def us_of(words: Iterable[str]) -> Us:
    named = [word.strip().lower().removeprefix("@") for word in words]
    return Us(
        frozenset(word for word in named if "@" not in word),
        {word: PersonId(word) for word in named if "@" in word},
    )


@dataclass(frozen=True)
class _Address:
    """A mailbox of ours that is known by its address only, and owned by the person of that address."""

    address: str
    owner: str
    team: str | None = None


def setting_of(us: Us, entries: Iterable[Entry]) -> Setting:
    """The setting of `replay --us`: no people are configured, so each of our addresses stands for its person."""
    ours = dict.fromkeys(
        one.email
        for entry in entries
        for one in (*entry.message.recipients, entry.message.sender)
        if us.is_ours(one.email)
    )
    addresses = list(ours) or ["us"]
    four_hours = Duration(timedelta(hours=4))
    ladder = EscalationPolicy("default", (Step(StepTime(1.0), ("owner",)),), in_hours_only=False)
    policy = SLAPolicy("default", ALWAYS, four_hours, four_hours, ladder, version="default")
    return _Us(
        us=replace(us, addresses={**us.addresses, **{email: PersonId(email) for email in ours}}),
        people={PersonId(email): Person(PersonId(email), email, email) for email in addresses},
        teams={},
        mailboxes={MailboxId(email): _Address(email, email) for email in addresses},
        rules=(RoutingRule(ToMailboxOwner()),),
        fallback=PersonId(addresses[0]),
        policies=(policy,),
        stop_conditions=frozenset({"answered", "dismissed", "meeting_accepted", "opted_out"}),
    )


@dataclass(frozen=True)
class _Us:
    qualification: ClassVar[None] = None
    us: Us
    people: Mapping[PersonId, Any]
    teams: Mapping[str, Any]
    mailboxes: Mapping[MailboxId, Any]
    rules: tuple[Any, ...]
    fallback: PersonId
    policies: tuple[SLAPolicy, ...]
    stop_conditions: frozenset[str]
