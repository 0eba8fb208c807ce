"""What each person has in hand, and how many waits each team was given: counted when a routing rule asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from inboxwatch.core.ownership.people import Team
from inboxwatch.core.ownership.routing import RoutingRule, ToTeam
from inboxwatch.core.sla.timeline import Action

if TYPE_CHECKING:
    from inboxwatch.store import Transaction


class Workload:
    """The counts inside one transaction, which what it assigns itself adds to."""

    def __init__(self, tx: Transaction, rules: Iterable[RoutingRule], teams: Mapping[str, Team]) -> None:
        self._tx = tx
        assigned = [rule.assign for rule in rules if isinstance(rule.assign, ToTeam)]
        self._by_turn = {one.team for one in assigned if one.by == "round_robin"}
        self._by_load = {person for one in assigned if one.by == "load" for person in teams[one.team].members}
        self._waits: dict[str, int] = {}
        self._assignments: dict[str, int] = {}

    def waits(self, person: str) -> int:
        """Open waits that a person owns."""
        if person not in self._waits:
            self._waits[person] = self._tx.clocks.load(person)
        return self._waits[person]

    def assignments(self, team: str) -> int:
        """Waits that routing gave to a team."""
        if team not in self._assignments:
            self._assignments[team] = self._tx.clocks.assigned_to(team)
        return self._assignments[team]

    def add(self, action: Action) -> None:
        """Counts an assignment that is not in the store yet."""
        if action.owner in self._by_load:
            self._waits[action.owner] = self.waits(action.owner) + 1
        if action.team in self._by_turn:
            self._assignments[action.team] = self.assignments(action.team) + 1
