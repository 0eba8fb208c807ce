"""The sections of the config as the contract shows them: names, types and defaults.

What concerns one value is said here; what concerns several entries at once is in `rules`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from inboxwatch.config.fields import (
    Address,
    AlertTarget,
    Assignee,
    At,
    CalendarRef,
    ChannelRef,
    Day,
    Domain,
    Email,
    EscalationRef,
    HeaderName,
    Hours,
    Mailboxes,
    Name,
    OwnRules,
    Peers,
    PersonRef,
    PositiveTime,
    PositiveWallTime,
    Reassignee,
    Target,
    TeamRef,
    Teams,
    Time,
    Values,
    WallTime,
    WebAddress,
    Weekdays,
    Zone,
    weekdays,
)
from inboxwatch.config.public_holidays import PublicHolidays
from inboxwatch.core.mail.intake import UnknownSenders
from inboxwatch.core.model import Privacy
from inboxwatch.core.sla.hours import BusinessCalendar, Span, day_of
from inboxwatch.settings import Secret, Settings

StopCondition = Literal[
    "answered", "dismissed", "meeting_accepted", "opted_out", "lead_closed", "activity", "max_rounds"
]


class OrganizationModel(Settings):
    """Ours, together with all addresses of people and mailboxes; the rest of the world are buyers."""

    domains: tuple[Domain, ...] = ()


class HolidaysModel(Settings):
    """Public holidays by ISO 3166 codes."""

    country: Name
    subdivision: Name | None = None

    @model_validator(mode="after")
    def _known(self) -> HolidaysModel:
        self.by_day()
        return self

    def by_day(self) -> PublicHolidays:
        return PublicHolidays(self.country.upper(), self.subdivision)


class CalendarModel(Settings):
    """Business hours in a time zone, with the days on which they differ."""

    timezone: Zone
    hours: dict[Weekdays, tuple[Hours, ...]] = Field(min_length=1)
    holidays: HolidaysModel | None = None
    closed: Annotated[
        Annotated[tuple[Day, ...], Tag("<list>")] | Annotated[dict[Day, Name], Tag("<mapping>")],
        Discriminator(lambda value: "<mapping>" if isinstance(value, dict) else "<list>"),
    ] = ()
    """Days, or days with their names."""
    special: dict[Day, tuple[Hours, ...]] = Field(default_factory=dict)
    """Days with hours of their own."""

    @field_validator("hours")
    @classmethod
    def _each_day_once(cls, hours: dict[str, tuple[Span, ...]]) -> dict[str, tuple[Span, ...]]:
        seen: dict[int, str] = {}
        for text, spans in hours.items():
            day_of(spans)
            for day in weekdays(text):
                if day in seen:
                    raise ValueError(f"{seen[day]!r} and {text!r} share a day")
                seen[day] = text
        if not any(hours.values()):
            raise ValueError("never opens: give hours to at least one day of the week")
        return hours

    @field_validator("special")
    @classmethod
    def _open(cls, special: dict[date, tuple[Span, ...]], info: ValidationInfo) -> dict[date, tuple[Span, ...]]:
        for day, spans in special.items():
            if not day_of(spans):
                raise ValueError(f"{day} has no hours: list it under `closed`")
            if day in info.data.get("closed", ()):
                raise ValueError(f"{day} is listed under `closed` too")
        return special

    def business(self, name: str) -> BusinessCalendar:
        """The calendar that the core counts with."""
        hours = {day: spans for text, spans in self.hours.items() for day in weekdays(text)}
        closed = self.closed if isinstance(self.closed, dict) else dict.fromkeys(self.closed, "closed")
        week = tuple(hours.get(day, ()) for day in range(7))
        if self.holidays is None:
            return BusinessCalendar(name, self.timezone, week, closed, self.special)
        return BusinessCalendar(name, self.timezone, week, closed, self.special, self.holidays.by_day())


class LeaveModel(Settings):
    """The first and the last day of an absence."""

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> LeaveModel:
        if self.last < self.first:
            raise ValueError(f"ends on {self.last}, before it begins on {self.first}")
        return self


class PersonModel(Settings):
    """One named person of ours, who can own a wait."""

    name: Name
    email: Email
    aliases: tuple[Email, ...] = ()
    calendar: CalendarRef | None = None
    manager: PersonRef | None = None
    leave: tuple[LeaveModel, ...] = ()
    skills: tuple[Name, ...] = ()
    languages: tuple[Name, ...] = ()
    slack_id: str = ""
    notify_by: tuple[ChannelRef, ...] = ()


class TeamModel(Settings):
    """People among whom routing chooses."""

    members: tuple[PersonRef, ...] = Field(min_length=1)
    lead: PersonRef | None = None


class PluggedModel(Settings):
    """An entry whose further keys are the settings of what `kind` names: a connector, a lead source, a channel."""

    model_config = ConfigDict(extra="ignore")


class MailboxModel(PluggedModel):
    """A watched mailbox: a person's has an owner, a shared one a team."""

    connector: Name
    address: Email
    owner: PersonRef | None = None
    team: TeamRef | None = Field(default=None, validate_default=True)
    poll_every: PositiveWallTime = Field(default="60s", validate_default=True)
    poll_idle: PositiveWallTime | None = None
    """How seldom it is read while it brings no news. Default: 5m, or `poll_every` where that is longer."""

    @field_validator("poll_idle")
    @classmethod
    def _not_oftener(cls, idle: timedelta | None, info: ValidationInfo) -> timedelta | None:
        every = info.data.get("poll_every")
        if idle is not None and every is not None and idle < every:
            raise ValueError("is shorter than `poll_every`: an idle mailbox is not read oftener than others")
        return idle

    @field_validator("team")
    @classmethod
    def _or_owner(cls, team: str | None, info: ValidationInfo) -> str | None:
        if "owner" in info.data and (info.data["owner"] is None) == (team is None):
            raise ValueError("give exactly one of `owner` (a person's mailbox) and `team` (a shared one)")
        return team


