"""The people and teams that can own a wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.hours import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Person:
    """One named person of ours."""

    id: PersonId
    name: str
    email: str
    aliases: tuple[str, ...] = ()
    calendar: BusinessCalendar | None = None
    """Whom to pass over and when; None means always at work."""
    manager: PersonId | None = None
    leave: tuple[tuple[date, date], ...] = ()
    """First and last day of each absence, in their zone."""
    skills: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()
    """Codes, the one preferred first; lower case."""
    slack_id: str = ""
    notify_by: tuple[str, ...] = ()
    """Channels in order; empty means the config's `notify_by`."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which their days are reckoned; UTC without a calendar."""
        return self.calendar.zone if self.calendar is not None else ZoneInfo("UTC")

    def leave_at(self, now: datetime) -> tuple[date, date] | None:
        """The leave entry that covers an instant (UTC), or None."""
        today = now.astimezone(self.zone).date()
        return next((span for span in self.leave if span[0] <= today <= span[1]), None)


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    members: tuple[PersonId, ...]
    lead: PersonId | None = None


def teams_of_people(teams: Iterable[Team]) -> dict[str, str]:
    """The one team of each person: the first that has them as a member or its lead; of nobody else."""
    found: dict[str, str] = {}
    for team in teams:
        for person in (*team.members, *((team.lead,) if team.lead else ())):
            found.setdefault(person, team.id)
    return found
