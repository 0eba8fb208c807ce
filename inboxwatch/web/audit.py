"""Every request that would change something leaves a row in the audit log; what is not even let in is counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import web

from inboxwatch.engine.audit import RELOAD, Attempt, AuditedDaemon, AuditOutcome, Door, note, under_way
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store import Outage, Transaction
from inboxwatch.web.identity import signed_in
from inboxwatch.web.proxy import claims

log = structlog.get_logger(__name__)

CLI = "inboxwatch-cli"
"""How the program's own commands name themselves, in the header User-Agent."""
COUNTED_FOR = 60.0
"""Seconds for which attempts are counted until they are written: guessing must not fill the store."""
SIGN_IN = "sign_in"
_DEEDS = {
    "/-/reload": RELOAD,
    "/login": SIGN_IN,
    "/oidc/callback": SIGN_IN,
    "/logout": "sign_out",
    "/a/{token}": "link",
    "/api/v1/activities": "activity.log",
    "/api/v1/leads": "lead.push",
    "/api/v1/leads/{email}": "lead",
    "/api/v1/leads/{email}/forget": "lead.forget",
    "/api/v1/clocks/{clock}/{action}": "wait",
    "/waits/{clock}/{action}": "wait",
    "/start/{action}": "wait",
    "/api/v1/matches/{message}/{action}": "match",
    "/review/matches/{message}/{action}": "match",
    "/matches/{message}/{action}": "match",
    "/api/v1/kinds/{message}/{action}": "kind",
    "/review/kinds/{message}/{action}": "kind",
    "/api/v1/dead-letters/{id}/resend": "notice.resend",
    "/dead-letters/{id}/resend": "notice.resend",
}
_VERBS = {"PUT": "put", "DELETE": "delete"}
REFUSED, BROKEN = 400, 500
TIMED_OUT = 408


class AuditTrail:
    """Notes requests, each with what became of it."""

    def __init__(self, daemon: AuditedDaemon) -> None:
        self._daemon = daemon
        self._counted: Counter[tuple[Door, AuditOutcome]] = Counter()
        self._timer: asyncio.Task[None] | None = None

    async def answered(self, attempt: Attempt, status: int) -> None:
        """Notes what an attempt came to, unless its deed has noted it."""
        if attempt.noted:
            return
        if status >= REFUSED and (attempt.deed == SIGN_IN or (attempt.door is Door.LINK and not attempt.clock)):
            self.count(attempt.door, AuditOutcome.REFUSED)  # by anybody who reaches the port
            return
        outcome = AuditOutcome.DONE
        if status >= REFUSED:
            outcome = AuditOutcome.FAILED if status in (TIMED_OUT, BROKEN) else AuditOutcome.REFUSED
        try:
            await self._daemon.conclude(attempt, outcome, status if status >= REFUSED else None)
        except Outage as error:
            log.warning("an attempt could not be noted", deed=attempt.deed, outcome=outcome.value, error=str(error))

    def count(self, door: Door, outcome: AuditOutcome) -> None:
        """Counts somebody who wanted in. The count is written within a minute, and when the web ends."""
        self._counted[door, outcome] += 1
        if self._timer is None:
            self._timer = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(COUNTED_FOR)
        self._timer = None
        await self._write()

    async def close(self, app: web.Application) -> None:
        """Writes what is counted."""
        if self._timer is not None:
            self._timer.cancel()
        await self._write()

    async def _write(self) -> None:
        counted, self._counted = self._counted, Counter()
        if not counted:
            return

        def write(tx: Transaction) -> None:
            for (door, outcome), times in counted.items():
                attempt = Attempt(door, SIGN_IN, times=times)
                note(tx, self._daemon.rules, attempt, self._daemon.now(), outcome=outcome)

        try:
            await self._daemon.write(write)
        except Outage as error:
            self._counted.update(counted)
            log.warning("failed sign-ins could not be noted", times=counted.total(), error=str(error))


def attempt_of(daemon: DaemonPort, request: web.Request, *, by_cookie: bool) -> Attempt:
    """What a request that is let in wants to do. A route without a name of its own is named by method and path."""
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    deed = _DEEDS.get(path, f"{request.method} {path or 'nothing'}")
    verb = request.match_info.get("action") or _VERBS.get(request.method)
    found = {name: request.match_info.get(name, "") for name in ("clock", "message", "email", "id")}
    identity = signed_in(request)
    return Attempt(
        door_of(daemon, request, by_cookie=by_cookie),
        f"{deed}.{verb}" if verb and path in _DEEDS else deed,
        by=identity.person.id if identity is not None and identity.person is not None else "",
        guest=identity.guest if identity is not None else "",
        clock=found["clock"],
        message=found["message"],
        lead=found["email"],
        number=found["id"],
    )


def door_of(daemon: DaemonPort, request: web.Request, *, by_cookie: bool) -> Door:
    """By what a request comes in, or tries to."""
    if request.path.startswith("/a/"):
        return Door.LINK
    if (identity := signed_in(request)) is not None:
        return identity.door
    if claims(daemon.rules.config.web.proxy, request):
        return Door.PROXY
    if request.path == "/oidc/callback":
        return Door.OIDC
    if request.headers.get("User-Agent", "").startswith(CLI):
        return Door.CLI
    if request.path == "/login" or by_cookie:
        return Door.BOARD
    if "Authorization" in request.headers or daemon.rules.config.web.token is not None:
        return Door.TOKEN
    return Door.LOCAL


def fill_in(body: Mapping[str, Any]) -> None:
    """What the body of a request says of the attempt under way: in whose name, to whom, about which lead."""
    attempt = under_way()
    if attempt is None:
        return
    attempt.by = attempt.by or str(body.get("by", ""))
    attempt.owner = str(body.get("owner", ""))
    attempt.lead = attempt.lead or str(body.get("lead", ""))
