"""The JSON API under `/api/v1`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from inboxwatch.core.model import Lead
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine import actions
from inboxwatch.engine.authority import Role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.delivery.settle import resend
from inboxwatch.engine.lead_view import PUSHED
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import found_view, lead_view, mailbox_view
from inboxwatch.engine.wait_filters import by_people
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.store import Transaction
from inboxwatch.web import (
    audit_query,
    deeds,
    follow_ups,
    kinds,
    lead_push,
    leads,
    matches,
    outcomes,
    qualification,
    wait_actions,
)
from inboxwatch.web.bodies import Activity, Erasing, LeadBody, Push, Reviewed, SaidKind, read
from inboxwatch.web.history import delivery_view, history
from inboxwatch.web.identity import person_of, require
from inboxwatch.web.problems import Problem
from inboxwatch.web.query_fields import refuse_unknown

LIMIT, MOST = 100, 1000
"""Items of a page, unless asked otherwise, and at most."""
_PAGING = ("limit", "next")
_FILTERS = ("state", "owner", "team", "tier", "lead", "mailbox", "metric", "class")


class Api:
    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon

    def routes(self) -> Iterable[web.RouteDef]:
        clock, lead = "/api/v1/clocks/{clock}", "/api/v1/leads/{email}"
        return [
            web.get("/api/v1/clocks", self.clocks),
            web.get(clock, self.clock),
            web.get(f"{clock}/history", self.history),
            web.post(f"{clock}/{{action:{'|'.join(wait_actions.BODIES)}}}", self.act),
            web.get("/api/v1/leads", self.leads),
            web.post("/api/v1/leads", self.push_leads),
            web.get(lead, self.lead),
            web.put(lead, self.put_lead),
            web.delete(lead, self.delete_lead),
            web.post(f"{lead}/forget", self.forget),
            web.post("/api/v1/activities", self.activity),
            web.get("/api/v1/follow-ups", self.follow_ups),
            web.get("/api/v1/outcomes", self.outcomes),
            web.get("/api/v1/qualification", self.qualification),
            web.get("/api/v1/deeds", self.deeds),
            web.get("/api/v1/mailboxes", self.mailboxes),
            web.get("/api/v1/matches", self.matches),
            web.post("/api/v1/matches/{message:.+}/{action:confirm|split|undo}", self.review),
            web.get("/api/v1/kinds", self.kinds),
            web.get("/api/v1/kinds/said", self.said),
            web.post("/api/v1/kinds/{message:.+}/{action:confirm|undo}", self.say),
            web.get("/api/v1/audit", self.audit),
            web.get("/api/v1/dead-letters", self.dead_letters),
            web.post("/api/v1/dead-letters/{id:\\d{1,18}}/resend", self.resend),
        ]

    async def clocks(self, request: web.Request) -> web.Response:
        where = {name: request.query[name] for name in _FILTERS if request.query.get(name)}
        if where.get("state", "open") not in ("open", "closed"):
            raise Problem(422, "state: must be open or closed")
        refuse_unknown(request.query, _FILTERS, _PAGING)
        if "lead" in where:
            where["lead"] = where["lead"].lower()
        if "class" in where:
            where["class"] = where["class"].lower()
        limit, now = _limit(request), self._daemon.now()
        asked = by_people(self._daemon.rules.config, where)
        after = _after(request, lambda due, clock: (datetime.fromtimestamp(due / 1_000_000, UTC), str(clock)))

        def ask(tx: Transaction) -> dict[str, object]:
            rows = tx.clocks.listed(asked, after, limit + 1)
            last = rows[limit - 1] if len(rows) > limit else None
            token = _token(round(last.due_at.timestamp() * 1_000_000), last.id) if last is not None else None
            views = wait_views(tx, self._daemon.rules, rows[:limit], now, Detail.CLOCK)
            return {"items": [view.as_json() for view in views], "next": token}

        return _json(await self._daemon.read(ask))

    async def clock(self, request: web.Request) -> web.Response:
        return _json((await wait_actions.shown(self._daemon, request.match_info["clock"])).as_json())

    async def history(self, request: web.Request) -> web.Response:
        return _json(await self._daemon.read(lambda tx: history(tx, request.match_info["clock"]).as_json()))

    async def act(self, request: web.Request) -> web.Response:
        body = await read(request, wait_actions.BODIES[request.match_info["action"]])
        done = await wait_actions.do(self._daemon, request.match_info["clock"], body, person_of(request))
        return _json(done.as_json())

    async def leads(self, request: web.Request) -> web.Response:
        limit = _limit(request)
        if (query := request.query.get("search")) is not None:
            start = _after(request, _place) or 0

            def search(tx: Transaction) -> dict[str, object]:
                found, count = tx.leads.find(query, limit, start)
                more = _token(start + limit) if start + limit < count else None
                return {"items": [found_view(one) for one in found], "next": more, "count": count}

            return _json(await self._daemon.read(search))
        (after,) = _after(request, lambda lead: (str(lead),)) or ("",)

        def ask(tx: Transaction) -> dict[str, object]:
            found = tx.leads.page(after, limit + 1)
            token = _token(found[limit - 1].id) if len(found) > limit else None
            return {"items": [lead_view(lead) for lead in found[:limit]], "next": token}

        return _json(await self._daemon.read(ask))

    async def lead(self, request: web.Request) -> web.Response:
        daemon, email = self._daemon, request.match_info["email"]
        return _json((await daemon.read(leads.answers, daemon.rules, email, daemon.now())).as_json())

    async def push_leads(self, request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        body = await read(request.clone(client_max_size=lead_push.BODY_LIMIT), Push)
        return _json(await lead_push.push_leads(self._daemon, body))

    async def put_lead(self, request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        body = await read(request, LeadBody)
        return _json(await leads.put(self._daemon, request.match_info["email"], body))

    async def delete_lead(self, request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        ends = request.query.get("with_open_waits", "false") == "true"
        person = person_of(request)
        by = person.id if person else PUSHED
        return _json(await leads.delete(self._daemon, request.match_info["email"], by, with_open_waits=ends))

    async def forget(self, request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        body = await read(request, Erasing)
        return _json(await leads.erase(self._daemon, request.match_info["email"], body))

    async def activity(self, request: web.Request) -> web.Response:
        body = await read(request, Activity)
        daemon, now = self._daemon, self._daemon.now()
        if body.at > now:
            raise Problem(422, "at: must not lie in the future")
        reason = f"{body.type}: {body.note}" if body.note else body.type
        lead, threads = await daemon.write(_log, daemon.rules, body, reason, now, person_of(request))
        return _json(
            {
                "lead": lead.id,
                "type": body.type,
                "at": rfc3339(body.at),
                "by": body.by,
                "note": body.note,
                "threads": threads,
            }
            | ({"id": body.id} if body.id is not None else {})
        )

    async def follow_ups(self, request: web.Request) -> web.Response:
        return _json(await follow_ups.by_day(self._daemon, dict(request.query)))

    async def outcomes(self, request: web.Request) -> web.Response:
        return _json(await outcomes.of_query(self._daemon, request.query))

    async def qualification(self, request: web.Request) -> web.Response:
        return _json(await qualification.of_query(self._daemon, request.query))

    async def deeds(self, request: web.Request) -> web.StreamResponse:
        require(request, Role.MANAGER)
        return await deeds.of_query(self._daemon, request)

    async def mailboxes(self, request: web.Request) -> web.Response:
        boxes = self._daemon.rules.config.mailboxes

        def ask(tx: Transaction) -> dict[str, object]:
            apart, lost = tx.quarantine.counts(), tx.quarantine.given_up()
            rows = {row.id: row for row in tx.mailboxes.all()}
            items = [
                mailbox_view(rows[name], box.connector, box.address, apart.get(name, 0), lost.get(name, 0))
                for name, box in boxes.items()
                if name in rows
            ]
            return {"items": items, "next": None}

        return _json(await self._daemon.read(ask))

    async def matches(self, request: web.Request) -> web.Response:
        if request.query.get("review", "open") != "open":
            raise Problem(422, "review: must be open")
        after = _after(request, lambda at, key: (datetime.fromtimestamp(at / 1_000_000, UTC), str(key)))
        items, last = await matches.page(self._daemon, after, _limit(request))
        token = _token(round(last[0].timestamp() * 1_000_000), last[1]) if last is not None else None
        return _json({"items": items, "next": token})

    async def review(self, request: web.Request) -> web.Response:
        require(request, Role.MANAGER)
        body = await read(request, Reviewed)
        return _json(await matches.do(self._daemon, request.match_info["message"], request.match_info["action"], body))

    async def kinds(self, request: web.Request) -> web.Response:
        refuse_unknown(request.query, kinds.FILTERS, _PAGING)
        before = _after(request, lambda at, key: (datetime.fromtimestamp(at / 1_000_000, UTC), str(key)))
        items, last = await kinds.page(self._daemon, request.query, before, _limit(request))
        token = _token(round(last[0].timestamp() * 1_000_000), last[1]) if last is not None else None
        return _json({"items": items, "next": token})

    async def said(self, request: web.Request) -> web.Response:
        said = await self._daemon.read(lambda tx: tx.kinds.said())
        return _json({"items": [kinds.fact_view(fact) for fact in said], "next": None})

    async def say(self, request: web.Request) -> web.Response:
        require(request, Role.MANAGER)
        body = await read(request, SaidKind)
        return _json(await kinds.do(self._daemon, request.match_info["message"], request.match_info["action"], body))

    async def audit(self, request: web.Request) -> web.Response:
        require(request, Role.MANAGER)
        refuse_unknown(request.query, audit_query.FILTERS, _PAGING)
        before = _after(request, int)
        items, last = await audit_query.page(self._daemon, request.query, before, _limit(request))
        return _json({"items": items, "next": _token(last) if last is not None else None})

    async def dead_letters(self, request: web.Request) -> web.Response:
        limit = _limit(request)

        def ask(tx: Transaction) -> dict[str, object]:
            return {"items": [delivery_view(row) for row in tx.deliveries.dead(limit)], "next": None}

        return _json(await self._daemon.read(ask))

    async def resend(self, request: web.Request) -> web.Response:
        require(request, Role.ADMIN)
        number, now = int(request.match_info["id"]), self._daemon.now()
        channel = await self._daemon.write(resend, self._daemon.rules, number, now)
        return _json({"id": number, "state": "pending", "channel": channel})


def _log(
    tx: Transaction, rules: Rules, body: Activity, reason: str, now: datetime, person: Person | None
) -> tuple[Lead, int]:
    if person is not None and (lead := tx.leads.by_address(body.lead.lower())) is not None and lead.owner != person.id:
        rows = tx.clocks.listed({"lead": lead.id, "state": "open"}, None, actions.MOST_WAITS)
        wait_actions.may_act(tx, rules, rows, person)
    told = (PUSHED, body.id) if body.id is not None else None
    threads = actions.log_activity(tx, rules, body.lead, actions.Acting(body.by, body.at, reason), now, told)
    return leads.known(tx, body.lead), threads


def _json(body: Any) -> web.Response:
    return web.json_response(body, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise Problem(422, f"limit: must be a number from 1 to {MOST}")
    return int(text)


def _token(*place: Any) -> str:
    """The place behind which the next page begins, opaque to the outside."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()


def _place(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < 2**40:
        raise ValueError("no place in a list")
    return number


def _after(request: web.Request, make: Callable[..., Any]) -> Any:
    """The place of the query's `next` token, or None for the first page."""
    token = request.query.get("next")
    if not token:
        return None
    try:
        return make(*json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError, RecursionError):
        raise Problem(422, "next: is no token of this list") from None
