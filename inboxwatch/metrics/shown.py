"""Whose figures the metrics show: people's, or teams' only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from inboxwatch.core.model import ShownFigures
from inboxwatch.core.ownership.people import Person, Team, teams_of_people
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.sla.policy import EscalationPolicy
from inboxwatch.core.statistics.figures import Figures, Holding
from inboxwatch.core.statistics.teams import TeamLabels, in_teams


class MetricsMailbox(Protocol):
    """What metrics need of a configured mailbox."""

    @property
    def connector(self) -> str: ...
    @property
    def owner(self) -> str | None: ...


class MetricsConfig(Protocol):
    """The parts of the config from which series exist before anything has happened."""

    @property
    def mailboxes(self) -> Mapping[Any, MetricsMailbox]: ...
    @property
    def people(self) -> Mapping[Any, Person]: ...
    @property
    def teams(self) -> Mapping[str, Team]: ...
    @property
    def fallback(self) -> str: ...
    @property
    def escalations(self) -> Mapping[str, EscalationPolicy]: ...
    @property
    def channels(self) -> Mapping[str, object]: ...
    @property
    def figures(self) -> ShownFigures: ...
    @property
    def qualification(self) -> Qualification | None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A config as the metrics show it; its names are label values."""

    mailboxes: Mapping[str, str]
    """By which the health of a mailbox is told -> its connector."""
    works: tuple[str, ...]
    """By which mail is counted."""
    holdings: tuple[Holding, ...]
    """Whose waits may be in which mailbox before any is."""
    owners: tuple[tuple[str, str, str], ...]
    """(owner, team, manager): one series each, so that joins on `owner` are never ambiguous."""
    reps: frozenset[str]
    """Those who can own a wait whatever its lead."""
    labels: TeamLabels | None = None
    """Where only teams are shown."""

    @classmethod
    def of(cls, config: MetricsConfig) -> Shown:
        boxes = config.mailboxes
        reps = {box.owner for box in boxes.values() if box.owner} | {config.fallback}
        reps |= {member for team in config.teams.values() for member in team.members}
        if config.figures is ShownFigures.PEOPLE:
            teams = teams_of_people(config.teams.values())
            return cls(
                {name: box.connector for name, box in boxes.items()},
                tuple(boxes),
                tuple(Holding(name, box.owner or "", "") for name, box in boxes.items()),
                tuple((id_, teams.get(id_, ""), one.manager or "") for id_, one in config.people.items()),
                frozenset(reps),
            )
        labels = team_labels(config)
        people = dict.fromkeys(labels.person(one) for one in config.people)
        works = {name: labels.work(name) for name in boxes}
        return cls(
            {labels.mailbox(name): box.connector for name, box in boxes.items()},
            tuple(dict.fromkeys(works.values())),
            tuple({Holding(works[name], labels.person(box.owner or ""), ""): 0 for name, box in boxes.items()}),
            tuple((team, team, "") for team in people),
            frozenset(map(labels.person, reps)),
            labels,
        )

    def figures(self, figures: Figures) -> Figures:
        return figures if self.labels is None else in_teams(figures, self.labels)

    def mailbox(self, name: str) -> str:
        """By which the health of a mailbox is told."""
        return name if self.labels is None else self.labels.mailbox(name)

    def told(self, values: Mapping[str, float], names: Iterable[str]) -> dict[tuple[str, ...], float]:
        """Values of mailboxes by what is told of them."""
        return {(self.mailbox(name),): values[name] for name in names if name in values}


class TeamsConfig(Protocol):
    """The parts of the config from which it follows which team stands for whom."""

    @property
    def mailboxes(self) -> Mapping[Any, MetricsMailbox]: ...
    @property
    def teams(self) -> Mapping[str, Team]: ...


def team_labels(config: TeamsConfig) -> TeamLabels:
    """What stands for people and mailboxes; who leads a team counts to it."""
    teams = teams_of_people(config.teams.values())
    return TeamLabels(teams, {name: box.owner for name, box in config.mailboxes.items()})
