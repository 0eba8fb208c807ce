"""What is said of follow-ups: ours was the last word, and the buyer has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.notify.messages import because
from inboxwatch.notify.text import when

ACTION_LABELS = {
    "activity": "Called",
    "put_off": "In some days",
    "assign": "Reassign",
    "stop": "Stop following up",
}
"""What can be done to a follow-up, as buttons name it."""
AGAIN = "Follow up again"
"""The button that takes up again what was stopped, or has gone quiet."""
SAY_WHY_STOPPED = "reason: say why nobody follows up any more"

DAYS = {
    "overdue": "Overdue",
    "today": "Today",
    "tomorrow": "Tomorrow",
    "week": "This week",
    "later": "Later",
}
"""The parts of the list."""


def who(*, day: str, people: Sequence[tuple[str, int]], link: str) -> str:
    """Who follows up when: `people` are names with how many they have; `link` leads to the list, or is empty."""
    count = sum(number for _, number in people)
    if not count:
        return f"{DAYS[day]}: nobody has to follow up."
    named = ", ".join(f"{name} {number}" for name, number in people)
    more = f" {link}" if link else ""
    return f"{DAYS[day]}: {count} {'follow-up' if count == 1 else 'follow-ups'}. {named}.{more}"


def put_off(*, person: str, until: datetime | None, reason: str) -> str:
    """`until` is for when, in the zone of its reader."""
    return f"{person} follows up {when(until)}{because(reason)}."


def stopped(*, person: str, reason: str) -> str:
    return f"{person} stopped following up{because(reason)}."


def taken_up(*, person: str, reason: str) -> str:
    return f"{person} follows up again{because(reason)}."
