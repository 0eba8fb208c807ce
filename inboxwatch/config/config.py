"""A config ready for use: the core's objects, and what the connectors and channels are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from inboxwatch.config.certificate import TlsConfig
from inboxwatch.config.class_rules import ClassRuleFile
from inboxwatch.config.fields import Listen, Network
from inboxwatch.config.mailbox_template import MailboxTemplate
from inboxwatch.config.outline import Outline
from inboxwatch.config.reply_rules import RuleFile, load
from inboxwatch.connector import Context, LeadSource, MailConnector, MemberSource, Reading
from inboxwatch.core.calendar_period import Every
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.reply_rules import Meanings
from inboxwatch.core.mail.unknown_senders import UnknownSenders
from inboxwatch.core.membership import KnownMember, Tolerance
from inboxwatch.core.model import MailboxId, PersonId, Privacy, ShownFigures
from inboxwatch.core.ownership.people import Person, Team
from inboxwatch.core.ownership.routing import RoutingRule
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.sla.hours import BusinessCalendar
from inboxwatch.core.sla.policy import EscalationPolicy, SLAPolicy
from inboxwatch.lead_feed import LeadFeed
from inboxwatch.notify import Channel
from inboxwatch.settings import Secret, Settings

_SERVERS = ("host", "url", "gmail_url", "graph_url")
"""Settings of connectors that say where mailboxes are; an empty one means the provider's own place."""


@dataclass(frozen=True, slots=True)
class MailboxConfig:
    """A watched mailbox: either a person's (`owner`) or a shared one (`team`)."""

    name: MailboxId
    address: str
    owner: PersonId | None
    team: str | None
    poll_every: timedelta
    poll_idle: timedelta
    """The longest pause; not shorter than `poll_every`."""
    connector: str
    """The connector's name in the config."""
    kind: Any
    """Its class, as in MailConnector."""
    settings: Settings
    open: str | None = None
    """Where people open a mail in a webmail of their own (`core.mail_link`)."""

    @property
    def shared(self) -> bool:
        return self.team is not None

    @property
    def server(self) -> str | None:
        """What answers for many mailboxes, by the settings that name it; None where each stands for itself."""
        named = (getattr(self.settings, name, None) for name in _SERVERS)
        place = next((str(one) for one in named if one is not None), None)
        if place is None:
            return None
        host, port = urlsplit(place).hostname or place or self.connector, getattr(self.settings, "port", None)
        return f"{host}:{port}" if port else host

    def connect(self, reading: Reading) -> MailConnector:
        """A connector to this mailbox; no IO."""
        made: MailConnector = self.kind(self.settings, Context(self.name, self.address, reading))
        return made


