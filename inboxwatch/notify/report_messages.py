"""What is said of reports: how long buyers waited in a period."""

from __future__ import annotations

from inboxwatch.core.calendar_period import CalendarPeriod, Every

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
