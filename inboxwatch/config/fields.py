"""The kinds of values that a config holds: each reads what the file says, and tells what to write instead.

References are checked where they stand, against the names that the whole config declares (`Names`, in the validation
context): so one mistake is one problem, wherever else there are more.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from inboxwatch.config.certificate import Chain
from inboxwatch.config.reply_rules import RuleFile, document
from inboxwatch.core.mail.words import table
from inboxwatch.core.mail_link import checked_template
from inboxwatch.core.sla.hours import Span
from inboxwatch.core.sla.policy import Duration, Reassign, StepTime
from inboxwatch.settings import ConfigPath, inside
from inboxwatch.words import LANGUAGES

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAD_OWNER, MAILBOX_OWNER = "lead.owner", "mailbox.owner"
ROLES = ("owner", "manager", "fallback", "team_lead")
"""Notify targets that are worked out anew for each wait."""

_EMAIL = re.compile(r"[^@\s,;:<>\"]+@([^@\s,;:<>\".]+\.)+[^@\s,;:<>\".]+")
_DOMAIN = re.compile(r"([^@\s,;:<>\".*]+\.)+[^@\s,;:<>\".*]+")


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, 5.6.2."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a config declares, whether what stands under them is right or not."""

    people: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    calendars: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()
    escalation_policies: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()

    @classmethod
    def declared(cls, data: Mapping[str, Any]) -> Names:
        sections = {one.name: data.get(one.name) for one in fields(cls)}
        return cls(**{name: frozenset(map(str, one)) for name, one in sections.items() if isinstance(one, dict | list)})

    @staticmethod
    def of(info: ValidationInfo) -> Names | None:
        """The names to check against; None where a document of earlier times is read, whose people may have left."""
        found = (info.context or {}).get("names")
        return found if isinstance(found, Names) else None


def meant(word: object, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing where no known word is near."""
    near = get_close_matches(str(word), [str(one) for one in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is no e-mail address")
    return value.strip().lower()


def _domain(value: str) -> str:
    if not _DOMAIN.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is no mail domain: write one such as acme.test")
    return value.strip().lower()


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(value if isinstance(value, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = meant(value, available_timezones())
        raise ValueError(f"{value!r} is no time zone: write one such as Europe/London{near}") from None


def _day(value: object) -> date:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", value) if isinstance(value, str) else None
    try:
        return date(*map(int, match.groups() if match else ()))
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no day: write it as 2026-12-24") from None


def _wall(value: object) -> timedelta:
    duration = Duration.parse(value)
    if duration.business:
        raise ValueError(f"{value!r} is business time, which has no calendar here: write wall time, such as 30s or 30d")
    return duration.length


def _positive(value: Any) -> Any:
    if not (value.length if isinstance(value, Duration) else value):
        raise ValueError("must be longer than nothing")
    return value


def _share(value: object) -> float:
    match = re.fullmatch(r"([0-9]{1,3})\s*%", value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 100:
        raise ValueError(f"{value!r} is no share: write one such as 20%")
    return int(match[1]) / 100


def weekdays(text: str) -> tuple[int, ...]:
    """The days (Monday is 0) that `mon`, `mon-thu` or `sat-mon` name. Raises ValueError with what to write instead."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if first not in WEEK or (dash and last not in WEEK):
        raise ValueError(f"{text!r} is no day of the week: write {', '.join(WEEK)}, or a range such as mon-fri")
    start, end = WEEK.index(first), WEEK.index(last or first)
    return tuple(day % 7 for day in range(start, end + 1 if start <= end else end + 8))


def _time_of_day(value: object) -> int:
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", value, re.ASCII) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no time of day: write it as 08:00")
    return int(match[1]) * 60 + int(match[2])


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is no language that inboxwatch speaks: write one of {', '.join(LANGUAGES)}")
    return code


def _weekdays(text: str) -> str:
    weekdays(text)
    return text


def _values(value: object) -> frozenset[str]:
    given = value if isinstance(value, list) else [value]
    if not given or not all(isinstance(one, str | int) and not isinstance(one, bool) for one in given):
        raise ValueError("must be a value or a list of values")
    return frozenset(str(one).strip().lower() for one in given)


