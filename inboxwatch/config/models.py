"""The sections of the config as the contract shows them: names, types and defaults.

What concerns one value is said here; what concerns several entries at once is in `rules`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from inboxwatch.config.fields import (
    AlertTarget,
    CalendarRef,
    ChannelRef,
    Day,
    Domain,
    Email,
    Hours,
    Language,
    LogArea,
    LogLevel,
    MailTemplate,
    Name,
    OwnRules,
    PersonRef,
    PositiveWallTime,
    Share,
    TeamRef,
    TimeOfDay,
    WallTime,
    Weekdays,
    Zone,
    weekdays,
)
from inboxwatch.config.policy_models import EscalationPolicyModel, RoutingModel, SLAPolicyModel
from inboxwatch.config.public_holidays import PublicHolidays
from inboxwatch.config.qualification_models import QualificationModel
from inboxwatch.config.web_models import WebModel
from inboxwatch.core.calendar_period import Every
from inboxwatch.core.mail.unknown_senders import UnknownSenders
from inboxwatch.core.model import Privacy, ShownFigures
from inboxwatch.core.sla.hours import BusinessCalendar, Span, day_of
from inboxwatch.settings import Secret, Settings

StopCondition = Literal[
    "answered", "dismissed", "meeting_accepted", "opted_out", "lead_closed", "activity", "max_rounds"
]


class OrganizationModel(Settings):
    """Ours, together with all addresses of people and mailboxes; the rest of the world are buyers."""

    domains: tuple[Domain, ...] = ()
    """Our mail domains, with all that lies below them."""
    authserv_ids: tuple[Domain, ...] = ()
    """The names under which our mail servers write Authentication-Results. Where they are given, mail in our name that
    came from outside without one does not count as ours. Default: names below our domains, and those of the servers
    that took a message in; `check` shows which it finds."""


class HolidaysModel(Settings):
    """Public holidays by ISO 3166 codes."""

    country: Name
    """ISO 3166-1 code, such as `GB`."""
    subdivision: Name | None = None
    """ISO 3166-2 code without the country, such as `ENG`."""
    categories: tuple[Name, ...] = ()
    """Kinds of holidays to close on, such as `public`; where none is given, those on which offices close."""

    @model_validator(mode="after")
    def _known(self) -> HolidaysModel:
        self.by_day()
        return self

    def by_day(self) -> PublicHolidays:
        return PublicHolidays(self.country.upper(), self.subdivision, self.categories)


class CalendarModel(Settings):
    """Business hours in a time zone, with the days on which they differ."""

    timezone: Zone
    """The zone in which its hours and days are meant."""
    hours: dict[Weekdays, tuple[Hours, ...]] = Field(min_length=1)
    """Opening hours by day of the week; days that are not named are closed."""
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
    """The first day of the absence."""
    last: Day = Field(alias="to")
    """The last day of the absence."""

    @model_validator(mode="after")
    def _in_order(self) -> LeaveModel:
        if self.last < self.first:
            raise ValueError(f"ends on {self.last}, before it begins on {self.first}")
        return self


class PersonModel(Settings):
    """One named person of ours, who can own a wait."""

    name: Name
    """As it is shown in messages and on the board."""
    email: Email
    """Where mail reaches the person, and by which sent mail is known as theirs."""
    aliases: tuple[Email, ...] = ()
    """Further addresses of the person."""
    calendar: CalendarRef | None = None
    """The person's own hours: routing passes over who does not work before the answer is due."""
    manager: PersonRef | None = None
    """Whom the target `manager` means. Default: the fallback."""
    leave: tuple[LeaveModel, ...] = ()
    """Absences that are known in advance."""
    skills: tuple[Name, ...] = ()
    """What a team rule can ask for; free words."""
    languages: tuple[Name, ...] = ()
    """Languages of which a team rule prefers a speaker: codes such as `es`. Messages to the person are written in the
    first of them that inboxwatch speaks: `en`, `de` or `es`."""
    slack_id: str = ""
    """The person's id in Slack, such as `U012AB3CD`. Default: found by e-mail address."""
    notify_by: tuple[ChannelRef, ...] = ()
    """How this person is reached, in order. Default: `notify_by` of the config."""


class TeamModel(Settings):
    """People among whom routing chooses."""

    members: tuple[PersonRef, ...] = Field(min_length=1)
    """Among whom a team rule chooses."""
    lead: PersonRef | None = None
    """Whom the target `team_lead` means; gets the team's daily digest."""


class PluggedModel(Settings):
    """An entry whose further keys are the settings of what `kind` names: a connector, a lead source, a channel."""

    model_config = ConfigDict(extra="ignore")


