"""An OpenID provider on loopback: discovery, authorization code flow with PKCE, keys that change, sign-out.

It refuses what a provider must refuse (a code twice, a wrong verifier, a wrong client), and its tokens can be bent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "inboxwatch", "s3cr3t of the client"
Claims = dict[str, Any]


@cache
def _key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True)


@dataclass
class OpenIdProvider:
    now: Callable[[], datetime]
    url: str = ""
    person: Claims = field(default_factory=lambda: {"sub": "7", "email": "ana@acme.test", "email_verified": True})
    """Who is signed in there: the claims of the ID token."""
    info: Claims = field(default_factory=dict)
    """What the user-info endpoint says besides."""
    about: Claims = field(default_factory=dict)
    """What the discovery document says otherwise."""
    bent: Callable[[Claims], Claims] = lambda claims: claims
    """Changes the claims of a token before it is signed."""
    signed: Callable[[Claims], str] | None = None
    """Makes the token instead."""
    answer: Claims = field(default_factory=dict)
    """What is sent back to the client beside code and state; an `error` instead of a code."""
    asks: bool = False
    """Shows a page with a button instead of going on at once."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: list[str] = field(default_factory=list)
    """Codes for which tokens were given."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for."""
    key: RSAKey = field(default_factory=lambda: _key("one"))

    def rotate(self) -> None:
        """From now on it signs by another key, and shows that alone."""
        self.key = _key(secrets.token_hex(4))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self.describe),
            web.get("/authorize", self.authorize),
            web.post("/token", self.token),
            web.get("/keys", self.keys),
            web.get("/userinfo", self.user_info),
            web.get("/end", self.end),
        ]

    async def describe(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "end_session_endpoint": f"{self.url}/end",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
            | self.about
        )

    async def authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        assert (query["client_id"], query["response_type"], query["code_challenge_method"]) == (CLIENT, "code", "S256")
        assert "openid" in query["scope"].split()
        if self.asks and "agreed" not in query:
            agreed = f"/authorize?{urlencode(query | {'agreed': 'yes'})}".replace("&", "&amp;")
            return web.Response(text=f'<a href="{agreed}">Continue as Ana</a>', content_type="text/html")
        code = secrets.token_urlsafe(12)
        self.codes[code] = query
        back = {"state": query["state"], "iss": self.url, "code": code} | self.answer
        if "error" in back:
            del back["code"]
        return web.Response(status=303, headers={"Location": f"{query['redirect_uri']}?{urlencode(back)}"})

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = begun is not None and challenge.decode().rstrip("=") == begun["code_challenge"]
        if begun is None or not right or form.get("redirect_uri") != begun["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.redeemed.append(form["code"])
        at = int(self.now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": begun["nonce"], **self.person}
        claims = self.bent(claims)
        token = (
            self.signed(claims) if self.signed else jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        )
        return web.json_response({"access_token": "the access token", "token_type": "Bearer", "id_token": token})

    async def keys(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def user_info(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        assert request.headers["Authorization"] == "Bearer the access token"
        return web.json_response({"sub": self.person["sub"], **self.info})

    async def end(self, request: web.Request) -> web.Response:
        assert request.query["client_id"] == CLIENT
        return web.Response(status=303, headers={"Location": request.query["post_logout_redirect_uri"]})

    def unsigned(self, claims: Claims) -> str:
        """A token of the algorithm `none`."""
        return f"{_part({'alg': 'none', 'kid': self.key.kid})}.{_part(claims)}."

    def by_public_key(self, claims: Claims) -> str:
        """A token signed by what everybody knows, the public key, as if it were a common secret."""
        head = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(claims)}"
        mac = hmac.new(self.key.as_pem(private=False), head.encode(), hashlib.sha256).digest()
        return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def by_anothers_key(self, claims: Claims) -> str:
        """A token that claims this provider's key, and is signed by somebody else's."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, _key("other"))


def _part(value: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@asynccontextmanager
async def openid_provider(now: Callable[[], datetime]) -> AsyncIterator[OpenIdProvider]:
    """Serves on a free port of loopback until the block ends."""
    provider = OpenIdProvider(now)
    app = web.Application()
    app.add_routes(provider.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
