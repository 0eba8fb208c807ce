"""`GET /api/v1/qualification`: how well inquiries are qualified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from inboxwatch.core.statistics.qualification import QualificationPeriod
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.qualification import read_qualification
from inboxwatch.engine.report.qualification import qualification_view
from inboxwatch.web.problems import Problem
from inboxwatch.web.query_fields import instant_of, refuse_unknown, team_of

FILTERS = ("since", "until", "team")
USUAL = timedelta(days=90)
"""Asked about without `since`."""


async def of_query(daemon: DaemonPort, query: Mapping[str, str]) -> dict[str, Any]:
    """The figures that a query asks for, up to now at most. Raises Problem."""
    refuse_unknown(query, FILTERS)
    now, rules = daemon.now(), daemon.rules
    if (terms := rules.qualification) is None:
        raise Problem(404, "the config has no section `qualification`")
    until = min(instant_of(query, "until") or now, now)
    period = QualificationPeriod(instant_of(query, "since") or until - USUAL, until)
    if period.since >= until:
        raise Problem(422, "since: must lie before `until` and the present")
    team = team_of(query, rules.config.teams)
    return qualification_view(await daemon.read(read_qualification, rules, terms, period, team))
