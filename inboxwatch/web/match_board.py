"""The board's page of weak matches: what speaks for each, confirmed or split by one click, and the last one undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from aiohttp import web

from inboxwatch.core.model import Direction
from inboxwatch.engine.wait_views import person_name
from inboxwatch.notify import match_messages
from inboxwatch.store import Transaction
from inboxwatch.store.records import MessageRecord
from inboxwatch.web import matches
from inboxwatch.web.problems import Problem
from inboxwatch.web.review_board import ReviewBoard
from inboxwatch.words import english

PAGE = 25
DONE = {
    "confirm": english("It belongs to the conversation."),
    "split": english("It is a matter of its own now; its waits went with it."),
    "undo": english("It is to be reviewed again."),
}


class MatchBoard(ReviewBoard):
    PATH = "/matches"

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/matches", self.show),
            web.post("/matches/{message:.+}/{action:confirm|split|undo}", self.match),
        ]

    async def _show(self, request: web.Request, *, status: int = 200, problem: str = "") -> web.Response:
        items, more = await matches.page(self._daemon, None, PAGE)
        done, last = request.query.get("done", ""), request.query.get("message", "")
        if done and done not in DONE:
            raise Problem(404, english("there is no such page"))

        def beside(tx: Transaction) -> dict[str, Any]:
            rows = {one["parent"]: tx.mail.row(one["parent"]) for one in items if one["parent"]}
            answered = {name: self._told(row) for name, row in rows.items() if row is not None}
            return {"answered": answered, "count": tx.mail.weak_count()}

        values = await self._daemon.read(beside)
        return await self._pages.render(
            request,
            "matches.html",
            status=status,
            problem=problem,
            done=DONE.get(done, "") if not problem else "",
            undo=last if done in ("confirm", "split") and not problem else "",
            items=items,
            more=more is not None,
            evidence=match_messages.evidence,
            sureness=match_messages.sureness,
            **values,
        )

    def _told(self, row: MessageRecord) -> dict[str, Any]:
        """The message that another is said to answer, as the page names it."""
        ours = row.direction is not Direction.INBOUND
        name = (person_name(self._daemon.rules, row.author) or row.author) if ours else row.sender
        return {"at": row.at, "by": row.author if ours else "", "name": name, "subject": row.subject or ""}

    def _done_at(self, request: web.Request) -> str:
        return f"{super()._done_at(request)}&message={quote(request.match_info['message'], safe='')}"
