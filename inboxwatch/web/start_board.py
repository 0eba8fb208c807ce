"""The start page: what a manager looks at first, of everybody or of a team, and a rep of their own waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ValidationError

from inboxwatch.core.model import ShownFigures
from inboxwatch.engine.audit import AuditedDaemon, AuditOutcome, begin, end, under_way
from inboxwatch.engine.qualify import known_choices
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.start_page import STALE, Scope, Whose, own_scope, start_page
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.store import Transaction
from inboxwatch.web import wait_actions
from inboxwatch.web.audit import fill_in
from inboxwatch.web.auth import Guard, local_path
from inboxwatch.web.bodies import Assign, Dismiss
from inboxwatch.web.identity import acting, person_of
from inboxwatch.web.pages import BY, Pages
from inboxwatch.web.problems import Problem
from inboxwatch.words import english

VIEW = "inboxwatch-view"
"""The cookie that remembers whose waits the start page shows in this browser."""
OLD_FILTERS = ("owner", "team", "tier", "mailbox", "lead", "state", "page")
"""Of the list of waits, which once was the first page."""
PERIODS = (7, 30, 90)
"""Days, today included."""
MOST = 200
"""Waits of one deed."""
FEW = 60
"""So many people are offered beside each wait; of more, the wait's own page has the choice."""


