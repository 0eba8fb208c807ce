"""Why a wait was given to whom it was given: values; how they read is said by whoever records the assignment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto

from inboxwatch.core.model import PersonId


@dataclass(frozen=True, slots=True)
class OnLeave:
    """A person's leave by calendar, first and last day included."""

    person: PersonId
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SeenAway:
    """A person's own mailbox answered with a vacation reply at `since` (UTC)."""

    person: PersonId
    since: datetime


@dataclass(frozen=True, slots=True)
class OutOfHours:
    """A person's calendar opens too late for a wait: at `until`, in the zone of that calendar."""

    person: PersonId
    until: datetime


@dataclass(frozen=True, slots=True)
class HadBefore:
    """A person from whom the wait is taken."""

    person: PersonId


@dataclass(frozen=True, slots=True)
class Departed:
    """An owner whom the config names no more: their waits are routed anew, whoever gave them."""

    person: PersonId


@dataclass(frozen=True, slots=True)
class OwnsLead:
    """A person whom the lead's source names as its owner since the wait was given to another."""

    person: PersonId


@dataclass(frozen=True, slots=True)
class StepReached:
    """A step of an escalation policy that reassigns."""

    step: int
    policy: str


class Routed(Enum):
    """What there is to say where nobody was passed over."""

    FIRST_MATCH = auto()
    NO_RULE = auto()
    """No rule names a person."""


Absence = OnLeave | SeenAway
"""Why a person cannot act for days."""
PassedOver = Absence | OutOfHours | HadBefore
"""Why routing does not choose a person."""
AssignmentReason = PassedOver | Departed | OwnsLead | StepReached | Routed
