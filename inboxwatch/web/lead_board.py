"""The board's page of leads: all of them, or those that a few letters find; those who wait come first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store import Transaction
from inboxwatch.web.pages import Pages

PAGE = 50
"""Leads of a page."""
LONGEST = 200
"""Characters of a question that are looked at."""


class LeadBoard:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/leads", self.leads)]

    async def leads(self, request: web.Request) -> web.Response:
        """The one lead that the search in the header finds, or whose whole name it is, is shown at once."""
        query = request.query.get("q", "")[:LONGEST].strip()
        page = page_number(request)

        at_once = bool(query) and page == 1 and "go" in request.query

        def ask(tx: Transaction) -> dict[str, Any]:
            found, count = tx.leads.find(query, PAGE, (page - 1) * PAGE)
            meant = tx.leads.meant(query) if at_once and count > 1 else None
            return {"found": found, "count": count, "meant": found[0].lead if count == 1 else meant}

        values = await self._daemon.read(ask)
        if at_once and (meant := values.pop("meant")) is not None:
            raise web.HTTPSeeOther(f"/leads/{quote(meant.id, safe='')}")

        def address(number: int) -> str:
            return "/leads?" + urlencode(({"q": query} if query else {}) | {"page": number})

        first = (page - 1) * PAGE
        turns = {"query": query, "page": page, "first": first, "more": first + PAGE < values["count"]}
        return await self._pages.render(request, "leads.html", address=address, **turns, **values)


def page_number(request: web.Request) -> int:
    """The page that a reader turned to, from 1; what is no number is the first."""
    given = request.query.get("page", "")
    return max(1, min(int(given), 100_000)) if given.isascii() and given.isdigit() and len(given) < 9 else 1
