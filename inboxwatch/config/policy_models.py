"""The sections of the config that say who owns a wait, when it is due and who is told: routing, SLAs, ladders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from inboxwatch.config.fields import (
    Assignee,
    At,
    CalendarRef,
    EscalationRef,
    Mailboxes,
    Name,
    PersonRef,
    PositiveTime,
    Reassignee,
    Target,
    TeamRef,
    Teams,
    Time,
    Values,
)
from inboxwatch.settings import Settings


class PolicyWhenModel(Settings):
    """What a wait must be for a policy to be chosen: each key holds one of its values."""

    tier: Values | None = None
    """The lead's tier."""
    mailbox: Mailboxes | None = None
    """The mailbox that the message came to."""
    team: Teams | None = None
    """The team of that mailbox."""
    domain: Values | None = None
    """The mail domain of the lead's company, else of the address."""
    country: Values | None = None
    """The lead's country."""
    language: Values | None = None
    """The lead's language."""
    source: Values | None = None
    """The list that the lead is from."""
    class_: Values | None = Field(default=None, alias="class")
    """What the inquiry is about: classes of the section `qualification`."""

    def facts(self) -> dict[str, frozenset[str]]:
        return {key: values for key, values in self.model_dump(by_alias=True).items() if values is not None}


class RoutingWhenModel(PolicyWhenModel):
    """The same for routing, which also looks at skills."""

    skill: Values | None = None
    """The lead's attribute `skill`."""


class TeamAssignmentModel(Settings):
    """A member of the team: by the fewest open waits, or each in turn."""

    team: TeamRef
    """The team to choose from."""
    skills: tuple[Name, ...] = ()
    """All of which the member must have."""
    by: Literal["load", "round_robin"] = "load"
    """`load`: the member with the fewest open waits; `round_robin`: each in turn."""


class RoutingRuleModel(Settings):
    """Who gets a wait for which `when` holds."""

    when: RoutingWhenModel = Field(default_factory=RoutingWhenModel)
    """For which waits the rule holds. Default: all."""
    assign: Annotated[
        Annotated[Assignee, Tag("<word>")] | Annotated[TeamAssignmentModel, Tag("<team>")],
        Discriminator(lambda value: "<team>" if isinstance(value, dict) else "<word>"),
    ]
    """Who gets them."""


class RoutingModel(Settings):
    """Rules in order, and the person who gets what no rule gives to anybody present."""

    rules: tuple[RoutingRuleModel, ...] = ()
    """The first one that holds and names somebody present decides."""
    fallback: PersonRef
    """A person, never a group address: owns what no rule gives to anybody present."""


class SLAPolicyModel(Settings):
    """Targets for the waits that `when` holds for."""

    name: Name
    """How it is called in metrics and messages."""
    when: PolicyWhenModel = Field(default_factory=PolicyWhenModel)
    """For which waits it holds; the first policy that holds is taken. Default: all."""
    calendar: CalendarRef | None = None
    """In which business time is counted. Needed where a time of the policy or its ladder is business time."""
    first_response: PositiveTime
    """How long the first answer to a lead may take."""
    next_response: PositiveTime
    """How long every further answer may take."""
    follow_up: PositiveTime | None = None
    """How long the buyer may be silent after our last word before a follow-up is due. Default: no follow-ups."""
    verdict: PositiveTime | None = None
    """How long a person may take to say what an inquiry is about that nothing tells. Default: no verdict is awaited."""
    escalation: EscalationRef
    """What happens as the due time comes and goes."""


class StepModel(Settings):
    """Whom to tell, when, and who owns the wait from then on."""

    at: At
    """When, relative to the due time: `50%` is half of the target, `100% + 30bm` thirty business minutes after the due
    time."""
    notify: tuple[Target, ...] = Field(min_length=1)
    """Who is told, before `reassign` takes effect."""
    reassign: Reassignee | None = None
    """Who owns the wait from then on; `next` asks the routing again without the present owner. Default: no change."""


class RepeatModel(Settings):
    """How the last step of a ladder is repeated. Repeats reassign nothing."""

    every: PositiveTime
    """From one repeat to the next, from the due time of the last step."""
    times: int = Field(ge=1, le=1000)
    """How often, from 1 to 1000."""


class EscalationPolicyModel(Settings):
    """A ladder of steps."""

    steps: tuple[StepModel, ...] = Field(min_length=1)
    """In the order in which they fall due."""
    repeat: RepeatModel | None = None
    acknowledge_for: PositiveTime = Field(default="30m", validate_default=True)
    """How long an acknowledgement holds the ladder."""
    in_hours_only: bool = True
    """Whether steps are told only while the SLA policy's calendar is open."""
    blind_grace: Time = Field(default="15m", validate_default=True)
    """How long a step waits for a mailbox that cannot be read; then it is sent, saying so."""
