"""`GET /api/v1/follow-ups`: who follows up when, by day and person (rule 40); and the board's page of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from inboxwatch.core.follow_up_days import Day
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.follow_ups import follow_ups
from inboxwatch.engine.wait_filters import by_people, teams_of
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify.follow_up_messages import DAYS
from inboxwatch.store import Transaction
from inboxwatch.web.lead_board import page_number
from inboxwatch.web.pages import Pages
from inboxwatch.web.problems import Problem
from inboxwatch.web.query_fields import refuse_unknown
from inboxwatch.words import english

PAGE = 100
"""Follow-ups of a page of one day."""
FIRST = 25
"""Follow-ups of each day where all are shown; the others are one click away, and counted."""
QUIET_SHOWN = timedelta(days=30)
"""How long those are listed that were closed as gone quiet."""
FILTERS = ("owner", "team", "tier")


async def by_day(daemon: DaemonPort, query: dict[str, str]) -> dict[str, Any]:
    """Days in the zone of each owner's calendar; what is overdue stands under the day on which it was due."""
    refuse_unknown(query, ("by", "day", *FILTERS))
    if query.get("by", "day") != "day":
        raise Problem(422, "by: must be day")
    days = list(Day)
    if wanted := query.get("day"):
        if wanted not in days:
            raise Problem(422, f"day: must be one of {', '.join(days)}")
        days = [Day(wanted)]
    where = {name: query[name] for name in FILTERS if query.get(name)}

    def ask(tx: Transaction) -> dict[str, Any]:
        found = follow_ups(tx, daemon.rules, where, daemon.now())
        ids = [clock for day in days for clock in found.by_day.get(day, ())]
        owners = {row.id: row.owner or "" for row in tx.board.of_ids(ids)}
        by_key: dict[tuple[str, str], list[str]] = {}
        for clock in ids:
            by_key.setdefault((found.dates[clock], owners[clock]), []).append(clock)
        items = [
            {"day": date, "owner": owner, "count": len(clocks), "clocks": clocks}
            for (date, owner), clocks in sorted(by_key.items())
        ]
        return {"items": items, "next": None}

    return await daemon.read(ask)


class FollowUpBoard:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/follow-ups", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """Every day with the first of its follow-ups, or one day page by page."""
        rules, now, page = self._daemon.rules, self._daemon.now(), page_number(request)
        where = {name: request.query[name] for name in FILTERS if request.query.get(name)}
        day = request.query.get("day", "")
        if day and day not in list(Day):
            raise Problem.because(404, english("there is no such day: %(days)s"), days=", ".join(Day))

        def ask(tx: Transaction) -> dict[str, Any]:
            found = follow_ups(tx, rules, where, now)
            start, many = ((page - 1) * PAGE, PAGE) if day else (0, FIRST)
            sections = []
            for one in [Day(day)] if day else (Day.TODAY, Day.TOMORROW, Day.WEEK, Day.OVERDUE, Day.LATER):
                rows = tx.board.of_ids(found.by_day.get(one, ())[start : start + many])
                views = wait_views(tx, rules, rows, now, Detail.BUYER)
                sections.append((one, views, found.count(one)))
            choices = tx.board.choices()
            choices["team"] = teams_of(rules.config, choices["owner"])
            more = bool(day) and start + PAGE < found.count(Day(day))
            rows, quiet = tx.board.gone_quiet(by_people(rules.config, where), now - QUIET_SHOWN, FIRST)
            gone = wait_views(tx, rules, rows, now, Detail.BUYER)
            return {
                "quiet": gone,
                "quiet_count": quiet,
                "quiet_days": QUIET_SHOWN.days,
                "found": found,
                "sections": sections,
                "choices": choices,
                "more": more,
            }

        values = await self._daemon.read(ask)
        chosen = where | ({"day": day} if day else {})

        def address(**changed: object) -> str:
            kept = {name: value for name, value in (chosen | changed).items() if value not in ("", 1)}
            return f"/follow-ups?{urlencode(kept)}" if kept else "/follow-ups"

        values |= {"where": where, "day": day, "page": page, "address": address}
        return await self._pages.render(request, "follow_ups.html", days=list(Day), named=DAYS, **values)
