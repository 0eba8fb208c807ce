"""The waits of a report as CSV, one a line, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

from inboxwatch.commands.csv_cell import plain
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.report.cases import ReportedWait, Story

COLUMNS = (
    "clock", "buyer", "company", "subject", "metric", "tier", "mailbox", "owner", "owner_away", "team", "started_at",
    "due_at", "stopped_at", "outcome", "cause", "answered_by", "wall_seconds", "business_seconds", "open",
    "handovers", "escalations", "acknowledged_seconds", "link",
)  # fmt: skip


def write(path: Path, story: Story) -> None:
    """The waits that began in the period, and the follow-ups after them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for case in (*story.cases, *story.follow_ups):
            lines.writerow([plain(value) for value in _values(case, story)])


def _values(case: ReportedWait, story: Story) -> list[str | float | None]:
    return [
        case.id,
        case.name,
        case.company,
        case.subject,
        case.metric,
        case.tier,
        case.mailbox,
        case.owner,
        "true" if case.away else "false",
        story.teams.get(case.owner, ""),
        rfc3339(case.started_at),
        rfc3339(case.due_at),
        rfc3339(case.stopped_at),
        case.outcome.value,
        case.cause,
        case.answered_by,
        case.wall.seconds,
        case.business.seconds,
        "true" if case.stopped_at is None else "false",
        case.handovers,
        case.escalations,
        case.acknowledged_after,
        f"{story.board}/waits/{case.id}",
    ]