def _among(section: str, values: frozenset[str], info: ValidationInfo) -> frozenset[str]:
    if names := Names.of(info):
        known = {name.lower() for name in getattr(names, section)}
        for value in sorted(values - known):
            raise ValueError(f"{value!r} is not in `{section}`{meant(value, known)}")
    return values


def _reference(section: str, value: str, info: ValidationInfo) -> str:
    if (names := Names.of(info)) and value not in (known := getattr(names, section)):
        raise ValueError(f"{value!r} is not in `{section}`{meant(value, known)}")
    return value


def _person(value: str, info: ValidationInfo) -> str:
    names = Names.of(info)
    if names is None or value in names.people:
        return value
    if "@" in value:
        raise ValueError(f"{value!r} is an address: name a person of `people`, a group address cannot own")
    if value in names.teams:
        raise ValueError(f"{value!r} is a team: name one person of `people`")
    return _reference("people", value, info)


def _person_or(words: tuple[str, ...], value: str, info: ValidationInfo) -> str:
    if value in words:
        return value
    try:
        return _person(value, info)
    except ValueError as error:
        raise ValueError(f"{error}; or write {', '.join(words)}{meant(value, words)}") from None


def _target(roles: tuple[str, ...], value: str, info: ValidationInfo) -> str:
    channel, colon, destination = value.partition(":")
    if colon and not destination:
        raise ValueError(f"{value!r} names no destination after the colon")
    if colon:
        _reference("channels", channel, info)
    elif (names := Names.of(info)) and value not in (known := names.people | names.channels | set(roles)):
        raise ValueError(
            f"{value!r} cannot be notified: write {', '.join(roles)}, a person, a channel or channel:destination"
            f"{meant(value, known)}"
        )
    return value


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """True where only this machine is reached."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listen(value: object) -> Listen:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):([0-9]{1,5})", value) if isinstance(value, str) else None
    if match is None or int(match[2]) > 65535:
        raise ValueError(f"{value!r} is no address to listen on: write host:port, such as 127.0.0.1:9842")
    return Listen(match[1].strip("[]"), int(match[2]))


def _header(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} is no header's name: write one such as X-Forwarded-User")
    if value.lower() in _OF_BROWSERS or value.lower().startswith(("sec-", "accept", "content-", "if-")):
        raise ValueError(f"{value} is sent by every browser: write a header that the proxy alone sets")
    return value


_OF_BROWSERS = frozenset(
    table("""
    authorization, connection, cookie, date, expect, forwarded, from, host, origin, pragma, proxy-authorization, range,
    referer, te, trailer, transfer-encoding, upgrade, user-agent, via, x-forwarded-for, x-forwarded-host,
    x-forwarded-proto, x-real-ip, cache-control, keep-alive, upgrade-insecure-requests, dnt, priority
