"""The board: who waits, whose it is, what happens next; pages for a wait, a lead, the mailboxes; actions as forms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from pydantic import ValidationError

from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine import actions, start_page
from inboxwatch.engine.audit import Door
from inboxwatch.engine.authority import Role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.delivery.settle import resend
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.follow_ups import next_follow_up
from inboxwatch.engine.ladder import ladder_of
from inboxwatch.engine.notice_actions import candidates_of
from inboxwatch.engine.qualify import known_choices
from inboxwatch.engine.refused import NoSuchWait, Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import mailbox_view
from inboxwatch.engine.wait_filters import by_people, teams_of
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.notify.text import clean
from inboxwatch.notify.verdict_messages import TO_BE_JUDGED
from inboxwatch.store import Transaction
from inboxwatch.store.board_queries import WaitCounts
from inboxwatch.store.clocks import Where
from inboxwatch.store.marks import HeldUntilMark
from inboxwatch.store.records import ClockRecord
from inboxwatch.web import leads, verdict_board, wait_actions
from inboxwatch.web.audit import fill_in
from inboxwatch.web.auth import Guard, local_path
from inboxwatch.web.history import delivery_view, history
from inboxwatch.web.identity import acting, person_of, require, signed_in
from inboxwatch.web.oidc.sign_in import SignIn
from inboxwatch.web.page_messages import DUE_NEXT, HEADINGS
from inboxwatch.web.pages import BY, Pages
from inboxwatch.web.period_list import PeriodList
from inboxwatch.web.problems import Problem
from inboxwatch.web.wait_story import timeline
from inboxwatch.words import english

PAGE = 100
"""Waits of a page."""
FIRST = 10
"""Overdue waits that are shown before what falls due next; all of them are one click away."""
STATES = ("running", "warned", "breached", "acknowledged", "snoozed", "unverified")
SOON, JUDGE = "soon", "judge"
"""The filters of waits that fall due within the hour, and of what is to be judged."""
_TITLES = {
    SOON: english("Due within the hour"),
    JUDGE: TO_BE_JUDGED,
    FILTERED: verdict_board.FILTERED_TITLE,
}
Section = tuple[str, list[WaitView], int]
"""A heading, the waits below it, and how many more are overdue."""
WRONG_TOKEN_PAUSE = 0.5
"""Seconds that a wrong token costs."""


class Board:
    def __init__(self, daemon: DaemonPort, guard: Guard, pages: Pages, sign_in: SignIn) -> None:
        self._sign_in = sign_in
        self._daemon = daemon
        self._guard = guard
        self._pages = pages
        self._period_list = PeriodList(daemon, pages)

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/waits", self.board),
            web.get("/waits/{clock}", self.wait),
            web.post(f"/waits/{{clock}}/{{action:{'|'.join(wait_actions.BODIES)}}}", self.act),
            web.get("/leads/{email}", self.lead),
            web.get("/mailboxes", self.mailboxes),
            web.post("/dead-letters/{id:\\d{1,18}}/resend", self.resend),
            web.get("/login", self.login),
            web.post("/login", self.enter),
            web.post("/logout", self.leave),
        ]

    async def board(self, request: web.Request) -> web.Response:
        """Open waits, or with a period those behind a figure of a report."""
        if "since" in request.query:
            return await self._period_list.show(request)
        names = ("owner", "team", "tier", "class", "mailbox", "lead", "state")
        where = {name: request.query[name] for name in names if request.query.get(name)}
        page = int(request.query["page"]) if request.query.get("page", "").isdecimal() else 1
        page, now = max(1, min(page, 100_000)), self._daemon.now()
        state = where.get("state", "")
        if state and state not in (*STATES, "overdue", SOON, JUDGE, FILTERED, "closed"):
            text = english("no wait is ever in the state %(state)s; there are %(states)s")
            raise Problem.because(404, text, state=repr(state), states=", ".join(STATES))

        asked = by_people(self._daemon.rules.config, where)

        def ask(tx: Transaction) -> dict[str, Any]:
            counts = tx.board.counts(asked, now)
            sections, more = self._sections(tx, asked, counts, page, now)
            ill = [
                row.id
                for row in tx.mailboxes.all()
                if row.failing_since and row.id in self._daemon.rules.config.mailboxes
            ]
            return {
                "counts": counts,
                "sections": sections,
                "choices": _choices(tx, self._daemon.rules),
                "more": more,
                "to_judge": tx.board.to_judge(asked, now),
                "ill": ill,
                "dead": tx.board.dead_letters(),
                "failed": tx.board.failed_contacts(asked.get("owner")),
                "said_of": verdict_board.said_of(tx, self._daemon.rules, request, now),
            } | verdict_board.lists(tx, self._daemon.rules, asked, now)

        values = await self._daemon.read(ask)
        address = _Address({name: value for name, value in where.items() if value}, page)
        done = request.query.get("done", "")
        return await self._pages.render(
            request, "board.html", where=where, page=page, address=address, done=done, **values
        )

    def _sections(
        self, tx: Transaction, asked: Where, counts: WaitCounts, page: int, now: datetime
    ) -> tuple[list[Section], bool]:
        """The lists of a page, and whether a further one follows. What is to be judged stands before what is to be
        answered.
        """
        state, start = asked.get("state", ""), (page - 1) * PAGE
        rest = {name: value for name, value in asked.items() if name != "state"}
        if state == "closed":
            rows = tx.board.closed(asked, now, offset=start, limit=PAGE + 1)
        elif state == FILTERED:
            rows = tx.board.filtered(rest, offset=start, limit=PAGE + 1)
        elif state == JUDGE:
            rows = tx.board.waits(rest, now, metric="verdict", offset=start, limit=PAGE + 1)
        elif state == SOON:
            rows = tx.board.due_between(rest, now, now + start_page.SOON, offset=start, limit=PAGE + 1)
        elif state == "overdue":
            rows = tx.board.waits(rest, now, overdue=True, offset=start, limit=PAGE + 1)
        elif state:
            rows = tx.board.waits(asked, now, offset=start, limit=PAGE + 1)
        else:
            judge = tx.board.waits(asked, now, metric="verdict", limit=FIRST) if page == 1 else []
            late = tx.board.waits(asked, now, overdue=True, limit=FIRST) if page == 1 else []
            rows = tx.board.waits(asked, now, overdue=False, offset=start, limit=PAGE + 1)
            return [
                (TO_BE_JUDGED, self._views(tx, judge, now), 0),
                (HEADINGS["overdue"], self._views(tx, late, now), counts.overdue - len(late) if page == 1 else 0),
                (DUE_NEXT, self._views(tx, rows[:PAGE], now), 0),
            ], len(rows) > PAGE
        title = _TITLES.get(str(state)) or HEADINGS[str(state)]
        return [(title, self._views(tx, rows[:PAGE], now), 0)], len(rows) > PAGE

    async def wait(self, request: web.Request) -> web.Response:
        return await self._wait(request)

    async def _wait(
        self,
        request: web.Request,
        *,
        status: int = 200,
        problem: str = "",
        given: dict[str, str] | None = None,
        refused: str = "",
    ) -> web.Response:
        """`refused` is the deed that `problem` is about."""
        clock, now, spoken = request.match_info["clock"], self._daemon.now(), self._pages.words(request)

        def ask(tx: Transaction) -> dict[str, Any]:
            row = tx.clocks.get(clock)
            if row is None:
                raise NoSuchWait(clock)
            (view,) = self._views(tx, [row], now)
            past = history(tx, clock)
            told = explain(tx, self._daemon.rules, row.id, now)
            explained = [_shown(text) for text in explanation_lines(told)] if told else []
            undo = view.stopped_at is not None and now - view.stopped_at <= actions.UNDO
            return {
                "wait": view,
                "about": verdict_board.about(tx, self._daemon.rules, row, now, spoken),
                "undo": undo,
                "candidates": candidates_of(tx, self._daemon.rules, row, now, spoken),
                "events": timeline(past, spoken),
                "ownership": past.ownership,
                "explained": explained,
                "named": past.names,
                "ladder": told.waits[0].ladder if told else (),
            }

        values = await self._daemon.read(ask)
        done = request.query.get("done", "") if not problem else ""
        return await self._pages.render(
            request,
            "wait.html",
            status=status,
            problem=problem,
            judging_failed=refused in verdict_board.DEEDS,
            verdicts=known_choices(self._daemon.rules),
            given=given or {},
            done=done,
            **values,
        )

    async def act(self, request: web.Request) -> web.Response:
        clock, action, spoken = request.match_info["clock"], request.match_info["action"], self._pages.words(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        self._guard.check_form(request, form.pop("key", ""))
        if action == "assign":
            form.setdefault("owner", form.get(f"owner-{clock}", ""))
        elif action == verdict_board.SAID:
            verdict_board.read_choice(form, clock)
        fill_in(form)
        form["by"] = acting(request, form.get("by", ""))
        model = wait_actions.BODIES[action]
        known = {field.alias or name for name, field in model.model_fields.items()}
        try:
            body = model.model_validate({name: value for name, value in form.items() if name in known and value})
            await wait_actions.do(self._daemon, clock, body, person_of(request))
        except ValidationError as refused:
            said = Problem.unusable(refused).said(spoken)
            return await self._wait(request, status=422, problem=said, given=form, refused=action)
        except Refused as refused:
            said = refused.said(spoken)
            return await self._wait(request, status=refused.status, problem=said, given=form, refused=action)
        response = web.Response(status=303, headers={"Location": _after(clock, action, form.get("next", ""))})
        self._guard.remember(request, response, BY, form["by"])
        return response

    async def lead(self, request: web.Request) -> web.Response:
        email, now = request.match_info["email"], self._daemon.now()

        def ask(tx: Transaction) -> dict[str, Any]:
            answers = leads.answers(tx, self._daemon.rules, email, now)
            where = {"lead": answers.lead.id}
            rows, over = tx.board.waits(where, now, limit=PAGE), tx.board.closed(where, now, limit=50)
            waits = self._views(tx, rows, now)
            steps = [ladder_of(tx, self._daemon.rules, row, now) for row in rows[:FIRST]]
            ladders = list(zip(waits, steps, strict=False))
            follow_up = next_follow_up(self._daemon.rules, answers.open, now)
            return {
                "answers": answers,
                "follow_up": follow_up,
                "waits": waits,
                "ladders": ladders,
                "over": self._views(tx, over, now),
            }

        return await self._pages.render(request, "lead.html", **await self._daemon.read(ask))

    async def mailboxes(self, request: web.Request) -> web.Response:
        boxes, now = self._daemon.rules.config.mailboxes, self._daemon.now()

        def ask(tx: Transaction) -> dict[str, Any]:
            apart, lost = tx.quarantine.counts(), tx.quarantine.given_up()
            held = tx.marks.all(HeldUntilMark)
            rows = {row.id: row for row in tx.mailboxes.all()}
            shown = [
                mailbox_view(rows[name], box.connector, box.address, apart.get(name, 0), lost.get(name, 0))
                | {"owner": box.owner, "team": box.team, "held_until": _later(held.get(name), now)}
                for name, box in boxes.items()
                if name in rows
            ]
            dead = [delivery_view(row) for row in tx.deliveries.dead(100)]
            return {"boxes": shown, "sources": tx.lead_sources.all(), "dead": dead}

        return await self._pages.render(request, "mailboxes.html", **await self._daemon.read(ask))

    async def resend(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._guard.check_form(request, str(form.get("key", "")))
        require(request, Role.ADMIN)
        number, now = int(request.match_info["id"]), self._daemon.now()
        await self._daemon.write(resend, self._daemon.rules, number, now)
        raise web.HTTPSeeOther("/mailboxes")

    async def login(self, request: web.Request) -> web.Response:
        onward = local_path(request.query.get("next", "/"))
        config = self._daemon.rules.config.web
        asks = self._guard.token is not None or config.oidc is not None
        if not asks or self._guard.session(request) or self._guard.identify(request):
            raise web.HTTPSeeOther(onward)
        # The cookie is strict: a browser that comes by a link from elsewhere leaves it out, and sends it once here.
        again = request.headers.get("Sec-Fetch-Site") == "cross-site"
        return await self._login(request, onward, again=again)

    async def _login(
        self, request: web.Request, onward: str, *, status: int = 200, again: bool = False
    ) -> web.Response:
        """The page of every way to sign in; a status of 403: by a wrong token."""
        ways = {
            "by_token": self._guard.token is not None,
            "by_provider": self._daemon.rules.config.web.oidc is not None,
        }
        values = {"onward": onward, "wrong": status == 403, "again": again}
        return await self._pages.render(request, "login.html", status=status, **ways, **values)

    async def enter(self, request: web.Request) -> web.Response:
        form = await request.post()
        onward = local_path(str(form.get("next", "/")))
        if not self._guard.right_token(request, str(form.get("token", ""))):
            await asyncio.sleep(WRONG_TOKEN_PAUSE)
            return await self._login(request, onward, status=403)
        response = web.Response(status=303, headers={"Location": onward})
        self._guard.sign_in(request, response)
        return response

    async def leave(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._guard.check_form(request, str(form.get("key", "")))
        if (identity := signed_in(request)) is not None and identity.door is Door.OIDC:
            provider = await self._sign_in.sign_out_url()
            response = await self._pages.render(request, "signed_out.html", provider=provider)
        else:
            response = web.Response(status=303, headers={"Location": "/login"})
        self._guard.sign_out(response)
        return response

    def _views(self, tx: Transaction, rows: Sequence[ClockRecord], now: datetime) -> list[WaitView]:
        return wait_views(tx, self._daemon.rules, rows, now, Detail.BUYER)


def _choices(tx: Transaction, rules: Rules) -> dict[str, list[str]]:
    found = tx.board.choices()
    classes = list(rules.qualification.classes) if rules.qualification is not None else []
    return found | {"team": teams_of(rules.config, found["owner"]), "class": classes}


def _after(clock: str, action: str, onward: str) -> str:
    """Where a deed leads: to the page from which it was done, else to the page of the wait."""
    if not onward:
        return f"/waits/{quote(clock, safe='')}?done={action}"
    path = local_path(onward)
    return f"{path}{'&' if '?' in path else '?'}{urlencode({'done': action, 'wait': clock})}"


def _shown(line: str) -> str:
    """A line of `explain` made harmless, with its indentation."""
    return line[: len(line) - len(line.lstrip(" "))] + clean(line, 1000)


def _later(at: datetime | None, now: datetime) -> datetime | None:
    """An instant that is still to come."""
    return at if at is not None and at > now else None


class _Address:
    """Addresses of the board under other filters."""

    def __init__(self, where: dict[str, str], page: int) -> None:
        self._where = where
        self._page = page

    def having(self, **changed: Any) -> str:
        """The same filters but for those given; an empty value drops one. Without `page` it is the first page."""
        values = {name: str(value) for name, value in (self._where | changed).items() if value not in ("", None, 1)}
        return f"/waits?{urlencode(values)}" if values else "/waits"
