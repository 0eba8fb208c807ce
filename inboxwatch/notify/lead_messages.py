"""What is said of leads that were searched for."""

from __future__ import annotations

from inboxwatch.notify.text import span


def found(*, count: int, shown: int, query: str) -> str:
    if not count:
        return f"No lead is known by {query}."
    if count == 1:
        return f"One lead matches {query}."
    first = f"; the first {shown}, those who wait before others" if shown < count else ""
    return f"{count} leads match {query}{first}:"


def lead(*, name: str, company: str, address: str, standing: str, link: str) -> str:
    """One line; `name` and `company` may be empty, `link` leads to the lead's page."""
    who = ", ".join(part for part in (name, company) if part)
    return f"{who} ({address}): {standing}. {link}" if who else f"{address}: {standing}. {link}"


def standing(*, left: float | None, owner: str) -> str:
    """Whether somebody waits; `left` are seconds until it is due, negative after, None where nobody waits."""
    if left is None:
        return f"nobody waits, {owner}'s lead" if owner else "nobody waits"
    due = f"due in {span(left)}" if left > 0 else f"overdue by {span(left)}"
    return f"waits for {owner or 'nobody'}, {due}"
