"""Stretches in which a ladder rests, those among them that a person took back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from inboxwatch.core.sla.timeline import Action, ActionKind, Fact

FILTERED = "filtered"
"""Why a ladder rested while a wait seemed to be owed by nobody."""
CLOSINGS = frozenset({ActionKind.DISMISSED, ActionKind.GONE_QUIET})
"""What a person may take back."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch of time in which a ladder rests, and why."""

    start: datetime
    end: datetime
    why: str
    """acknowledged, snoozed, bounced; dismissed, gone_quiet or filtered where that was taken back."""
    by: str = ""


def taken_back(facts: Iterable[Fact]) -> dict[Action, datetime]:
    """Of each closing that was taken back: when. It is the latest of the wait before that."""
    found: dict[Action, datetime] = {}
    standing: list[Action] = []
    for fact in facts:
        if isinstance(fact, Action) and fact.kind in CLOSINGS:
            standing.append(fact)
        elif isinstance(fact, Action) and fact.kind is ActionKind.REOPENED:
            ids = {fact.clock, *fact.seen}
            meant = next((one for one in reversed(standing) if ids & {one.clock, *one.seen}), None)
            if meant is not None:
                standing.remove(meant)
                found[meant] = fact.at
    return found


def reopened(holds: Iterable[Hold]) -> str | None:
    whys = {hold.why for hold in holds}
    return "bounced" if "bounced" in whys else "reversed" if whys & {*CLOSINGS, FILTERED} else None


def settled(holds: list[Hold], stop: datetime | None) -> tuple[Hold, ...]:
    """Holds as they were: an acknowledgement ends at the latest when the wait does."""
    if stop is None:
        return tuple(holds)
    return tuple(replace(hold, end=min(hold.end, stop)) for hold in holds)


def rests(holds: Iterable[Hold], why: str, at: datetime) -> bool:
    """Whether a ladder rested for a reason at an instant."""
    return any(hold.why == why and hold.start <= at < hold.end for hold in holds)