class MailboxReadingModel(PluggedModel):
    """How mailboxes are read."""

    connector: Name
    """What reads it: `imap`, `gmail`, `graph`, `ews`, `maildir`, or a connector of your own. It decides about the
    further keys."""
    poll_every: PositiveWallTime = Field(default="60s", validate_default=True)
    """The ordinary pause between two readings; after news it is shorter for a while."""
    poll_idle: PositiveWallTime | None = None
    """How seldom it is read while it brings no news. Default: 5m, or `poll_every` where that is longer."""

    open: MailTemplate | None = None
    """Where people open a mail in a webmail of yours, such as `https://webmail.example/?search={message_id}`; also
    `{address}`, the mailbox's. Default: Gmail's search, what Microsoft Graph says, else none."""

    @field_validator("poll_idle")
    @classmethod
    def _not_oftener(cls, idle: timedelta | None, info: ValidationInfo) -> timedelta | None:
        every = info.data.get("poll_every")
        if idle is not None and every is not None and idle < every:
            raise ValueError("is shorter than `poll_every`: an idle mailbox is not read oftener than others")
        return idle


class MailboxModel(MailboxReadingModel):
    """A watched mailbox: a person's has an owner, a shared one a team."""

    address: Email
    """The mailbox's own address."""
    owner: PersonRef | None = None
    """Whose mailbox it is; exactly one of `owner` and `team`."""
    team: TeamRef | None = Field(default=None, validate_default=True)
    """Whose shared mailbox it is; exactly one of `owner` and `team`."""

    @field_validator("team")
    @classmethod
    def _or_owner(cls, team: str | None, info: ValidationInfo) -> str | None:
        if "owner" in info.data and (info.data["owner"] is None) == (team is None):
            raise ValueError("give exactly one of `owner` (a person's mailbox) and `team` (a shared one)")
        return team


class DirectoryModel(PluggedModel):
    """A list of our people that is kept elsewhere: who is on it has a mailbox here and owns it."""

    source: Name
    """What the list is read from: `csv`, `graph`, `google` and `ews` (the members of a group, or of an organisational
    unit), `dovecot` (the accounts of a mail server), or a source of your own. It decides about the further keys."""
    mailboxes: MailboxReadingModel | None = None
    """How their mailboxes are read, with the keys of that connector; in a text, `{address}`, `{user}`, `{domain}` (its
    parts before and after the @) and `{id}` stand for the member's own. Without it they are people without a
    mailbox."""
    team: Name | None = None
    """The team of who has none in the list; the config need not name it."""
    calendar: CalendarRef | None = None
    """The hours of them all."""
    manager: PersonRef | None = None
    """The manager of who has none in the list."""
    exclude: tuple[Name, ...] = ()
    """Addresses to leave out, or patterns with `*`: shared and technical ones, such as `noreply@*`."""
    every: PositiveWallTime = Field(default="15m", validate_default=True)
    """How often the list is read."""
    grace: WallTime = Field(default="24h", validate_default=True)
    """How long who is not on the list any more is still watched, after IT was told."""
    shrink_limit: Share = Field(default="20%", validate_default=True)
    """A list that leaves out more than this share of its members, and more than one, is taken for broken: IT is told,
    and nothing of it is taken over."""


class LeadsModel(PluggedModel):
    """A list of known buyers."""

    source: Name
    """What they are read from: `csv`, `sql`, `salesforce`, `hubspot`, or a source of your own. It decides about the
    further keys."""


class ChannelModel(PluggedModel):
    """A way by which notices leave."""

    type: Name
    """How it sends: `console`, `webhook`, `email`, `slack`, `apprise` or `alertmanager`. It decides about the further
    keys."""


class HistoryModel(Settings):
    """How far back mail is read, and how often what was read is compared with the server."""

    look_back: WallTime = Field(default="30d", validate_default=True)
    """No waits older than this are opened by the daemon."""
    census_every: PositiveWallTime = Field(default="6h", validate_default=True)
    """How often every Message-ID on the server is compared with the store."""
    keep: PositiveWallTime | None = None
    """How long mail, ended waits, what was done and what was told are kept, such as `400d`; figures stay. Without it
    nothing is erased by age. Not shorter than `look_back`."""
    keep_audit: PositiveWallTime | None = None
    """How long the audit log is kept, such as `730d`. Default: for ever."""

    @model_validator(mode="after")
    def _keeps_what_it_reads(self) -> HistoryModel:
        if self.keep is not None and self.keep < self.look_back:
            raise ValueError("`keep` must not be shorter than `look_back`, for what is erased would be read again")
        return self


class AlertsModel(Settings):
    """Who is told about blind mailboxes, dead letters and expiring tokens. Default: the fallback person."""

    notify: tuple[AlertTarget, ...] = Field(min_length=1)
    """`fallback`, a person, a channel or `channel:destination`."""


class DigestsModel(Settings):
    """What people are told each morning beside single waits."""

    daily: bool = True
    """To each person, and of each team to its lead, when their calendar opens (without one at 08:00 UTC)."""


class FollowUpsModel(Settings):
    """What becomes of follow-ups that nobody answers."""

    gone_quiet_after: PositiveWallTime | None = None
    """How long after its due time, and after the last thing that a person did about it, a follow-up is closed as gone
    quiet, such as `30d`: it is counted apart, and can be taken up again. Default: never."""


