"""Puts the web part together: one port for metrics, API and board."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from inboxwatch.engine.audit import AuditedDaemon, AuditOutcome, begin, end, under_way
from inboxwatch.engine.authority import Role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store.marks import ProbeMark
from inboxwatch.web import problems
from inboxwatch.web.api import Api
from inboxwatch.web.audit import AuditTrail, attempt_of, door_of
from inboxwatch.web.auth import SAFE, Guard
from inboxwatch.web.board import Board
from inboxwatch.web.connections import NAME
from inboxwatch.web.events import Events
from inboxwatch.web.follow_ups import FollowUpBoard
from inboxwatch.web.identity import require
from inboxwatch.web.lead_board import LeadBoard
from inboxwatch.web.links import SignedLinks
from inboxwatch.web.match_board import MatchBoard
from inboxwatch.web.oidc.sign_in import CALLBACK, SignIn
from inboxwatch.web.pages import STATIC, Pages
from inboxwatch.web.problems import Problem
from inboxwatch.web.report_board import ReportBoard
from inboxwatch.web.review_board import ReviewBoard
from inboxwatch.web.scrape import Scrape
from inboxwatch.web.start_board import StartBoard

BODY_LIMIT = 64 * 1024
REQUEST_TIME = 30.0
"""Seconds from the head of a request, its body included, to the answer."""
_LONG = ("/events", "/-/reload")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def make_app(port: DaemonPort) -> web.Application:
    """The web part of a daemon. Whoever runs it listens on `config.web.listen`."""
    daemon = AuditedDaemon(port)
    guard, trail = Guard(daemon), AuditTrail(daemon)
    pages = Pages(daemon, guard)

    app = web.Application(middlewares=_middlewares(daemon, guard, trail, pages), client_max_size=BODY_LIMIT)
    scrape = Scrape(daemon)
    events = Events(daemon)
    app.router.add_get("/metrics", scrape.handle)
    app.add_routes(_health(daemon))
    app.add_routes(Api(daemon).routes())
    app.add_routes(SignedLinks(daemon, pages).routes())
    sign_in = SignIn(daemon, guard, pages)
    app.add_routes(sign_in.routes())
    app.add_routes(Board(daemon, guard, pages, sign_in).routes())
    app.add_routes(StartBoard(daemon, guard, pages).routes())
    app.add_routes(FollowUpBoard(daemon, pages).routes())
    app.add_routes(LeadBoard(daemon, pages).routes())
    app.add_routes(ReportBoard(daemon, pages).routes())
    app.add_routes(ReviewBoard(daemon, guard, pages).routes())
    app.add_routes(MatchBoard(daemon, guard, pages).routes())
    app.router.add_get("/events", events.handle)
    app.router.add_static("/static", STATIC)
    app.on_response_prepare.append(_unversioned)
    app.on_shutdown.append(events.close)
    app.on_shutdown.append(scrape.close)
    app.on_shutdown.append(trail.close)
    return app


def _middlewares(daemon: AuditedDaemon, guard: Guard, trail: AuditTrail, pages: Pages) -> list[Middleware]:
    """Notes what is tried, lets in who may, and makes an answer of every error."""

    def let_in(request: web.Request) -> None:
        try:
            guard.check(request)
        except Problem:
            trail.count(door_of(daemon, request, by_cookie=False), AuditOutcome.REFUSED)
            raise
        if request.method not in SAFE or request.path == CALLBACK:
            begin(attempt_of(daemon, request, by_cookie=guard.session(request)))

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            let_in(request)
            async with asyncio.timeout(None if request.path in _LONG else REQUEST_TIME):
                response = await handler(request)
        except TimeoutError:
            response = await pages.problem(
                request, Problem(408, f"the request was not whole within {REQUEST_TIME:.0f} s")
            )
            response.force_close()
        except Exception as error:  # noqa: BLE001  (every error becomes an answer; a defect of ours is logged)
            if isinstance(error, web.HTTPException) and error.status < web.HTTPBadRequest.status_code:
                response = web.Response(status=error.status, headers={"Location": error.headers["Location"]})
            else:
                problem = problems.of(error) or problems.defect(request, error)
                response = await pages.problem(request, problem)
        if not response.prepared:
            response.headers.update(_HEADERS)
            if not request.path.startswith("/static/"):
                response.headers.setdefault("Cache-Control", "no-store")
        return response

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        token = begin(None)  # a connection's requests share one task
        try:
            response = await handler(request)
            if (attempt := under_way()) is not None:
                await trail.answered(attempt, response.status)
            return response
        finally:
            end(token)

    return [noted, answer]


async def _unversioned(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = NAME


def _health(daemon: DaemonPort) -> list[web.RouteDef]:
    async def alive(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(request: web.Request) -> web.Response:
        if (words := daemon.outage) is not None:
            raise problems.away(words)
        await daemon.read(lambda tx: tx.marks.get(ProbeMark()))
        if not daemon.ready():
            raise Problem(503, "not every mailbox was tried yet")
        return web.Response(text="ready\n")

    async def reload(request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        if found := await daemon.reload():
            listed = [{"field": one.partition(": ")[0], "problem": one.partition(": ")[2]} for one in found]
            raise Problem(422, "; ".join(found), problems=listed)
        return web.json_response({"reloaded": True})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.post("/-/reload", reload)]
