"""Sessions of people whom the provider has signed in: a signed cookie that holds who they are and until when.

Nothing is kept here of a session, so that several daemons take it and a restart ends none. What the config says of a
person is asked anew at each request: who leaves it is out at once.
"""

from __future__ import annotations

import base64
import hmac
import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web

from inboxwatch.config import Config, OidcConfig
from inboxwatch.core.ownership.people import Person
from inboxwatch.engine.audit import Door
from inboxwatch.engine.authority import Role, role
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.notify.links import signer
from inboxwatch.web.identity import Identity
from inboxwatch.web.oidc import Begun

PERSON = "inboxwatch-person"
SIGNING_IN = "inboxwatch-signing-in"
BELOW = "/oidc"
"""Where the cookie of a sign-in that has begun is sent."""
TRIES = timedelta(minutes=10)
"""How long a sign-in may take."""
_LONGEST = 4096
Payload = dict[str, Any]
Value = TypeVar("Value")


class Sessions:
    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon
        self._signer = signer(daemon.key, "oidc")

    @property
    def config(self) -> OidcConfig | None:
        return self._daemon.rules.config.web.oidc

    def begin(self, response: web.StreamResponse, begun: Begun, onward: str, *, secure: bool) -> None:
        """Gives the browser what its sign-in began with. It comes back from another site, so the cookie is lax."""
        payload = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": onward}
        value = self._sealed("begin", payload, self._daemon.now() + TRIES)
        seconds = int(TRIES.total_seconds())
        response.set_cookie(
            SIGNING_IN, value, max_age=seconds, path=BELOW, httponly=True, samesite="Lax", secure=secure
        )

    def begun(self, request: web.Request) -> tuple[Begun, str] | None:
        """What this browser's sign-in began with, and where it goes on to."""
        found = self._opened("begin", request.cookies.get(SIGNING_IN, ""))
        if found is None:
            return None
        return Begun(str(found["state"]), str(found["nonce"]), str(found["verifier"])), str(found["next"])

    def end_begun(self, response: web.StreamResponse) -> None:
        response.del_cookie(SIGNING_IN, path=BELOW, httponly=True, samesite="Lax")

    def open(self, response: web.StreamResponse, address: str, claimed: Role | None, *, secure: bool) -> None:
        """Gives the browser the cookie of who has signed in, with the role that the provider says they have."""
        assert self.config is not None  # noqa: S101  (who opens a session has come by it)
        payload = {"address": address, "role": claimed.name if claimed is not None else None}
        value = self._sealed("person", payload, self._daemon.now() + self.config.lasts)
        seconds = int(self.config.lasts.total_seconds())
        response.set_cookie(PERSON, value, max_age=seconds, httponly=True, samesite="Strict", secure=secure)

    def close(self, response: web.StreamResponse) -> None:
        response.del_cookie(PERSON, httponly=True, samesite="Strict")

    def identity(self, request: web.Request) -> Identity | None:
        """Who asks by such a cookie; None where there is none that is still good, or they are nobody any more."""
        found = self._opened("person", request.cookies.get(PERSON, "")) if self.config is not None else None
        if found is None:
            return None
        claimed = Role[found["role"]] if found["role"] is not None else None
        return identity_of(self._daemon.rules.config, str(found["address"]), claimed)

    def _sealed(self, purpose: str, payload: Payload, until: datetime) -> str:
        text = json.dumps({"until": int(until.timestamp()), **payload}, separators=(",", ":"))
        body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{body}.{self._mac(purpose, body)}"

    def _opened(self, purpose: str, value: str) -> Payload | None:
        body, _, mac = value.partition(".")
        given = mac.encode("utf-8", "surrogateescape")
        if len(value) > _LONGEST or not hmac.compare_digest(given, self._mac(purpose, body).encode()):
            return None
        found: Payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return found if found["until"] > self._daemon.now().timestamp() else None

    def _mac(self, purpose: str, body: str) -> str:
        """Bound to the provider: another one in the config, or another client there, ends all sessions."""
        config = self.config
        provider = f"{config.issuer} {config.client_id}" if config is not None else ""
        text = f"{purpose} {provider} {body}"
        return self._signer.get_signature(text.encode("utf-8", "surrogateescape")).decode()


def identity_of(config: Config, address: str, claimed: Role | None) -> Identity | None:
    """Who has an address. The provider's word on a role counts before the config's; without either nobody is let in."""
    oidc = config.web.oidc
    person = _person(config, address)
    if claimed is None and person is not None:
        claimed = role(config, person.id)
    if claimed is None and oidc is not None and oidc.default_role is not None:
        claimed = Role[oidc.default_role.upper()]
    if claimed is None:
        return None
    return Identity(claimed, Door.OIDC, person, "" if person is not None else address)


def claimed_role(config: OidcConfig, claims: Any) -> Role | None:
    """The highest role that the provider's groups or roles give."""
    if config.roles_claim is None:
        return None
    found: Any = claims.get(config.roles_claim)
    if found is None:
        found = claims
        for step in config.roles_claim.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    given = {one for one in listed if isinstance(one, str)}
    return max((Role[name.upper()] for name, values in config.roles.items() if values & given), default=None)


def _person(config: Config, address: str) -> Person | None:
    return next((one for one in config.people.values() if address in (one.email, *one.aliases)), None)
