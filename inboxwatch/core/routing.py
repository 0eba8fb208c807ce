"""Routing: ordered rules, the people they name, whom to pass over, and the reason of every assignment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inboxwatch.core.model import PersonId
from inboxwatch.core.people import Person, Team
from inboxwatch.core.policy import matches

OUT_OF_HOURS_LIMIT = timedelta(hours=16)
"""A person whose own hours do not open within this time is passed over (rule 24)."""


@dataclass(frozen=True, slots=True)
class ToLeadOwner:
    def __str__(self) -> str:
        return "lead.owner"


@dataclass(frozen=True, slots=True)
class ToMailboxOwner:
    def __str__(self) -> str:
        return "mailbox.owner"


@dataclass(frozen=True, slots=True)
class ToPerson:
    person: PersonId

    def __str__(self) -> str:
        return self.person


@dataclass(frozen=True, slots=True)
class ToTeam:
    """A member with all the skills; among equals the one with the fewest open waits, or each in turn."""

    team: str
    skills: frozenset[str] = frozenset()
    by: str = "load"
    """load or round_robin."""

    def __str__(self) -> str:
        skilled = f" with {', '.join(sorted(self.skills))}" if self.skills else ""
        return f"team {self.team}{skilled} by {self.by}"


Target = ToLeadOwner | ToMailboxOwner | ToPerson | ToTeam


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` as in SLA policies: mailbox, tier, domain, country, language, source, team, class, skill; lower case."""

    assign: Target
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """What routing knows of a wait."""

    facts: Mapping[str, str]
    """The values that `when` looks at."""
    lead_owner: PersonId | None
    mailbox_owner: PersonId | None
    serial: int = 0
    """A number that differs from wait to wait, for round robin: how many waits this team was given before."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who owns a wait from an instant on, by which rule, and why."""

    owner: PersonId
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Roster:
    """The people as they are at an instant: who is away and why, and how loaded each is."""

    people: Mapping[PersonId, Person]
    teams: Mapping[str, Team]
    rules: tuple[Rule, ...]
    fallback: PersonId
    away: Callable[[PersonId, datetime], str | None] = lambda person, now: None
    """Absence seen in mail: the sentence that says so, or None."""
    load: Callable[[PersonId], int] = lambda person: 0
    """Open waits that a person owns now."""

    def absence(self, person: PersonId, now: datetime) -> str | None:
        """Why a person is to be passed over at an instant, or None where present."""
        someone = self.people[person]
        if span := someone.leave_at(now):
            return f"{person} is on leave from {span[0]} to {span[1]}"
        if someone.calendar is not None and someone.calendar.next_open(now) - now > OUT_OF_HOURS_LIMIT:
            opening = someone.calendar.next_open(now).astimezone(someone.calendar.zone)
            return f"{person} is out of hours until {opening:%a %d %b %H:%M}"
        return self.away(person, now)

    def assign(self, case: Case, now: datetime, without: frozenset[PersonId] = frozenset()) -> Assignment:
        """Who owns this wait: the first rule that matches and yields a person who is not away; then the fallback."""
        passed: list[str] = []
        for number, rule in enumerate(self.rules, 1):
            if not matches(rule.when, case.facts):
                continue
            for person in self._candidates(rule.assign, case):
                if person in without:
                    passed.append(f"{person} had it before")
                elif why := self.absence(person, now):
                    passed.append(why)
                else:
                    return Assignment(person, f"rule {number}: {rule.assign}", "; ".join(passed) or "first match")
        return Assignment(self.fallback, "fallback", "; ".join(passed) or "no rule names a person")

    def covers(self, facts: Mapping[str, str]) -> Iterator[Rule]:
        """The rules that match, in order."""
        return (rule for rule in self.rules if matches(rule.when, facts))

    def _candidates(self, target: Target, case: Case) -> list[PersonId]:
        match target:
            case ToLeadOwner():
                named = case.lead_owner
            case ToMailboxOwner():
                named = case.mailbox_owner
            case ToPerson(person):
                named = person
            case ToTeam(team, skills, by):
                return self._members(self.teams[team], skills, by, case)
        return [named] if named in self.people else []

    def _members(self, team: Team, skills: frozenset[str], by: str, case: Case) -> list[PersonId]:
        language = case.facts.get("language", "")
        able = [person for person in team.members if skills <= self.people[person].skills]
        speaking = [person for person in able if not language or language in self.people[person].languages]
        able = speaking or able
        if by == "load":
            return sorted(able, key=lambda person: (self.load(person), team.members.index(person)))
        turn = case.serial % len(able) if able else 0
        return able[turn:] + able[:turn]
