"""`GET /api/v1/outcomes`: what became of leads by how soon they were answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from inboxwatch.core.statistics.outcomes import WITHIN
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.outcomes import read_outcomes, usual_question
from inboxwatch.engine.report.outcomes import outcomes_view
from inboxwatch.web.problems import Problem
from inboxwatch.web.query_fields import instant_of, length_of, refuse_unknown, team_of

FILTERS = ("since", "until", "within", "team")
LONGEST = timedelta(days=366)


async def of_query(daemon: DaemonPort, query: Mapping[str, str]) -> dict[str, Any]:
    """The table that a query asks for, up to now at most. Raises Problem."""
    refuse_unknown(query, FILTERS)
    now, config = daemon.now(), daemon.rules.config
    since, until = instant_of(query, "since"), min(instant_of(query, "until") or now, now)
    asked = usual_question(until, within=length_of(query, "within", LONGEST) or WITHIN)
    if since is not None:
        asked = asked._replace(since=since)
    if asked.since >= until:
        raise Problem(422, "since: must lie before `until` and the present")
    team = team_of(query, config.teams)
    return outcomes_view(await daemon.read(read_outcomes, daemon.rules, asked, team))
