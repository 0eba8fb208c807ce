"""What a reader chooses waits by, as the store is asked: a team stands for the people whose waits are the team's,
`class` for the class of an inquiry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

from inboxwatch.core.ownership.people import teams_of_people

if TYPE_CHECKING:
    from datetime import datetime

    from inboxwatch.config import Config
    from inboxwatch.store import Transaction
    from inboxwatch.store.board_queries import FilteredCounts
    from inboxwatch.store.clocks import Where


def by_people(config: Config, where: Mapping[str, str]) -> Where:
    """The same filters, with the people of a `team` as `owner`s; with an `owner` too, who is both."""
    asked: dict[str, str | Sequence[str]] = {name: value for name, value in where.items() if name != "team"}
    if team := where.get("team"):
        people = [person for person, theirs in teams_of_people(config.teams.values()).items() if theirs == team]
        asked["owner"] = [person for person in people if where.get("owner", person) == person]
    if "class" in asked:
        asked["inquiry_class"] = asked.pop("class")
    return asked


def teams_of(config: Config, people: Sequence[str]) -> list[str]:
    """The teams of some people, sorted."""
    teams = teams_of_people(config.teams.values())
    return sorted({teams[person] for person in people if person in teams})


def filtered_today(tx: Transaction, config: Config, asked: Where, now: datetime) -> FilteredCounts:
    """What was filtered since midnight, as the calendar of the last policy has it."""
    today = now.astimezone(config.policies[-1].calendar.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return tx.board.filtered_since(asked, today.astimezone(UTC))
