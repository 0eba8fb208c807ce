"""Routing: ordered rules, the people they name, whom to pass over, and the reason of every assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.people import Person, Team
from inboxwatch.core.ownership.reasons import (
    Absence,
    AssignmentReason,
    HadBefore,
    OnLeave,
    OutOfHours,
    PassedOver,
    Routed,
    SeenAway,
)
from inboxwatch.core.sla.policy import matches

OUT_OF_HOURS_LIMIT = timedelta(hours=1)
"""A person whose own hours open neither before the answer is due nor within this time is passed over (rule 24)."""


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


def people_named(target: Target, teams: Mapping[str, Team]) -> frozenset[PersonId]:
    """Whom a target names, whatever the wait; nobody where it goes by the lead or the mailbox."""
    match target:
        case ToPerson(person):
            return frozenset({person})
        case ToTeam(team):
            return frozenset(teams[team].members)
        case _:
            return frozenset()


@dataclass(frozen=True, slots=True)
class RoutingRule:
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
    team: str | None = None
    """The mailbox's team."""


@dataclass(frozen=True, slots=True)
class Window:
    """When work on a wait can begin (the next opening of the SLA policy's calendar) and when it is due, both UTC."""

    opens_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who owns a wait from an instant on, by which rule, and why."""

    owner: PersonId
    rule: str
    reasons: tuple[AssignmentReason, ...] = ()
    """In their order, each once though several rules name the same person; empty where the rule says all."""
    team: str = ""
    """The team among whose members the rule chose."""
    nobody_left: bool = False
    """True where everybody whom the rules name is absent, so that the fallback must be notified at once."""


def by_rule(number: int, target: Target) -> str:
    """`Assignment.rule` of what a rule gave: it is recorded with the assignment, for people and for `gave_as`."""
    return f"rule {number}: {target}"


def gave_as(rule: str, target: Target) -> bool:
    """Whether a recorded `Assignment.rule` is of a rule, whatever its number then, that assigned to a target."""
    return rule.startswith("rule ") and rule.partition(": ")[2] == str(target)


@dataclass(frozen=True, slots=True)
class Roster:
    """The people as they are at an instant: who is away and why, and how loaded each is."""

    people: Mapping[PersonId, Person]
    teams: Mapping[str, Team]
    rules: tuple[RoutingRule, ...]
    fallback: PersonId
    seen_away: Callable[[PersonId, datetime], SeenAway | None] = lambda person, now: None
    """Absence seen in mail at an instant (UTC), or None."""
    load: Callable[[PersonId], int] = lambda person: 0
    """Open waits that a person owns now."""
    assignments: Callable[[str], int] = lambda team: 0
    """Waits that a team was given so far, for round robin."""

    def absence(self, person: PersonId, at: datetime) -> Absence | None:
        """Why a person cannot act for days: leave, or absence seen in mail; None where present."""
        if days := self.people[person].leave_at(at):
            return OnLeave(person, *days)
        return self.seen_away(person, at)

    def next_leave(self, person: PersonId, after: datetime) -> datetime | None:
        """When the person's next leave begins (UTC), or None."""
        someone = self.people[person]
        starts = (datetime.combine(first, time(), someone.zone).astimezone(UTC) for first, _ in someone.leave)
        return min((start for start in starts if start > after), default=None)

    def passed_over(self, person: PersonId, window: Window) -> PassedOver | None:
        """Why routing does not choose a person for a wait, or None where it may."""
        if why := self.absence(person, window.opens_at):
            return why
        calendar = self.people[person].calendar
        if calendar is not None:
            opening = calendar.next_open(window.opens_at)
            if opening > max(window.due_at, window.opens_at + OUT_OF_HOURS_LIMIT):
                return OutOfHours(person, opening.astimezone(calendar.zone))
        return None

    def assign(self, case: Case, window: Window, without: frozenset[PersonId] = frozenset()) -> Assignment:
        """Who owns this wait: the first rule that matches and yields a person who is present; then the fallback."""
        passed: list[AssignmentReason] = []
        for number, rule in enumerate(self.rules, 1):
            if not matches(rule.when, case.facts):
                continue
            for person in self._candidates(rule.assign, case):
                if person in without:
                    passed.append(HadBefore(person))
                elif why := self.passed_over(person, window):
                    passed.append(why)
                else:
                    team = rule.assign.team if isinstance(rule.assign, ToTeam) else ""
                    reasons = tuple(dict.fromkeys(passed)) or (Routed.FIRST_MATCH,)
                    return Assignment(person, by_rule(number, rule.assign), reasons, team)
        reasons = tuple(dict.fromkeys(passed)) or (Routed.NO_RULE,)
        return Assignment(self.fallback, "fallback", reasons, nobody_left=bool(passed))

    def _candidates(self, target: Target, case: Case) -> list[PersonId]:
        match target:
            case ToLeadOwner():
                named = case.lead_owner
            case ToMailboxOwner():
                named = case.mailbox_owner
            case ToPerson(person):
                named = person
            case ToTeam(team, skills, by):
                return self._members(self.teams[team], skills, by, case.facts)
        return [named] if named is not None and named in self.people else []

    def _members(self, team: Team, skills: frozenset[str], by: str, facts: Mapping[str, str]) -> list[PersonId]:
        language = facts.get("language", "")
        able = [person for person in team.members if skills <= self.people[person].skills]
        speaking = [person for person in able if not language or language in self.people[person].languages]
        able = speaking or able
        if by == "load":
            return sorted(able, key=lambda person: (self.load(person), team.members.index(person)))
        first = self.assignments(team.id) % len(able) if able else 0
        return able[first:] + able[:first]
