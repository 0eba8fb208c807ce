"""SLA and escalation policies: durations with units, steps relative to the due time, selection by first match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.hours import BusinessCalendar

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(b?)([smhd])")
_LONGEST = timedelta(days=3660)
"""Beyond ten years a duration is a slip of the pen."""
_LARGEST_SHARE = 100.0
_STEP = re.compile(r"(?P<percent>[0-9]+(?:\.[0-9]+)?)\s*%\s*(?:(?P<sign>[+-])\s*(?P<offset>\S+))?")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time with its unit: wall time, or business time in the SLA policy's calendar."""

    length: timedelta
    business: bool = False

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Reads `30s 10m 4h 2d` (wall) and `30bm 4bh` (business). Raises ValueError with what to write instead."""
        match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None or (match[2] and match[3] == "d"):
            raise ValueError(f"{text!r} is no duration: write 30s, 10m, 4h or 2d, or business time as 30bm or 4bh")
        seconds = float(match[1]) * _UNITS[match[3]]
        if seconds > _LONGEST.total_seconds():
            raise ValueError(f"{text!r} is longer than ten years")
        return cls(timedelta(seconds=seconds), bool(match[2]))

    def after(self, start: datetime, calendar: BusinessCalendar) -> datetime:
        """The instant this long after `start`."""
        return calendar.add(start, self.length) if self.business else start + self.length

    def before(self, end: datetime, calendar: BusinessCalendar) -> datetime:
        """The instant this long before `end`."""
        return calendar.subtract(end, self.length) if self.business else end - self.length

    def __str__(self) -> str:
        seconds = self.length.total_seconds()
        units = "hms" if self.business else "dhms"  # `2bd` does not exist: business days differ in length
        unit = next((unit for unit in units if seconds % _UNITS[unit] == 0), "s")
        number = f"{seconds / _UNITS[unit]:.6f}".rstrip("0").rstrip(".")
        return f"{number}{'b' if self.business else ''}{unit}"


@dataclass(frozen=True, slots=True)
class StepTime:
    """When a step is due, relative to the due time: a share of the target, plus or minus a duration."""

    share: float
    """1.0 is the due time."""
    offset: Duration | None = None
    sign: int = 1

    @classmethod
    def parse(cls, text: object) -> StepTime:
        """Reads `50%`, `100% + 30bm`, `100% - 10m`. Raises ValueError with what to write instead."""
        match = _STEP.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is no step time: write a share of the target, such as 50%, 100% or 100% + 30bm")
        offset = Duration.parse(match["offset"]) if match["offset"] else None
        share = float(match["percent"]) / 100
        if share > _LARGEST_SHARE:
            raise ValueError(f"{text!r} is more than a hundred times the target")
        return cls(share, offset, -1 if match["sign"] == "-" else 1)

    def at(self, start: datetime, target: Duration, calendar: BusinessCalendar) -> datetime:
        """The instant of this step for a wait that began at `start` under `target`; never before `start`."""
        base = Duration(target.length * self.share, target.business).after(start, calendar)
        if self.offset is None:
            return base
        if self.sign > 0:
            return self.offset.after(base, calendar)
        return max(start, self.offset.before(base, calendar))

    def __str__(self) -> str:
        offset = f" {'+' if self.sign > 0 else '-'} {self.offset}" if self.offset else ""
        return f"{self.share * 100:g}%{offset}"


class Reassign(StrEnum):
    """What a step does to the ownership beside naming a person."""

    FALLBACK = "fallback"
    TEAM_LEAD = "team_lead"
    NEXT = "next"
    """Routing again, without the present owner."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an escalation ladder."""

    at: StepTime
    notify: tuple[str, ...]
    """Targets as written: `owner`, `manager`, `fallback`, `team_lead`, a person, a channel, `channel:destination`."""
    reassign: Reassign | PersonId | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Repeats of the last step, counted from that step's due time."""

    every: Duration
    times: int


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    name: str
    steps: tuple[Step, ...]
    repeat: Repeat | None = None
    acknowledge_for: Duration = field(default=Duration(timedelta(minutes=30)))
    in_hours_only: bool = True
    """Steps wait for the hours of the SLA policy's calendar."""
    blind_grace: Duration = field(default=Duration(timedelta(minutes=15)))
    """How long a step waits for a mailbox that cannot be read."""


class Metric(StrEnum):
    """What a clock measures."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    FOLLOW_UP = "follow_up"
    VERDICT = "verdict"
    """From an inquiry that is unknown to a person's word on it."""

    @property
    def is_reply(self) -> bool:
        """Whether it measures how long a buyer waits for a reply."""
        return self in (Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE)


def place_in_lists(metric: Metric) -> tuple[bool, bool]:
    """Sorts clocks of several metrics: what is to be judged, then replies, then follow-ups."""
    return metric is Metric.FOLLOW_UP, metric is not Metric.VERDICT


@dataclass(frozen=True, slots=True)
class SLAPolicy:
    """Targets for the waits it is chosen for. `version` is a digest of all that decides its instants."""

    name: str
    calendar: BusinessCalendar
    first_response: Duration
    next_response: Duration
    escalation: EscalationPolicy
    follow_up: Duration | None = None
    verdict: Duration | None = None
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """tier, mailbox, team, domain, country, language, source, class: any of the values, lower case."""
    version: str = ""
    document: str = ""
    """The definition as JSON, kept by the store so that running clocks stay under the version they began with."""

    def target(self, metric: Metric) -> Duration | None:
        return {
            Metric.FIRST_RESPONSE: self.first_response,
            Metric.NEXT_RESPONSE: self.next_response,
            Metric.FOLLOW_UP: self.follow_up,
            Metric.VERDICT: self.verdict,
        }[metric]

    def covers(self, facts: Mapping[str, str]) -> bool:
        return matches(self.when, facts)


def matches(when: Mapping[str, frozenset[str]], facts: Mapping[str, str]) -> bool:
    """True where each key of `when` holds one of its values in `facts`."""
    return all(facts.get(key, "").lower() in values for key, values in when.items())


def choose(policies: Iterable[SLAPolicy], facts: Mapping[str, str]) -> SLAPolicy | None:
    """The first policy that covers the facts of a wait; None where no policy does."""
    return next((policy for policy in policies if policy.covers(facts)), None)
