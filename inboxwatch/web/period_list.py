"""The waits behind a figure of a report: `/waits` with a period."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from inboxwatch.core.model import ShownFigures
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.report.part import OUTCOMES, ReportPart, waits_of
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.store import Transaction
from inboxwatch.web.pages import Pages
from inboxwatch.web.problems import Problem
from inboxwatch.words import english

PAGE = 100
"""Waits of a page."""
NAMES = {
    "": english("Waits that began in this period"),
    "on-time": english("Answered on time"),
    "late": english("Answered late"),
    "never": english("Overdue, never answered"),
    "open": english("Open at its end"),
}
"""Headings, by outcome."""
_NOT_SHOWN = english("figures of single people are not shown here")


class PeriodList:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages
        self._one_at_a_time = asyncio.Lock()
        """It is read as a report is, which takes a second of a processor."""

    async def show(self, request: web.Request) -> web.Response:
        config, now, query = self._daemon.rules.config, self._daemon.now(), request.query
        period = Period(_instant(query, "since"), min(_instant(query, "until"), now), config.policies[-1].calendar.zone)
        part = ReportPart(
            owner=query.get("owner", ""),
            team=query.get("team", ""),
            tier=query.get("tier", ""),
            away=query.get("away") == "yes",
            outcome=query.get("outcome", ""),
        )
        if part.outcome and part.outcome not in OUTCOMES:
            text = english("no wait comes out as %(outcome)s; there are %(outcomes)s")
            raise Problem.because(404, text, outcome=repr(part.outcome[:40]), outcomes=", ".join(OUTCOMES))
        if (part.owner or part.away) and config.figures is ShownFigures.TEAMS:
            raise Problem(404, _NOT_SHOWN)
        page = int(query["page"]) if query.get("page", "").isdecimal() else 1
        page = max(1, min(page, 100_000))

        def ask(tx: Transaction) -> dict[str, Any]:
            cases = waits_of(tx, config, period, part)
            part_shown = cases[(page - 1) * PAGE : page * PAGE]
            rows = [row for row in (tx.clocks.get(case.id) for case in part_shown) if row is not None]
            views = wait_views(tx, self._daemon.rules, rows, now, Detail.BUYER)
            shown = list(zip(part_shown, views, strict=True))
            return {"count": len(cases), "shown": shown, "more": len(cases) > page * PAGE}

        async with self._one_at_a_time:
            found = await self._daemon.read(ask)
        # The last instant that belongs to it: a week ends on its Sunday.
        last = period.end - timedelta(seconds=1)
        where = part.query(period)
        return await self._pages.render(
            request,
            "period.html",
            part=part,
            title=NAMES[part.outcome],
            first=period.local(period.start).date(),
            last=period.local(last).date(),
            page=page,
            address=lambda number: f"/waits?{urlencode(where | ({'page': number} if number > 1 else {}))}",
            **found,
        )


def _instant(query: Any, name: str) -> datetime:
    """Raises Problem where it is none."""
    try:
        at = datetime.fromisoformat(query.get(name, ""))
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        text = english("%(name)s: write an instant such as 2026-05-01T12:00:00Z")
        raise Problem.because(404, text, name=name) from None
