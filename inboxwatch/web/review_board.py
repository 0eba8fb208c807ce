"""The board's page of decisions that people may correct: kinds of mail, and weak matches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ValidationError

from inboxwatch.core.model import Kind
from inboxwatch.engine.authority import Role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.refused import Refused
from inboxwatch.web import kinds, matches
from inboxwatch.web.audit import fill_in
from inboxwatch.web.auth import Guard
from inboxwatch.web.bodies import Reviewed, SaidKind
from inboxwatch.web.identity import acting, require
from inboxwatch.web.pages import BY, Pages
from inboxwatch.web.problems import Problem
from inboxwatch.words import english

PAGE = 50
"""Messages of a page."""
DONE = {"confirm": english("confirmed"), "undo": english("taken back"), "split": english("split off")}


class ReviewBoard:
    PATH = "/review"
    """Where the page is."""

    def __init__(self, daemon: DaemonPort, guard: Guard, pages: Pages) -> None:
        self._daemon = daemon
        self._guard = guard
        self._pages = pages

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/review", self.show),
            web.post("/review/kinds/{message:.+}/{action:confirm|undo}", self.say),
            web.post("/review/matches/{message:.+}/{action:confirm|split}", self.match),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, *, status: int = 200, problem: str = "") -> web.Response:
        before = _place(request.query.get("before", ""))
        items, last = await kinds.page(self._daemon, request.query, before, PAGE)
        weak, more = await matches.page(self._daemon, None, PAGE)
        said = await self._daemon.read(lambda tx: tx.kinds.said())
        older = {name: request.query[name] for name in kinds.FILTERS if request.query.get(name)}
        if last is not None:
            older["before"] = f"{round(last[0].timestamp() * 1_000_000)}.{last[1]}"
        return await self._pages.render(
            request,
            "review.html",
            status=status,
            problem=problem,
            done=DONE.get(request.query.get("done", ""), "") if not problem else "",
            items=items,
            older=f"/review?{urlencode(older)}" if last is not None else "",
            where={name: request.query.get(name, "") for name in ("kind", "mailbox")},
            kinds=[kind.value for kind in Kind if kind is not Kind.HUMAN],
            boxes=list(self._daemon.rules.config.mailboxes),
            matches=weak,
            more_matches=more is not None,
            said=[kinds.fact_view(fact) for fact in said[:PAGE]],
        )

    async def say(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        given = {"by": form["by"], "reason": form.get("reason", ""), "sender": form.get("sender") == "yes"}

        async def do() -> None:
            body = SaidKind.model_validate(given)
            await kinds.do(self._daemon, request.match_info["message"], request.match_info["action"], body)

        return await self._done(request, form["by"], do)

    async def match(self, request: web.Request) -> web.Response:
        form = await self._form(request)

        async def do() -> None:
            body = Reviewed.model_validate({"by": form["by"], "reason": form.get("reason", "")})
            await matches.do(self._daemon, request.match_info["message"], request.match_info["action"], body)

        return await self._done(request, form["by"], do)

    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        self._guard.check_form(request, form.pop("key", ""))
        fill_in(form)
        require(request, Role.MANAGER)
        form["by"] = acting(request, form.get("by", ""))
        return form

    def _done_at(self, request: web.Request) -> str:
        """The page that says what was done."""
        return f"{self.PATH}?done={request.match_info['action']}"

    async def _done(self, request: web.Request, by: str, do: Any) -> web.Response:
        words = self._pages.words(request)
        try:
            await do()
        except ValidationError as refused:
            return await self._show(request, status=422, problem=Problem.unusable(refused).said(words))
        except Refused as refused:
            return await self._show(request, status=refused.status, problem=refused.said(words))
        response = web.Response(status=303, headers={"Location": self._done_at(request)})
        self._guard.remember(request, response, BY, by)
        return response


def _place(token: str) -> tuple[datetime, str] | None:
    """The place in the list behind which a page begins; None for the first."""
    at, _, key = token.partition(".")
    try:
        return (datetime.fromtimestamp(int(at) / 1_000_000, UTC), key) if token else None
    except (ValueError, OverflowError, OSError):
        raise Problem(404, english("there is no such page")) from None