class LeadsModel(PluggedModel):
    """A list of known buyers."""

    source: Name


class ChannelModel(PluggedModel):
    """A way by which notices leave."""

    type: Name


class HistoryModel(Settings):
    look_back: WallTime = Field(default="30d", validate_default=True)
    census_every: PositiveWallTime = Field(default="6h", validate_default=True)
    """How often every Message-ID on the server is compared with the store."""


class PolicyWhenModel(Settings):
    """What a wait must be for a policy to be chosen: each key holds one of its values."""

    tier: Values | None = None
    mailbox: Mailboxes | None = None
    team: Teams | None = None
    domain: Values | None = None
    country: Values | None = None
    language: Values | None = None
    source: Values | None = None
    class_: Values | None = Field(default=None, alias="class")

    def facts(self) -> dict[str, frozenset[str]]:
        return {key: values for key, values in self.model_dump(by_alias=True).items() if values is not None}


class RoutingWhenModel(PolicyWhenModel):
    """The same for routing, which also looks at skills."""

    skill: Values | None = None


class TeamAssignmentModel(Settings):
    """A member of the team: by the fewest open waits, or each in turn."""

    team: TeamRef
    skills: tuple[Name, ...] = ()
    by: Literal["load", "round_robin"] = "load"


class RoutingRuleModel(Settings):
    """Who gets a wait for which `when` holds."""

    when: RoutingWhenModel = Field(default_factory=RoutingWhenModel)
    assign: Annotated[
        Annotated[Assignee, Tag("<word>")] | Annotated[TeamAssignmentModel, Tag("<team>")],
        Discriminator(lambda value: "<team>" if isinstance(value, dict) else "<word>"),
    ]


class RoutingModel(Settings):
    """Rules in order, and the person who gets what no rule gives to anybody present."""

    rules: tuple[RoutingRuleModel, ...] = ()
    fallback: PersonRef


