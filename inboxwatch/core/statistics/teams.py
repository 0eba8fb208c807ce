"""Figures by team: whose they are is told by the team, of nobody by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from inboxwatch.core.statistics.figures import Figures, Holding, Latency, Reply, Tally

NO_TEAM = "no team"
FORMER = "former mailboxes"
"""Those that the config names no more: whose they were is not known, and their names may be people's."""


class TeamLabels:
    """What stands for people and for their own mailboxes."""

    def __init__(self, teams: Mapping[str, str], owners: Mapping[str, str | None]) -> None:
        """`teams`: the one of each person. `owners`: of each mailbox, if any."""
        self._team_of = teams
        self._owners = owners
        self._numbers: dict[str, int] = {}
        counts: dict[str, int] = {}
        for mailbox, owner in owners.items():
            if owner:
                team = self.person(owner)
                self._numbers[mailbox] = counts[team] = counts.get(team, 0) + 1

    def person(self, person: str) -> str:
        """The team of a person; nobody stays nobody."""
        return self._team_of.get(person, NO_TEAM) if person else ""

    def work(self, mailbox: str) -> str:
        """Under which mail and waits of a mailbox are counted: all personal ones of a team together."""
        if mailbox not in self._owners:
            return FORMER
        owner = self._owners[mailbox]
        return f"members of {self.person(owner)}" if owner else mailbox

    def mailbox(self, mailbox: str) -> str:
        """By which the health of a mailbox is told: a personal one by its number within the team."""
        if mailbox not in self._owners:
            return FORMER
        owner = self._owners[mailbox]
        return f"member {self._numbers[mailbox]} of {self.person(owner)}" if owner else mailbox


def in_teams(figures: Figures, labels: TeamLabels) -> Figures:
    """The same figures, with each person's added to those of the team."""

    def pair(key: Any) -> tuple[str, str]:
        owner, tier = key
        return labels.person(owner), tier

    def holding(one: Holding) -> Holding:
        return Holding(labels.work(one.mailbox), labels.person(one.owner), one.tier)

    oldest: dict[Holding, Any] = {}
    for one, at in figures.oldest.items():
        key = holding(one)
        oldest[key] = min(at, oldest.get(key, at))
    return replace(
        figures,
        messages=_summed(figures.messages, lambda key: (labels.work(key[0]), *key[1:])),
        open=_summed(figures.open, lambda key: (holding(key[0]), key[1])),
        oldest=oldest,
        held_once={holding(one) for one in figures.held_once},
        follow_ups=_summed(figures.follow_ups, pair),
        gone_quiet=_summed(figures.gone_quiet, pair),
        latency=_tallied(figures.latency, lambda key: Latency(labels.person(key.owner), *key[1:])),
        replies=_summed(figures.replies, lambda key: Reply(labels.person(key.owner), *key[1:])),
        breaches=_summed(figures.breaches, lambda key: (labels.person(key[0]), *key[1:])),
        ownership=_tallied(figures.ownership, pair),
        first_contact_failures=_summed(figures.first_contact_failures, pair),
        inquiries=_summed(figures.inquiries, lambda key: (labels.work(key[0]), *key[1:])),
        verdicts=_summed(figures.verdicts, lambda key: (labels.person(key[0]), *key[1:])),
        verdict_open=_summed(figures.verdict_open, lambda key: (labels.person(key[0]), key[1])),
        verdict_latency=_tallied(figures.verdict_latency, lambda key: (labels.person(key[0]), key[1])),
        verdict_breaches=_summed(figures.verdict_breaches, labels.person),
        mailboxes={labels.mailbox(name): health for name, health in figures.mailboxes.items()},
        backfills={labels.mailbox(name): read for name, read in figures.backfills.items()},
        lead_owners={pair(one) for one in figures.lead_owners},
    )


def _summed(counts: Mapping[Any, int], label: Callable[[Any], Any]) -> dict[Any, int]:
    sums: dict[Any, int] = {}
    for key, count in counts.items():
        sums[label(key)] = sums.get(label(key), 0) + count
    return sums


def _tallied(tallies: Mapping[Any, Tally], label: Callable[[Any], Any]) -> dict[Any, Tally]:
    sums: dict[Any, Tally] = {}
    for key, tally in tallies.items():
        whole = sums.setdefault(label(key), Tally())
        for bucket, count in enumerate(tally.counts):
            whole.add(bucket, count, 0.0)
        whole.total += tally.total
    return sums
