"""The port through which notices leave: what is told, to whom, and how a channel fails.

A channel renders and sends one notice to one destination. It holds no queue: retry, back-off, order and dead letters
are the outbox's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, runtime_checkable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainValidator, field_validator

from inboxwatch.core.sla.policy import Duration
from inboxwatch.extras import command, installed
from inboxwatch.hidden import hidden
from inboxwatch.notify.notice_wait import UNVERIFIED, FailedContact, Handed, NoticeWait
from inboxwatch.settings import ConfigPath, Secret, Settings
from inboxwatch.words import SOURCE

if TYPE_CHECKING:
    from inboxwatch.notify.actions import Actions
    from inboxwatch.notify.links import Links

__all__ = [
    "ABOUT_WAITS",
    "MANY",
    "OWN_ID",
    "TO_ACT_ON",
    "UNVERIFIED",
    "Bounded",
    "Channel",
    "ChannelError",
    "ChannelSettings",
    "ConfigPath",
    "FailedContact",
    "Finds",
    "Handed",
    "Interactive",
    "Joins",
    "Notice",
    "NoticeType",
    "NoticeWait",
    "Paced",
    "PerTime",
    "Rate",
    "Receipt",
    "Recipient",
    "Recognizes",
    "ReportPages",
    "Seconds",
    "Secret",
    "Settings",
    "Updates",
    "load",
    "types",
]


class NoticeType(StrEnum):
    ESCALATION = "escalation"
    RESOLVED = "resolved"
    ASSIGNED = "assigned"
    """To who has a wait now."""
    UNASSIGNED = "unassigned"
    """To who had it before."""
    COPY = "copy"
    """Nothing new: a message that was sent says what is true now. Only for channels that can (`Updates`)."""
    MAILBOX = "mailbox"
    FIRST_CONTACT_FAILED = "first_contact_failed"
    DIGEST = "digest"
    REPORT = "report"
    """How long buyers waited in a period; by mail only."""


ABOUT_WAITS = frozenset({NoticeType.ESCALATION, NoticeType.RESOLVED, NoticeType.ASSIGNED, NoticeType.UNASSIGNED})
"""What is told of each wait by itself. What is due together for one reader leaves as one message (rule 37)."""
TO_ACT_ON = frozenset({NoticeType.ESCALATION, NoticeType.ASSIGNED})
"""Those whose reader is asked to do something about the wait."""
OWN_ID = "inboxwatch."
"""Begins the Message-ID of every mail of ours."""
MANY = 25
"""Waits of one notice beyond which it is shown as a list, with counts and the longest overdue first."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a person can be reached, and in which zone the person reads times."""

    id: str
    name: str
    email: str
    slack_id: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class ReportPages:
    """A report as mail carries it; buyers' words in it are escaped already."""

    subject: str
    text: str
    """The key figures as plain text."""
    html: str
    """The same, and the waits to look at."""
    file: str
    """The name of the page that is attached."""
    page: str
    """The whole report as one HTML page."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told, as it is true when it is sent. Text in it that a buyer wrote is untrusted."""

    type: NoticeType
    id: str
    """The same over retries; a step's notice and its repeats have ids of their own."""
    at: datetime
    """When it was owed (UTC)."""
    clocks: tuple[NoticeWait, ...] = ()
    contact: FailedContact | None = None
    """What a notice of the type `first_contact_failed` tells of."""
    targets: tuple[str, ...] = ()
    """People's ids and `channel:destination`s after resolution."""
    link: str = ""
    mailbox: str | None = None
    error: str | None = None
    title: str = ""
    """For notices without clocks (mailbox, digest): one sentence that says what happened and what to do."""
    language: str = SOURCE
    """The reader's: of their own, or of the house where many read."""
    thread_key: str = ""
    """The same for all that is told of one wait: channels thread repeats and update in place by it."""

    report: ReportPages | None = None
    """What a notice of the type `report` carries."""

    @property
    def listed(self) -> bool:
        """Whether its waits are shown one a line: a digest, or more than MANY waits."""
        return self.type is NoticeType.DIGEST or len(self.clocks) > MANY


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel returned; `reference` (a Slack ts, a Message-ID) identifies the message later."""

    reference: str = ""
    by_clock: Mapping[str, str] = field(default_factory=dict)
    """Where each wait of the notice has a reference of its own: by clock id."""


class ChannelError(Exception):
    """A notice could not be delivered. `permanent` errors are not tried again; `retry_after` are seconds."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(hidden(message))
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """One configured channel. All methods raise ChannelError; any other exception is a bug."""

    settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, name: str) -> None: ...

    def reaches(self, person: Recipient) -> str | None:
        """The destination by which this channel reaches a person, or None where it cannot."""
        ...

    def accepts(self, destination: str) -> str | None:
        """Why a `channel:destination` of the config cannot be used, or None where it can. No IO."""
        ...

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        """Delivers once. `key` is the same over retries.

        `earlier` is the reference of the last message about this wait to this destination.
        """
        ...

    async def probe(self) -> str:
        """Proves without telling anybody that the channel works; returns what it saw, in a few words."""
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Finds(Protocol):
    """A channel that can be asked whether a message arrived, as after a crash or a lost answer."""

    async def find(self, destination: str, key: str, since: datetime, earlier: str | None = None) -> Receipt | None:
        """The receipt of the message that bears `key`, sent at or after `since`.

        None where there is none, or where the channel may not look; sending again may then deliver it twice.
        """
        ...