class SLAPolicyModel(Settings):
    """Targets for the waits that `when` holds for."""

    name: Name
    when: PolicyWhenModel = Field(default_factory=PolicyWhenModel)
    calendar: CalendarRef | None = None
    first_response: PositiveTime
    next_response: PositiveTime
    follow_up: PositiveTime | None = None
    escalation: EscalationRef


class StepModel(Settings):
    """Whom to tell, when, and who owns the wait from then on."""

    at: At
    notify: tuple[Target, ...] = Field(min_length=1)
    reassign: Reassignee | None = None


class RepeatModel(Settings):
    every: PositiveTime
    times: int = Field(ge=1, le=1000)


class EscalationPolicyModel(Settings):
    """A ladder of steps."""

    steps: tuple[StepModel, ...] = Field(min_length=1)
    repeat: RepeatModel | None = None
    acknowledge_for: PositiveTime = Field(default="30m", validate_default=True)
    in_hours_only: bool = True
    blind_grace: Time = Field(default="15m", validate_default=True)


class AlertsModel(Settings):
    """Who is told about blind mailboxes, dead letters and expiring tokens."""

    notify: tuple[AlertTarget, ...] = Field(min_length=1)


class DigestsModel(Settings):
    """What people are told each morning beside single waits."""

    daily: bool = True
    """To each person, and of each team to its lead, when their calendar opens (without one at 08:00 UTC)."""


class StoreModel(Settings):
    url: Secret
    """It may hold a password, so it is given and printed as secrets are."""

    @field_validator("url")
    @classmethod
    def _supported(cls, url: Secret) -> Secret:
        if url.resolved and not url.reveal().startswith(("sqlite://", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return url


class ProxyModel(Settings):
    """A proxy in front that signs people in and names them in a header."""

    header: HeaderName
    """Its value is a person's id or e-mail address. The proxy must set or drop it on every request."""
    peers: tuple[Peers, ...] = Field(alias="from", min_length=1)
    """From where the header is believed."""


class WebModel(Settings):
    listen: Address = Field(default="127.0.0.1:9842", validate_default=True)
    url: WebAddress | None = None
    """How people reach it; links in notices begin with it."""
    token: Secret | None = Field(default=None, validate_default=True)
    proxy: ProxyModel | None = None

    @field_validator("token")
    @classmethod
    def _closed_to_the_world(cls, token: Secret | None, info: ValidationInfo) -> Secret | None:
        listen = info.data.get("listen")
        if token is None and listen is not None and not listen.loopback:
            raise ValueError(f"is required (or `token_file`, `token_env`): other machines can reach {listen}")
        return token


class ConfigModel(Settings):
    """The whole config. Mappings are read entry by entry and lists item by item, so that no mistake hides another."""

    organization: OrganizationModel = Field(default_factory=OrganizationModel)
    calendars: dict[str, CalendarModel] = Field(default_factory=dict)
    people: dict[str, PersonModel] = Field(default_factory=dict)
    teams: dict[str, TeamModel] = Field(default_factory=dict)
    mailboxes: dict[str, MailboxModel] = Field(default_factory=dict)
    history: HistoryModel = Field(default_factory=HistoryModel)
    unknown_senders: UnknownSenders = UnknownSenders.SHARED
    privacy: Privacy = Privacy.HEADERS
    meanings: tuple[OwnRules, ...] = ()
    """Files of the operator's own rules of what an answer means; they come before the built-in ones."""
    leads: dict[str, LeadsModel] = Field(default_factory=dict)
    routing: RoutingModel
    sla_policies: tuple[SLAPolicyModel, ...]
    escalation_policies: dict[str, EscalationPolicyModel]
    stop_conditions: tuple[StopCondition, ...]
    channels: dict[str, ChannelModel] = Field(default_factory=dict)
    notify_by: tuple[ChannelRef, ...] = ()
    it_alerts: AlertsModel = Field(default_factory=lambda: AlertsModel(notify=("fallback",)))
    admins: tuple[PersonRef, ...] = ()
    """People who may act on every wait from a message."""
    digests: DigestsModel = Field(default_factory=DigestsModel)
    store: StoreModel | None = None
    web: WebModel = Field(default_factory=WebModel)