""")
)
"""Headers that say something else than who is signed in, and that clients send themselves."""
_NARROWEST = {4: 8, 6: 32}
"""Bits of a public network, by the version of IP, below which it is no place of one proxy."""


def proxy_peers(peers: tuple[Network, ...]) -> tuple[Network, ...]:
    """The networks from which a proxy is believed. Raises ValueError where together they cover much of the internet."""
    for version, least in _NARROWEST.items():
        together = ipaddress.collapse_addresses(one for one in peers if one.version == version)  # type: ignore[type-var]
        for network in together:
            if network.prefixlen < least and not (network.is_private and network.prefixlen):
                raise ValueError(
                    f"covers {network}: half the world could name itself as anybody; write the proxy's own address"
                )
    return peers


def _network(value: object) -> Network:
    try:
        network = ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{value!r} is no address or network: write one such as 127.0.0.1 or 10.1.2.0/24") from None
    if not network.prefixlen:
        raise ValueError(f"{value!r} is the whole world, which could name itself as anybody: write the proxy's address")
    return network


def _web_address(value: str) -> str:
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("must bear no login: it begins every link that is sent")
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError(f"{value!r} is no web address: write one such as https://inboxwatch.acme.test")
    return value.rstrip("/")


def _issuer(value: str) -> str:
    match = re.fullmatch(r"(https?)://([^\s/?#@]+)(/[^\s?#]*)?", value)
    if match is None:
        raise ValueError(f"{value!r} is no issuer: write what your provider calls so, such as https://login.acme.test/")
    if match[1] == "http" and not is_loopback(urlsplit(value).hostname or ""):
        raise ValueError("must begin with https://: whoever is on the way could sign in as anybody")
    return value


def _rule_file(value: object, info: ValidationInfo) -> Any:
    return value if isinstance(value, RuleFile) else document(inside(value, info))


Name = Annotated[str, Field(min_length=1)]
Email = Annotated[str, AfterValidator(_email), Field(json_schema_extra={"format": "email"})]
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[ZoneInfo, PlainValidator(_zone, json_schema_input_type=str)]
Day = Annotated[date, PlainValidator(_day, json_schema_input_type=date)]
Hours = Annotated[Span, PlainValidator(Span.parse, json_schema_input_type=str)]
Weekdays = Annotated[str, AfterValidator(_weekdays)]
Time = Annotated[Duration, PlainValidator(Duration.parse, json_schema_input_type=str)]
"""Wall or business time."""
PositiveTime = Annotated[Time, AfterValidator(_positive)]

WallTime = Annotated[timedelta, PlainValidator(_wall, json_schema_input_type=str)]
PositiveWallTime = Annotated[WallTime, AfterValidator(_positive)]
TimeOfDay = Annotated[int, PlainValidator(_time_of_day, json_schema_input_type=str)]
"""Minutes after midnight."""
MailTemplate = Annotated[str, PlainValidator(checked_template, json_schema_input_type=str)]
Share = Annotated[float, PlainValidator(_share, json_schema_input_type=str)]
"""Of a whole, 0..1; written in per cent."""
At = Annotated[StepTime, PlainValidator(StepTime.parse, json_schema_input_type=str)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Address = Annotated[Listen, PlainValidator(_listen, json_schema_input_type=str)]
Issuer = Annotated[str, AfterValidator(_issuer)]
"""Compared letter by letter, a slash at its end included."""
HeaderName = Annotated[str, AfterValidator(_header)]
Peers = Annotated[Network, PlainValidator(_network, json_schema_input_type=str)]
"""An address or a network."""
OwnRules = Annotated[RuleFile, BeforeValidator(_rule_file), WithJsonSchema({"type": "string", "format": "path"})]
"""Given as the path of a rule file, and read with the config: each problem has its path within the file."""

CertificateFile = Annotated[Chain, PlainValidator(Chain.read, json_schema_input_type=ConfigPath)]
"""Given as a path, and read with the config."""

Values = Annotated[frozenset[str], PlainValidator(_values, json_schema_input_type=str | int | list[str | int])]
"""A value or a list of values, compared in lower case."""
Mailboxes = Annotated[Values, AfterValidator(partial(_among, "mailboxes"))]
Teams = Annotated[Values, AfterValidator(partial(_among, "teams"))]

PersonRef = Annotated[str, AfterValidator(_person)]
TeamRef = Annotated[str, AfterValidator(partial(_reference, "teams"))]
CalendarRef = Annotated[str, AfterValidator(partial(_reference, "calendars"))]
ChannelRef = Annotated[str, AfterValidator(partial(_reference, "channels"))]
EscalationRef = Annotated[str, AfterValidator(partial(_reference, "escalation_policies"))]
Assignee = Annotated[str, AfterValidator(partial(_person_or, (LEAD_OWNER, MAILBOX_OWNER)))]
Reassignee = Annotated[str, AfterValidator(partial(_person_or, tuple(Reassign)))]
Target = Annotated[str, AfterValidator(partial(_target, ROLES))]
AlertTarget = Annotated[str, AfterValidator(partial(_target, ("fallback",)))]
"""Alerts about mailboxes belong to no wait: there is no owner to tell."""

_AREA = re.compile(r"default|(connectors|commands|daemon|engine|notify|web)(\.[a-z_]+)*")


def _area(text: str) -> str:
    if _AREA.fullmatch(text) is None:
        rooms = "connectors, commands, daemon, engine, notify, web"
        raise ValueError(
            f"{text!r} is no area: write `default`, or one of {rooms} and what is below, `connectors.mail`"
        )
    return text


LogLevel = Literal["debug", "info", "warning", "error"]
Language = Annotated[str, AfterValidator(_language), WithJsonSchema({"enum": list(LANGUAGES)})]
"""A language in which inboxwatch speaks."""
LogArea = Annotated[str, AfterValidator(_area)]
"""A room of the program, or `default`."""
