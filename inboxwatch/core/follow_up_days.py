"""When follow-ups are to be done: by day, as the calendar on the wall of their owner has it (rule 40)."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum


class Day(StrEnum):
    """A part of the list, in the order in which it is worked off."""

    OVERDUE = "overdue"
    """Due on a day before today."""
    TODAY = "today"
    TOMORROW = "tomorrow"
    WEEK = "week"
    """Later in this week, up to Sunday."""
    LATER = "later"


def day_of(due_at: datetime, now: datetime, zone: tzinfo) -> Day:
    """The part of the list in which a follow-up stands for somebody who lives in a zone."""
    due, today = due_at.astimezone(zone).date(), now.astimezone(zone).date()
    if due < today:
        return Day.OVERDUE
    if due == today:
        return Day.TODAY
    if due == today + timedelta(days=1):
        return Day.TOMORROW
    return Day.WEEK if due <= today + timedelta(days=6 - today.weekday()) else Day.LATER