class StartBoard:
    def __init__(self, daemon: AuditedDaemon, guard: Guard, pages: Pages) -> None:
        self._daemon = daemon
        self._guard = guard
        self._pages = pages

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/", self.start), web.post("/start/{action:assign|dismiss}", self.together)]

    async def start(self, request: web.Request) -> web.Response:
        """An address of the list of waits, from when it was the first page, leads there."""
        if any(name in request.query for name in OLD_FILTERS):
            raise web.HTTPSeeOther(f"/waits?{request.query_string}")
        return await self._show(request, await self._told(request))

    async def _show(self, request: web.Request, told: dict[str, Any], *, status: int = 200) -> web.Response:
        rules, now = self._daemon.rules, self._daemon.now()
        scope, days = self._scope(request), _days(request)
        found = await self._daemon.read(start_page, rules, scope, now, days)
        response = await self._pages.render(
            request,
            "start.html",
            status=status,
            start=found,
            scope=scope,
            scopes=self._scopes(request, scope),
            days=days,
            periods=PERIODS,
            goal=rules.config.goal,
            stale_days=STALE.days,
            query=urlencode({"view": str(scope), "days": days}),
            few=len(rules.config.people) <= FEW,
            waits=lambda **more: _address("/waits", scope, more),
            follow_ups=lambda **more: _address("/follow-ups", scope, more),
            verdicts=known_choices(rules),
            **({"problem": "", "refused": (), "done": "", "count": 0, "wait": None} | told),
        )
        if "view" in request.query:
            self._guard.remember(request, response, VIEW, str(scope))
        return response

    async def _told(self, request: web.Request) -> dict[str, Any]:
        """What the deed before has come to, as the address has it."""
        done, count = request.query.get("done", ""), request.query.get("count", "")
        if count.isascii() and count.isdigit() and len(count) < 5:
            return {"done": done, "count": int(count)}
        named = await self._named([request.query.get("wait", "")])
        return {"done": done, "wait": next(iter(named.values()), None)} if named else {}

    def _scope(self, request: web.Request) -> Scope:
        """As the address has it, else as it was chosen last, else one's own. Raises Problem where there is no such."""
        asked = request.query.get("view")
        for word in (asked, request.cookies.get(VIEW)):
            scope = Scope.parse(word) if word else None
            if scope is not None and self._is_shown(request, scope):
                return scope
            if word and word == asked:
                raise Problem(404, english("there is no such view: no team or person of the config has that name"))
        mine = own_scope(self._daemon.rules, person_of(request))
        return mine if self._is_shown(request, mine) else Scope(Whose.ALL)

    def _is_shown(self, request: web.Request, scope: Scope) -> bool:
        """Where only teams may be shown, nobody sees what another person carries."""
        config = self._daemon.rules.config
        if scope.whose is Whose.PERSON:
            me = person_of(request)
            mine = me is not None and me.id == scope.name
            return scope.name in config.people and (mine or config.figures is not ShownFigures.TEAMS)
        return scope.whose is Whose.ALL or scope.name in config.teams

    def _scopes(self, request: web.Request, shown: Scope) -> list[Scope]:
        """Among which one chooses: oneself first."""
        config, me = self._daemon.rules.config, person_of(request)
        mine = [Scope(Whose.PERSON, me.id)] if me is not None else []
        by = request.cookies.get(BY, "")
        if me is None and by in config.people and config.figures is not ShownFigures.TEAMS:
            mine = [Scope(Whose.PERSON, by)]
        teams = [Scope(Whose.TEAM, team) for team in sorted(config.teams)]
        offered = [*mine, Scope(Whose.ALL), *teams]
        return offered if shown in offered else [shown, *offered]

    async def together(self, request: web.Request) -> web.Response:
        """One deed for several waits, each by itself: what is refused for one is done for the others."""
        form, action = await request.post(), request.match_info["action"]
        self._guard.check_form(request, str(form.get("key", "")))
        given = {name: str(form.get(name, "")) for name in ("by", "owner", "reason")}
        fill_in(given)
        by = acting(request, given["by"])
        model: type[Assign | Dismiss] = Assign if action == "assign" else Dismiss
        fields = {name: value for name, value in (given | {"by": by}).items() if name in model.model_fields and value}
        clocks = list(dict.fromkeys(str(one) for one in form.getall("wait", ())))[:MOST]
        try:
            body = model.model_validate(fields)
        except ValidationError as refused:
            return await self._show(
                request, {"problem": Problem.unusable(refused).said(self._pages.words(request))}, status=422
            )
        if not clocks:
            return await self._show(request, {"problem": english("wait: choose at least one")}, status=422)
        refused_ones = await self._each(request, clocks, action, body)
        done = len(clocks) - len(refused_ones)
        if refused_ones:
            named = await self._named([clock for clock, _ in refused_ones])
            refusals = [(clock, named.get(clock), why) for clock, why in refused_ones]
            told = {"done": action if done else "", "count": done, "refused": refusals}
            return await self._show(request, told, status=409)
        onward = local_path(str(form.get("next", "/")))
        after = urlencode({"done": action, "count": done})
        response = web.Response(status=303, headers={"Location": f"{onward}{'&' if '?' in onward else '?'}{after}"})
        self._guard.remember(request, response, BY, by)
        return response

    async def _each(
        self, request: web.Request, clocks: Sequence[str], action: str, body: Assign | Dismiss
    ) -> list[tuple[str, str]]:
        """Does each deed with its own row in the audit log; (wait, why) of those that are refused."""
        whole, person, words, refused_ones = under_way(), person_of(request), self._pages.words(request), []
        for clock in clocks:
            one = replace(whole, deed=f"wait.{action}", clock=clock, by=body.by, noted=False) if whole else None
            token = begin(one)
            try:
                await wait_actions.do(self._daemon, clock, body, person)
            except Refused as refused:
                refused_ones.append((clock, refused.said(words)))
                if one is not None:
                    await self._daemon.conclude(one, AuditOutcome.REFUSED, refused.status)
            finally:
                end(token)
            if whole is not None:
                whole.noted = True
        return refused_ones

    async def _named(self, clocks: Sequence[str]) -> dict[str, Any]:
        """The views of waits, by the ids given; unknown ones are left out."""

        def ask(tx: Transaction) -> dict[str, Any]:
            rows = {clock: row for clock in clocks if clock and (row := tx.clocks.get(clock)) is not None}
            views = wait_views(tx, self._daemon.rules, list(rows.values()), self._daemon.now(), Detail.BUYER)
            return dict(zip(rows, views, strict=True))

        return await self._daemon.read(ask) if any(clocks) else {}


def _days(request: web.Request) -> int:
    given = request.query.get("days", "")
    return int(given) if given in map(str, PERIODS) else PERIODS[0]


def _address(path: str, scope: Scope, more: dict[str, Any]) -> str:
    """A list of the same waits."""
    return f"{path}?{urlencode(where)}" if (where := scope.where | more) else path
