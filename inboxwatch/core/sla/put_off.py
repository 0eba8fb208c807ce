"""When a follow-up is due that was put off: by a person to a day of theirs, by the buyer's absence (rule 40)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.sla.hours import BusinessCalendar


@dataclass(frozen=True, slots=True)
class DueMove:
    """A fact that moves the due time."""

    at: datetime
    until: datetime
    by_person: bool
    """A person's word holds, earlier or later; the buyer's absence only ever moves it back."""


class Due(NamedTuple):
    """When a follow-up is due."""

    at: datetime
    missed_at: datetime | None
    """The first due time that had passed when a person put it off: a breach stays (rule 6)."""
    round: int
    """1, and one more for each time that a person put it off: each new day is told anew."""


def due(first: datetime, moves: Iterable[DueMove], calendar: BusinessCalendar) -> Due:
    """The due time after moves in their order; `first` is what the policy says."""
    at, missed_at, repetition = first, None, 1
    for move in moves:
        if not move.by_person:
            at = max(at, calendar.next_open(move.until))
            continue
        if at < move.at and missed_at is None:
            missed_at = at
        at, repetition = _in_hours(move, calendar), repetition + 1
    return Due(at, missed_at, repetition)


def _in_hours(move: DueMove, calendar: BusinessCalendar) -> datetime:
    """The instant meant, where the calendar is open then; else the opening of that day, so that it is told on the day
    for which it was put off; of a day without hours, or one that has begun already, the next opening.
    """
    opening = calendar.next_open(move.until)
    if opening == move.until:
        return opening
    midnight = move.until.astimezone(calendar.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first = calendar.next_open(midnight)
    that_day = first.astimezone(calendar.zone).date() == midnight.date()
    return first if that_day and first > move.at else opening