@runtime_checkable
class Updates(Protocol):
    """A channel whose messages can be changed after they were sent."""

    async def update(self, notice: Notice, person: Recipient | None, reference: str) -> None:
        """Makes the message of a reference say what `notice` says; nothing where it is gone. Raises ChannelError."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A channel whose messages must not grow with a flood."""

    most: int
    """The largest number of deliveries in one message; the rest go into the next message."""


@runtime_checkable
class Recognizes(Protocol):
    """A channel whose messages may turn up in a watched mailbox."""

    def wrote(self, message_id: str) -> bool:
        """Whether a Message-ID (without brackets) was made by this channel."""
        ...


@runtime_checkable
class Joins(Protocol):
    """A channel whose message can follow several earlier ones; other channels start a new thread then."""

    def joined(self, references: Sequence[str]) -> str | None:
        """Joins the references of several waits into one `earlier`; an empty reference stands for none."""
        ...


@runtime_checkable
class Interactive(Protocol):
    """A channel by which people act on waits. Its `start` is awaited once, before the first `send`."""

    async def start(self, actions: Actions, links: Links | None) -> None:
        """Starts to listen. Returns at once; a failed connection is retried in the background."""
        ...


def _seconds(value: Any) -> Any:
    if isinstance(value, float):
        return value
    duration = Duration.parse(value)
    if duration.business or not duration.length:
        raise ValueError(f"{value!r} must be wall time longer than nothing, such as 10s")
    return duration.length.total_seconds()


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
"""A length of wall time, written `10s` or `2m`."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages may leave in a length of wall time."""

    messages: int
    seconds: float

    @classmethod
    def parse(cls, text: object) -> Rate:
        """Reads `1/s`, `30/m`, `500/h`. Raises ValueError with what to write instead."""
        match = re.fullmatch(r"([1-9][0-9]{0,5})\s*/\s*([smh])", text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is no rate: write how many messages may leave, such as 1/s, 30/m or 500/h")
        return cls(int(match[1]), {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]])

    @property
    def apart(self) -> float:
        """Seconds from one message to the next."""
        return self.seconds / self.messages


PerTime = Annotated[Rate, PlainValidator(Rate.parse, json_schema_input_type=str)]


class Paced(Settings):
    """What every channel can be told."""

    rate: PerTime | None = None
    """The most that leaves, such as `1/s`; what must wait leaves bundled. Without it: as fast as the channel can."""


class ChannelSettings(Paced):
    """What every channel that writes text can be told."""

    timezone: str = "UTC"
    """The zone of times for readers who are no person of the config."""
    templates: ConfigPath | None = None
    """A folder of templates that replace ours of the same name."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone: write one such as Europe/London") from None
        return value

    @field_validator("templates")
    @classmethod
    def _sound_templates(cls, value: Path | None) -> Path | None:
        # Imported here: the engine of templates costs more than all other settings together.
        from inboxwatch.notify.render import fault

        problem = fault(value) if value else None
        if problem:
            raise ValueError(problem)
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


_TYPES = {
    "console": "inboxwatch.notify.console:Console",
    "webhook": "inboxwatch.notify.webhook:Webhook",
    "email": "inboxwatch.notify.email:Email",
    "slack": "inboxwatch.notify.slack.channel:Slack",
    "apprise": "inboxwatch.notify.apprise:Apprise",
    "alertmanager": "inboxwatch.notify.alertmanager:Alertmanager",
}
"""Channel types of the config; imported only when one is configured."""

_SETTINGS = {
    "slack": "inboxwatch.notify.slack.settings:SlackSettings",
    "apprise": "inboxwatch.notify.apprise_settings:AppriseSettings",
}
"""Settings that stand apart from their channel, which needs an optional package."""

_PACKAGES = {"slack": ("slack_sdk", "slack_bolt"), "apprise": ("apprise",)}
"""What an extra of the channel's name brings."""

PLANNED: tuple[str, ...] = ()
"""Types that the contract names and this version lacks; they are refused by name."""


def types() -> tuple[str, ...]:
    """The channel types that `load` knows."""
    return tuple(_TYPES)


def load(kind: str) -> Any:
    """The channel class for a `type` of the config. Raises LookupError that says what exists, or what is missing."""
    if kind in PLANNED:
        raise LookupError(f"the channel type {kind!r} is not built yet; use {', '.join(sorted(_TYPES))}")
    if kind not in _TYPES:
        raise LookupError(f"unknown channel type {kind!r}; known are {', '.join(sorted(_TYPES))}")
    missing = next((package for package in _PACKAGES.get(kind, ()) if not installed(package)), None)
    if missing is None:
        try:
            return _named(_TYPES[kind])
        except ModuleNotFoundError as error:  # a package that is there in part
            missing = error.name or "of its extra"
            if missing.startswith("inboxwatch"):
                raise
    raise LookupError(f"the channel type {kind!r} needs the package {missing}: {command(kind)}")


def settings_of(kind: str) -> Any:
    """The settings of a channel type, also where what the channel needs is not installed."""
    return _named(_SETTINGS[kind]) if kind in _SETTINGS else _named(_TYPES[kind]).settings


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