class ReportMailModel(Settings):
    """A report that leaves by itself: the key figures as mail, with the whole page attached."""

    every: Every = Every.WEEK
    """Of which periods: weeks (Monday to Sunday) or months. The last whole one is told."""
    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "mon"
    """On which day the report of a week leaves; that of a month leaves on the first."""
    at: TimeOfDay = Field(default="08:00", validate_default=True)
    """At what time."""
    calendar: CalendarRef | None = None
    """In whose time zone. Default: that of the last SLA policy."""
    team: TeamRef | None = None
    """Whose waits: those of the people of a team. Default: everybody's."""
    to: tuple[PersonRef, ...] = ()
    """Who reads it, by mail. Default: the lead of the `team`."""


class ReportsModel(Settings):
    """What managers' reports are held to."""

    goal: Share | None = None
    """The share of replies that shall be on time, such as `90%`: drawn as a line. Default: none."""
    mail: dict[Name, ReportMailModel] = Field(default_factory=dict)
    """Reports that leave by schedule, by name. A channel of the type `email` must reach their readers."""


class StoreModel(Settings):
    """The database. Default: `sqlite:///inboxwatch.db`, beside the config file."""

    url: Secret
    """It may hold a password, so it is given and printed as secrets are."""

    @field_validator("url")
    @classmethod
    def _supported(cls, url: Secret) -> Secret:
        if url.resolved and not url.reveal().startswith(("sqlite://", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return url


class ConfigModel(Settings):
    """The whole config. Mappings are read entry by entry and lists item by item, so that no mistake hides another."""

    organization: OrganizationModel = Field(default_factory=OrganizationModel)
    calendars: dict[str, CalendarModel] = Field(default_factory=dict)
    """Business hours, by name."""
    people: dict[str, PersonModel] = Field(default_factory=dict)
    """Our people, by id. Only a named person can own a wait."""
    teams: dict[str, TeamModel] = Field(default_factory=dict)
    """Teams, by name."""
    mailboxes: dict[str, MailboxModel] = Field(default_factory=dict)
    """The watched mailboxes, by name."""
    directories: dict[str, DirectoryModel] = Field(default_factory=dict)
    """Lists of our people, by name: each makes people and mailboxes of its members, by one rule."""
    history: HistoryModel = Field(default_factory=HistoryModel)
    language: Language = "en"
    """The house language: of messages to channels and to people without a language of ours, and of pages for browsers
    that ask for none: `en`, `de` or `es`."""
    unknown_senders: UnknownSenders = UnknownSenders.SHARED
    """For whom a provisional lead is made: unknown people who write to shared mailboxes, nobody, or all of them."""
    privacy: Privacy = Privacy.HEADERS
    """`headers`: no text written by a person is read or stored. `text`: it is read in memory for rules and matching,
    and never stored."""
    figures: ShownFigures = ShownFigures.PEOPLE
    """Whose figures metrics, reports and the board show: `people`, or `teams` only, with no rep's name. Who must act is
    named to them in notices either way, and by the commands and the API."""
    meanings: tuple[OwnRules, ...] = ()
    """Files of the operator's own rules of what an answer means; they come before the built-in ones."""
    leads: dict[str, LeadsModel] = Field(default_factory=dict)
    """Lists of known buyers, by name."""
    qualification: QualificationModel | None = None
    """What inquiries are about and worth. Default: every one is a seller's."""
    routing: RoutingModel
    sla_policies: tuple[SLAPolicyModel, ...]
    """Targets; the first one whose `when` holds is taken, and the last one has none."""
    escalation_policies: dict[str, EscalationPolicyModel]
    """Ladders of steps, by name."""
    stop_conditions: tuple[StopCondition, ...]
    """What ends a wait; `answered` must be among them."""
    channels: dict[str, ChannelModel] = Field(default_factory=dict)
    """Ways by which messages leave, by name. Default: the console."""
    notify_by: tuple[ChannelRef, ...] = ()
    """How a person is reached, in order. Default: all channels, in their order."""
    it_alerts: AlertsModel = Field(default_factory=lambda: AlertsModel(notify=("fallback",)))
    admins: tuple[PersonRef, ...] = ()
    """People who may act on every wait from a message."""
    digests: DigestsModel = Field(default_factory=DigestsModel)
    follow_ups: FollowUpsModel = Field(default_factory=FollowUpsModel)
    reports: ReportsModel = Field(default_factory=ReportsModel)
    log: dict[LogArea, LogLevel] = Field(default_factory=dict)
    """Level by area: a room of the program such as `connectors.mail`, `daemon`, `engine`, `notify` or `web`, or
    `default`. A reload takes it over; what it does not say, `run --log-level` does."""
    store: StoreModel | None = None
    web: WebModel = Field(default_factory=WebModel)
