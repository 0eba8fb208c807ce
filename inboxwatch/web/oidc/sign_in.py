"""The way to the provider and back: `/oidc/start` sends people there, `/oidc/callback` takes its word."""

from __future__ import annotations

import hmac
import math
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from inboxwatch.engine.audit import under_way
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.web.attempts import Attempts
from inboxwatch.web.auth import Guard, local_path
from inboxwatch.web.oidc import Begun, ProviderError
from inboxwatch.web.oidc.sessions import claimed_role, identity_of
from inboxwatch.web.pages import Pages
from inboxwatch.web.problems import Problem

if TYPE_CHECKING:
    from inboxwatch.web.oidc.provider import Provider

log = structlog.get_logger(__name__)

START, CALLBACK = "/oidc/start", "/oidc/callback"
FREE, LONGEST = 20, 30.0
"""Sign-ins that may fail without a pause, and the longest pause: people behind one proxy share a peer."""
_MOST = 4096
"""Letters of a code."""


class SignIn:
    def __init__(self, daemon: DaemonPort, guard: Guard, pages: Pages) -> None:
        self._daemon = daemon
        self._guard = guard
        self._pages = pages
        self._attempts = Attempts(FREE, LONGEST)
        self._provider: Provider | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get(START, self.start), web.get(CALLBACK, self.callback)]

    def provider(self) -> Provider:
        """That of the config in force. Raises Problem where there is none."""
        from inboxwatch.web.oidc.provider import Provider  # heavy, and most have none

        config = self._daemon.rules.config.web
        if config.oidc is None:
            raise Problem(404, "nobody signs in here by a provider: the config has no web.oidc")
        callback = f"{config.url}{CALLBACK}"
        known = self._provider
        if known is None or (known.config, known.callback) != (config.oidc, callback):
            known = self._provider = Provider(config.oidc, callback)
        return known

    async def sign_out_url(self) -> str | None:
        """Where one signs out at the provider itself, where it offers that; it sends people back to the login page."""
        return await self.provider().sign_out_url(f"{self._daemon.rules.config.web.url}/login")

    async def start(self, request: web.Request) -> web.Response:
        begun = Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        try:
            url = await self.provider().sign_in_url(begun)
        except ProviderError as error:
            raise self._problem(error) from None
        response = web.Response(status=303, headers={"Location": url})
        onward = local_path(request.query.get("next", "/"))
        self._guard.sessions.begin(response, begun, onward, secure=self._guard.encrypted(request))
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Takes the provider's word of who has come back, if it is that and of a sign-in of this very browser."""
        if wait := self._attempts.wait(request.remote):
            raise Problem(429, "too many sign-ins have failed: wait", headers={"Retry-After": str(math.ceil(wait))})
        try:
            response = await self._let_in(request)
        except ProviderError as error:
            self._attempts.note(request.remote, right=error.away)
            response = await self._pages.problem(request, self._problem(error))
        else:
            self._attempts.note(request.remote, right=True)
        self._guard.sessions.end_begun(response)
        return response

    async def _let_in(self, request: web.Request) -> web.Response:
        provider, sessions = self.provider(), self._guard.sessions
        begun, onward = _of_this_browser(request, sessions.begun(request), provider.config.issuer)
        code = request.query.get("code", "")
        if not code or len(code) > _MOST:
            raise ProviderError("no_code", "the provider sent no code: sign in again")
        claims = await provider.claims(code, begun, self._daemon.now())
        address = _address(claims, provider.config.claim)
        claimed = claimed_role(provider.config, claims)
        identity = identity_of(self._daemon.rules.config, address, claimed)
        if identity is None:
            text = (
                f"you are signed in as {address[:100]}, who is none of `people` in the config: ask your administrator"
            )
            raise ProviderError("nobody", text)
        if (attempt := under_way()) is not None:
            attempt.by = identity.person.id if identity.person is not None else ""
            attempt.guest = identity.guest
        # A page, not a redirect: on the way from another site the strict cookie would be left out once more.
        response = await self._pages.render(request, "signed_in.html", onward=onward, name=identity.name)
        sessions.open(response, address, claimed, secure=self._guard.encrypted(request))
        return response

    def _problem(self, error: ProviderError) -> Problem:
        log.warning("a sign-in came to nothing", reason=error.reason)
        if error.away:
            return Problem(503, str(error), headers={"Retry-After": "10"})
        self._daemon.metrics.login_failed("refused")
        return Problem(403, str(error))


def _of_this_browser(request: web.Request, found: tuple[Begun, str] | None, issuer: str) -> tuple[Begun, str]:
    """What the sign-in began with. Raises ProviderError where it began elsewhere, or the provider ended it."""
    given = request.query.get("state", "").encode("utf-8", "surrogateescape")
    if found is None or not hmac.compare_digest(given, found[0].state.encode()):
        raise ProviderError("state", "this sign-in did not begin in this browser, or took too long: sign in again")
    if request.query.get("iss", issuer) != issuer:  # RFC 9207
        raise ProviderError("iss", "another provider than ours has sent you: sign in again")
    if error := request.query.get("error"):
        words = {"access_denied": "the provider did not let you in, or you said no there: ask your administrator"}
        raise ProviderError("denied", words.get(error, "the provider ended the sign-in with an error: try again"))
    return found


def _address(claims: Mapping[str, Any], claim: str) -> str:
    """Whose address the provider vouches for. Raises ProviderError."""
    found = claims.get(claim)
    if not isinstance(found, str) or not 0 < len(found) <= 320 or not found.isprintable():
        text = f"the provider names no {claim}: your administrator can add a scope, or set web.oidc.claim"
        raise ProviderError("no_claim", text)
    if claim == "email" and claims.get("email_verified") is not True:
        text = "your e-mail address is not verified at the provider: verify it there, then sign in again"
        raise ProviderError("unverified", text)
    return found.strip().lower()
