"""The board's page of the report: how long buyers waited in a week or a month, of all or of one team."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from inboxwatch.core.calendar_period import CalendarPeriod
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.report import page
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.teams import shown
from inboxwatch.notify.report_messages import PERIODS, period_name
from inboxwatch.web.pages import Pages
from inboxwatch.web.problems import Problem
from inboxwatch.words import english

DEFAULT = "last-week"
"""A whole period, which can be compared with the one before."""


class ReportBoard:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages
        self._one_at_a_time = asyncio.Lock()
        """A report takes a second of a processor: however many are asked for, the rest of the board stays quick."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/report", self.show), web.get("/report.css", self.style)]

    async def show(self, request: web.Request) -> web.Response:
        config, now = self._daemon.rules.config, self._daemon.now()
        zone = config.policies[-1].calendar.zone
        today = now.astimezone(zone).date()
        team, chosen = request.query.get("team", ""), request.query.get("period") or DEFAULT
        if team and team not in config.teams:
            text = english("there is no team %(team)s: %(teams)s")
            raise Problem.because(404, text, team=repr(team[:100]), teams=", ".join(config.teams) or "–")
        try:
            asked = CalendarPeriod.parse(chosen, today)
            period = Period.of(asked, zone, now)
        except ValueError as error:
            raise Problem(404, str(error)) from None
        words = self._pages.words(request)
        async with self._one_at_a_time:
            story = await self._daemon.read(shown, config, period, team)
            content = await asyncio.to_thread(page.content, story, words)

        def address(period: str, team: str = team) -> str:
            return "/report?" + urlencode({"period": period} | ({"team": team} if team else {}))

        links = [(text, address(name), CalendarPeriod.parse(name, today) == asked) for name, text in PERIODS.items()]
        values: dict[str, Any] = {
            "chosen": chosen,
            "team": team,
            "teams": list(config.teams),
            "links": links,
            "title": period_name(asked, words),
            "period": period,
            "unfinished": asked.after > today,
            "before": (period_name(asked.previous, words), address(asked.previous.code)),
            "after": (period_name(asked.next, words), address(asked.next.code)) if asked.next.first <= today else None,
            "content": content,
        }
        return await self._pages.render(request, "report.html", **values)

    async def style(self, request: web.Request) -> web.Response:
        return web.Response(text=page.style(), content_type="text/css")
