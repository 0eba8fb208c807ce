"""The score of a lead: named criteria whose points add up, and the tier that they reach (rule 52)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from inboxwatch.core.model import Lead
from inboxwatch.core.qualification.inquiry import Expressions


class ScoreLine(NamedTuple):
    """What a criterion adds."""

    points: float
    name: str
    because: str
    """The value that it looked at, such as `employees 250`; empty: own words."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a column of the lead, or a count of the wait, must be: one of `values`, within bounds, or have words."""

    values: frozenset[str] = frozenset()
    """Case folded."""
    at_least: float | None = None
    at_most: float | None = None
    words: re.Pattern[str] | None = None

    def holds(self, value: str) -> bool:
        """Whether a value fits; what is no number fits no number."""
        if self.values and value.casefold() not in self.values:
            return False
        if self.words is not None and not self.words.search(value.casefold()):
            return False
        if self.at_least is None and self.at_most is None:
            return True
        number = number_of(value)
        if number is None:
            return False
        return (self.at_least is None or number >= self.at_least) and (self.at_most is None or number <= self.at_most)


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """Points for what fits, or a number of the lead's data times a factor (`take`)."""

    name: str
    points: float = 0
    where: Mapping[str, Criterion] | None = None
    words: Expressions | None = None
    take: str = ""
    times: float = 1
    at_most: float | None = None
    """The most that `take` adds."""

    def line(self, facts: Mapping[str, str], said: Collection[str]) -> ScoreLine | None:
        """What it adds, or None; `said` are the names of the rules whose words the buyer wrote."""
        if self.take:
            number = number_of(facts.get(self.take, ""))
            if number is None:
                return None
            points = number * self.times
            points = points if self.at_most is None else min(points, self.at_most)
            return ScoreLine(points, self.name, f"{self.take} {facts[self.take]}")
        where = self.where or {}
        if not all(facts.get(key, "") and one.holds(facts[key]) for key, one in where.items()):
            return None
        if self.words is not None and self.name not in said:
            return None
        return ScoreLine(self.points, self.name, ", ".join(f"{key} {facts[key]}" for key in where))


def number_of(text: str) -> float | None:
    """A number as lists have them (`250`, `1,200`, `0.5`), or None."""
    try:
        number = float(text.strip().replace(",", ""))
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def lead_facts(lead: Lead | None, address: str, is_free_mail: Callable[[str], bool]) -> dict[str, str]:
    """What criteria may look at of a lead: columns by name, `free_mail`, `source`."""
    facts: dict[str, str] = {}
    if lead is not None:
        facts |= dict(lead.attributes)
        known = ("name", "company", "domain", "tier", "status", "source", "country", "language")
        facts |= {key: str(getattr(lead, key)) for key in known}
    return facts | {"free_mail": "yes" if is_free_mail(address) else "no"}


def score(rules: Iterable[ScoreRule], facts: Mapping[str, str], said: Collection[str]) -> tuple[ScoreLine, ...]:
    """All that add points, the most first."""
    lines = [line for rule in rules if (line := rule.line(facts, said)) is not None]
    return tuple(sorted(lines, key=lambda one: -one.points))


def tier_of(points: float, tiers: Mapping[str, float]) -> str:
    """The tier with the highest threshold that the points reach; empty: none."""
    reached = [(threshold, name) for name, threshold in tiers.items() if points >= threshold]
    return max(reached)[1] if reached else ""