@dataclass(frozen=True, slots=True)
class LeadsConfig:
    """A list of known buyers."""

    name: str
    source: str
    """The lead source's name in the config."""
    kind: Any
    """Its class, as in LeadSource or LeadFeed."""
    settings: Settings

    def connect(self) -> LeadSource | LeadFeed:
        """The lead source; no IO."""
        made: LeadSource | LeadFeed = self.kind(self.settings, Context(self.name, ""))
        return made


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """A list of our people, and what its members become."""

    name: str
    source: str
    """The source's name in the config."""
    kind: Any
    """Its class, as in MemberSource."""
    settings: Settings
    template: MailboxTemplate | None
    """How their mailboxes are read; None: they have none here."""
    connector: str
    """The connector's name in the config."""
    poll_every: timedelta
    poll_idle: timedelta
    team: str | None
    calendar: BusinessCalendar | None
    manager: PersonId | None
    every: timedelta
    tolerance: Tolerance
    open: str | None = None
    """Where people open a mail in a webmail of their own."""

    def connect(self) -> MemberSource:
        """The source; no IO."""
        made: MemberSource = self.kind(self.settings, Context(self.name, ""))
        return made

    def mailbox(self, name: MailboxId, address: str, owner: PersonId) -> MailboxConfig | None:
        """The mailbox of a member, if they have one here. Raises ValueError where it cannot be read by the rule."""
        if self.template is None:
            return None
        settings = self.template.settings_of(address, owner)
        kind = self.template.kind
        return MailboxConfig(
            name, address, owner, None, self.poll_every, self.poll_idle, self.connector, kind, settings, self.open
        )


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A way by which notices leave."""

    name: str
    type: str
    kind: Any
    """Its class, as in Channel."""
    settings: Settings

    def connect(self) -> Channel:
        """The channel; no IO."""
        made: Channel = self.kind(self.settings, self.name)
        return made


@dataclass(frozen=True, slots=True)
class ReportMailConfig:
    """A report that leaves by schedule."""

    name: str
    every: Every
    weekday: int
    """Monday is 0; on which day that of a week leaves."""
    at: int
    """Minutes after midnight."""
    zone: ZoneInfo
    team: str
    """Whose waits; empty: everybody's."""
    to: tuple[PersonId, ...]


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """A proxy in front that signs people in and names them in a header."""

    header: str
    peers: tuple[Network, ...]
    """From where the header is believed."""


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """An OpenID provider at which people sign in."""

    issuer: str
    client_id: str
    client_secret: Secret
    claim: str
    """Names the person's address."""
    scopes: tuple[str, ...]
    roles_claim: str | None
    roles: Mapping[str, frozenset[str]]
    """Values of that claim by the role's name in the config."""
    default_role: str | None
    lasts: timedelta
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class WebConfig:
    listen: Listen
    url: str
    """How people reach it, without a slash at the end."""
    token: Secret | None
    proxy: ProxyConfig | None = None
    tls: TlsConfig | None = None
    oidc: OidcConfig | None = None

    @property
    def open_here(self) -> bool:
        """Whether everybody on this machine may ask, for nothing says who else."""
        return self.token is None and self.proxy is None and self.oidc is None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole config, checked. Secrets print as placeholders."""

    path: Path
    us: Us
    calendars: Mapping[str, BusinessCalendar]
    people: Mapping[PersonId, Person]
    teams: Mapping[str, Team]
    mailboxes: Mapping[MailboxId, MailboxConfig]
    leads: Mapping[str, LeadsConfig]
    rules: tuple[RoutingRule, ...]
    fallback: PersonId
    policies: tuple[SLAPolicy, ...]
    """The last one covers every wait."""
    escalations: Mapping[str, EscalationPolicy]
    stop_conditions: frozenset[str]
    channels: Mapping[str, ChannelConfig]
    notify_by: tuple[str, ...]
    """How a person without a list of their own is reached; never empty."""
    it_alerts: tuple[str, ...]
    """Notify targets: `fallback`, people, channels, `channel:destination`."""
    look_back: timedelta
    census_every: timedelta
    unknown_senders: UnknownSenders
    privacy: Privacy
    store_url: Secret
    """An SQLAlchemy URL; a relative SQLite file was resolved to the config's folder."""
    web: WebConfig
    admins: frozenset[PersonId] = frozenset()
    """Who may act on every wait from a message, beside those whom it concerns."""
    daily_digests: bool = True
    language: str = "en"
    """Of the house: of channels, and of people without a language that is spoken here."""
    gone_quiet_after: timedelta | None = None
    """When a follow-up that nobody answers is closed; None: never."""
    goal: float | None = None
    """The share (0..1) of replies that shall be on time; None: no goal is set."""
    report_mails: Mapping[str, ReportMailConfig] = field(default_factory=dict)
    figures: ShownFigures = ShownFigures.PEOPLE
    log: Mapping[str, str] = field(default_factory=dict)
    """Level by area."""
    keep: timedelta | None = None
    keep_audit: timedelta | None = None
    """How long history is kept; None: until it is erased by hand."""
    own_rules: tuple[RuleFile, ...] = ()
    """The operator's own rules of what an answer means."""
    qualification: Qualification | None = None
    """What inquiries are about and worth; None: every one is a seller's."""
    own_class_rules: tuple[ClassRuleFile, ...] = ()
    """The operator's own rules of classes and scores, as written."""
    directories: Mapping[str, DirectoryConfig] = field(default_factory=dict)
    members: tuple[KnownMember, ...] = ()
    """The members of directories that were made people and mailboxes of this config."""
    unusable_members: tuple[tuple[KnownMember, str], ...] = ()
    """Members that the rest of the config leaves no room for, and why."""
    drop_ins: tuple[Path, ...] = ()
    """The further files that it was read from."""
    outline: Outline = field(default_factory=dict)
    """What its files say, without secrets."""

    @property
    def meanings(self) -> Meanings:
        """The rules of what an answer means: the operator's own, then the built-in ones."""
        return load(self.own_rules)
