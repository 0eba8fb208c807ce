"""What is said of reports: how long buyers waited in a period."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.core.calendar_period import CalendarPeriod, Every

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PERIODS = {
    "this-week": "This week",
    "last-week": "Last week",
    "this-month": "This month",
    "last-month": "Last month",
}
"""The periods that have a name."""


def period_name(period: CalendarPeriod) -> str:
    """`4–10 May 2026`, `27 April – 3 May 2026`, `May 2026`."""
    first, last = period.first, period.last
    if period.every is Every.MONTH:
        return f"{first:%B %Y}"
    if first.month == last.month:
        return f"{first.day}–{last.day} {last:%B %Y}"
    year = f" {first:%Y}" if first.year != last.year else ""
    return f"{first.day} {first:%B}{year} – {last.day} {last:%B %Y}"


def mail_title(*, period: str, team: str) -> str:
    return f"How long buyers waited: {period}" + (f", team {team}" if team else "")


def mail_subject(*, period: str, team: str, share: float | None, goal: float | None) -> str:
    """`share` (0..1) of first replies on time, None where none was decided; `goal` None where there is none."""
    whose = f", team {team}" if team else ""
    if share is None:
        return f"Report, {period}{whose}: no first reply fell due"
    aim = f" (goal {goal:.0%})" if goal is not None else ""
    return f"Report, {period}{whose}: {share:.0%} of first replies on time{aim}"


def late(*, at: datetime, missed: bool) -> str:
    """Said in a report that leaves after its time; `missed`: reports before it never left."""
    said = f"This report was due on {at:%A} {at.day} {at:%B} {at:%H:%M %Z}, and could not be sent before."
    return f"{said} Earlier ones were missed: they are on the board." if missed else said


def schedule(*, every: str, weekday: int, minutes: int, zone: str) -> str:
    """When a report leaves; `weekday`: Monday is 0; `minutes` after midnight."""
    at = f"{minutes // 60:02}:{minutes % 60:02}"
    if every == "week":
        return f"each {WEEKDAYS[weekday]} at {at} ({zone}), of the last whole week"
    return f"on the first of each month at {at} ({zone}), of the month before"
