"""A part of a report, as a list of its waits: whose they were and how they came out, by the report's own reading."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from inboxwatch.core.ownership.people import teams_of_people
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.report.cases import NEVER, STILL_OPEN, Outcome, ReportedWait, begun
from inboxwatch.engine.report.period import Period
from inboxwatch.store import Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

OUTCOMES = MappingProxyType(
    {
        "on-time": frozenset({Outcome.IN_TIME}),
        "late": frozenset({Outcome.LATE}),
        "never": NEVER,
        "open": STILL_OPEN,
    }
)
"""How a wait came out, as addresses name it."""


@dataclass(frozen=True, slots=True)
class ReportPart:
    """Which waits that began in a period are meant; what is empty chooses nothing."""

    owner: str = ""
    """Whose they were, without those whose owner was away."""
    team: str = ""
    tier: str = ""
    away: bool = False
    """Those whose owner was away: they are nobody's figure."""
    outcome: str = ""
    """One of `OUTCOMES`."""

    def query(self, period: Period) -> dict[str, str]:
        """As an address of the board has it; `of` is the reverse."""
        told = {"owner": self.owner, "team": self.team, "tier": self.tier, "outcome": self.outcome}
        told |= {"away": "yes" if self.away else ""}
        begins = {"since": rfc3339(period.start), "until": rfc3339(period.end)}
        return {name: value for name, value in (begins | told).items() if value}


def waits_of(tx: Transaction, config: Config, period: Period, part: ReportPart) -> list[ReportedWait]:
    """The waits of a part, the earliest first, each as it stood at the end of the period."""
    teams = teams_of_people(config.teams.values())

    def meant(case: ReportedWait) -> bool:
        theirs = not part.owner or (case.owner == part.owner and not case.away)
        of_team = not part.team or teams.get(case.owner) == part.team
        of_tier = not part.tier or case.tier == part.tier
        came_out = not part.outcome or case.outcome in OUTCOMES[part.outcome]
        return theirs and of_team and of_tier and came_out and (case.away or not part.away)

    return [case for case in begun(tx, config, period) if meant(case)]
