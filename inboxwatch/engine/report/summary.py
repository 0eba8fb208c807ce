"""The figures of a report as JSON, for scripts."""

from __future__ import annotations

import json
from typing import Any

from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.report.cases import Story
from inboxwatch.engine.report.figures import Group, parts
from inboxwatch.engine.report.outcomes import outcomes_view
from inboxwatch.engine.report.qualification import qualification_view


def summary(story: Story) -> str:
    """One JSON object: the period, the goal, and of each metric its figures now and in the period before.

    Shares are 0..1 and lengths seconds; null is what nothing is known of.
    """
    period = story.period
    told = {
        "since": rfc3339(period.start),
        "until": rfc3339(period.end),
        "goal": story.goal,
        "metrics": {
            metric: {**_figures(part.now), "change": part.change, "before": _figures(part.before)}
            for metric, part in parts(story).items()
        },
        "left_over": story.left_over_count,
        "first_contact_failures": len(story.failed_contacts),
        "qualification": qualification_view(found.figures) if (found := story.qualification) is not None else None,
        "outcomes": outcomes_view(story.outcomes) if story.outcomes is not None else None,
    }
    return json.dumps(told, indent=2) + "\n"


def _figures(group: Group) -> dict[str, Any]:
    return {
        "waits": len(group),
        "on_time": group.in_time,
        "on_time_share": group.attainment,
        "answered_late": group.late,
        "never_answered": group.never,
        "open": group.open,
        "unverified": group.unverified,
        "business_seconds": {"median": group.business.honest(0.5), "p90": group.business.honest(0.9)},
        "wall_seconds": {"median": group.wall.honest(0.5), "p90": group.wall.honest(0.9)},
        "handovers": group.handovers,
        "escalations": group.escalations,
        "acknowledged": len(group.acknowledged),
        "acknowledged_seconds": group.until_acknowledged,
        "by_colleague": group.by_colleague,
    }
