"""Who may ask: by a bearer token, a cookie got by entering it, a provider's or a proxy's word; no cross-site posts."""

from __future__ import annotations

import hmac
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote, urlsplit

import structlog
from aiohttp import web

from inboxwatch.config.fields import is_loopback
from inboxwatch.engine.authority import Role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.notify.links import signer
from inboxwatch.web import proxy
from inboxwatch.web.attempts import Attempts
from inboxwatch.web.identity import admit, require, signed_in
from inboxwatch.web.oidc.sessions import Sessions
from inboxwatch.web.problems import Problem

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "inboxwatch"
LASTS = timedelta(days=30)
YEAR = 365 * 86400
"""Seconds for which a browser keeps what was chosen in it."""
_OPEN = ("/healthz", "/readyz", "/login", "/oidc/start", "/oidc/callback")
_ANY_NAME = ("/healthz", "/readyz", "/metrics")
"""What probes and scrapers ask for, by whatever name or address they find this machine."""
_OPEN_BELOW = ("/a/", "/static/")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Decides about every request before any handler sees it."""

    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon
        self._signer = signer(daemon.key, "web")
        self._attempts = Attempts()
        self.sessions = Sessions(daemon)
        """Of people whom the OpenID provider has signed in."""

    @property
    def token(self) -> str | None:
        """The token of the config in force; None where everybody on this machine may ask."""
        secret = self._daemon.rules.config.web.token
        return None if secret is None else secret.reveal()

    def check(self, request: web.Request) -> None:
        """Raises Problem (or a redirect to the login page) where the request must not go on."""
        self._same_site(request)
        config = self._daemon.rules.config.web
        if request.path in _OPEN or request.path.startswith(_OPEN_BELOW):
            return
        if self.identify(request):
            _may_change(request)
            return
        if config.open_here or self.session(request) or self._bearer(request):
            return
        if self.token is None and config.oidc is None:
            raise Problem(401, "sign in at the proxy: this request bears no name of it")
        if _is_page(request):
            raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")
        if self.token is None:
            raise Problem(401, "sign in at /login; for programs give web.token in the config")
        raise Problem(
            401, "send the header `Authorization: Bearer` with web.token", headers={"WWW-Authenticate": "Bearer"}
        )

    def identify(self, request: web.Request) -> bool:
        """Whether somebody asks in their own name, by the proxy or a session; handlers then find them."""
        if proxy.sign_in(self._daemon.rules.config, request):
            return True
        identity = self.sessions.identity(request)
        if identity is not None:
            admit(request, identity)
        return identity is not None

    def right_token(self, request: web.Request, given: str) -> bool:
        """Compares in constant time. Whoever was wrong often must wait before they are heard again (Problem 429)."""
        if self.token is None:
            return False
        if wait := self._attempts.wait(request.remote):
            self._count("slowed", request.remote)
            raise Problem(429, "too many wrong tokens: wait", headers={"Retry-After": str(math.ceil(wait))})
        right = hmac.compare_digest(_bytes(given), _bytes(self.token))
        self._attempts.note(request.remote, right=right)
        if not right:
            self._count("wrong", request.remote)
        return right

    def _count(self, outcome: str, peer: str | None) -> None:
        self._daemon.metrics.login_failed(outcome)
        log.warning("a login with a wrong token", outcome=outcome, peer=peer)

    def encrypted(self, request: web.Request) -> bool:
        """Whether browsers come by https, to us or to a proxy in front; then no cookie leaves them without it."""
        return request.secure or self._daemon.rules.config.web.url.startswith("https:")

    def remember(  # six parameters: the exchange, and what of it stays for how far
        self, request: web.Request, response: web.StreamResponse, cookie: str, choice: str, *, samesite: str = "Strict"
    ) -> None:
        """Keeps a choice in the browser for a year."""
        secure = self.encrypted(request)
        response.set_cookie(cookie, choice, max_age=YEAR, httponly=True, samesite=samesite, secure=secure)

    def sign_in(self, request: web.Request, response: web.StreamResponse) -> None:
        """Gives the browser its cookie."""
        expires = int((self._daemon.now() + LASTS).timestamp())
        response.set_cookie(
            COOKIE,
            f"{expires}.{self._mac(f'session {expires} {self.token}')}",
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self.encrypted(request),
        )

    def session(self, request: web.Request) -> bool:
        """Whether the request has a cookie of ours that is still good; another token makes all of them bad."""
        expires, _, mac = request.cookies.get(COOKIE, "").partition(".")
        if not expires.isascii() or not expires.isdigit():
            return False
        if self.token is None or len(expires) > 12:
            return False
        if not hmac.compare_digest(_bytes(mac), self._mac(f"session {expires} {self.token}").encode()):
            return False
        return int(expires) > self._daemon.now().timestamp()

    def sign_out(self, response: web.StreamResponse) -> None:
        """Takes the browser's cookie away."""
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        self.sessions.close(response)

    def form_key(self, request: web.Request) -> str:
        """What a form of this session must send back."""
        if identity := signed_in(request):
            return self._mac(f"{identity.door} {identity.person.id if identity.person else identity.guest}")
        return self._mac(f"form {request.cookies.get(COOKIE, '') if self.token else ''}")

    def check_form(self, request: web.Request, given: str) -> None:
        if not hmac.compare_digest(_bytes(given), self.form_key(request).encode()):
            raise Problem(403, "the form is too old; go back, reload the page and send it again")

    def _bearer(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.right_token(request, given.strip())

    def _same_site(self, request: web.Request) -> None:
        """Refuses what another site's page makes a browser send, and names by which it could pass for this site."""
        host = request.headers.get("Host", "")
        # Without a token even these must be asked for by name: a page under a false one could read them, or send the
        # proxy's header from a browser on the proxy's machine.
        known_by_place = self.token is None or proxy.claims(self._daemon.rules.config.web.proxy, request)
        by_any_name = request.path in _ANY_NAME and not known_by_place
        if not by_any_name and not self._ours(request, host):
            raise Problem(
                421, f"ask for this machine by its own name or address, or set web.url: {host[:100]!r} is none"
            )
        if request.method in SAFE:
            return
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc not in (
            host,
            urlsplit(self._daemon.rules.config.web.url).netloc,
        )
        if foreign or site in ("cross-site", "same-site"):
            raise Problem(403, "this came from another site's page")

    def _ours(self, request: web.Request, host: str) -> bool:
        """Whether a Host header names this machine: a name that resolves to it by trickery does not (DNS rebinding).

        Its own are the name in `web.url`, the host of `web.listen`, loopback, and the address that was connected to.
        """
        config = self._daemon.rules.config.web
        public = urlsplit(config.url)
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return (
            host == public.netloc
            or name in (public.hostname, config.listen.host.lower(), _reached(request))
            or (name != "" and is_loopback(name))
        )

    def _mac(self, text: str) -> str:
        return self._signer.get_signature(_bytes(text)).decode()


def _may_change(request: web.Request) -> None:
    """Raises Problem where a viewer wants to do more than view."""
    if request.method not in SAFE and request.path != "/logout":
        require(request, Role.REP)


def _reached(request: web.Request) -> str | None:
    """The address of this machine that a client connected to."""
    found = request.get_extra_info("sockname")
    return str(found[0]).partition("%")[0] if isinstance(found, tuple) else None


def _bytes(text: str) -> bytes:
    """What came as odd bytes of a header is compared as those bytes."""
    return text.encode("utf-8", "surrogateescape")


def local_path(path: str) -> str:
    """A path of this site to go on to; anything else becomes the board."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def _is_page(request: web.Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")
