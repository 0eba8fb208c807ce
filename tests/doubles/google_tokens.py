"""A double of Google's token endpoint: signed assertions of a service account, and refresh tokens of users."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.https_server import KIND, HttpsServer

AUDIENCE = "https://oauth2.googleapis.com/token"
"""What assertions are for, wherever they are sent."""
PROJECT = "acme-watch"
CLIENT_ID = "1034567890123456"
REFRESH_TOKEN = "1//refresh-token-of-ana"
CLIENT_SECRET = "GOCSPX-secret-of-the-client"


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem() -> str:
    return private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()  # fmt: skip


@dataclass
class GoogleTokenServer:
    """One domain with one service account and one OAuth client."""

    delegated: set[str] = field(default_factory=set)
    """Scopes that the domain delegates to the service account."""
    users: set[str] = field(default_factory=set)
    consents: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    """User and scopes by refresh token."""
    consents_last: int = 0
    """Seconds after which consents end, where they were given for a time."""
    lifetime: int = 3600
    tokens: dict[str, tuple[str, set[str], float]] = field(default_factory=dict)
    """User, scopes and end of each token."""

    def __post_init__(self) -> None:
        self.server = HttpsServer(self._take)

    def key(self) -> str:
        """The service account's key, as Google's console gives it."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "k1",
                "private_key": pem(),
                "client_email": f"inboxwatch@{PROJECT}.iam.gserviceaccount.com",
                "client_id": CLIENT_ID,
                "token_uri": f"{self.server.url}/token",
            }
        )

    def consent(self, user: str, scopes: set[str]) -> str:
        """A user's consent, as the command-line tool writes it."""
        token = f"{REFRESH_TOKEN}/{user}"
        self.consents[token] = (user, scopes)
        return json.dumps(
            {
                "type": "authorized_user",
                "client_id": f"{CLIENT_ID}-x.apps.googleusercontent.com",
                "client_secret": CLIENT_SECRET,
                "refresh_token": token,
            }
        )

    def revoke(self) -> None:
        """All tokens end before their time."""
        self.tokens.clear()

    def bearer(self, authorization: str) -> tuple[str, set[str]] | None:
        """Whose token it is and what it may."""
        found = self.tokens.get(authorization.removeprefix("Bearer "))
        return found[:2] if found and found[2] > time.monotonic() else None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        request[KIND] = "token"
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._delegated(form.get("assertion", ""))
        if form.get("grant_type") == "refresh_token":
            if form.get("client_secret") != CLIENT_SECRET:
                return _refused(401, "invalid_client", "The provided client secret is invalid.")
            if form.get("refresh_token") not in self.consents:
                return _refused(400, "invalid_grant", "Token has been expired or revoked.")
            user, scopes = self.consents[form["refresh_token"]]
            wanted = set(form["scope"].split()) if "scope" in form else scopes
            if not wanted <= scopes:
                return _refused(400, "invalid_scope", "Bad Request")
            return self._given(user, wanted, self.consents_last)
        return _refused(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")

    def _delegated(self, assertion: str) -> web.Response:
        try:
            claims: dict[str, Any] = jwt.decode(assertion, private_key().public_key(), ["RS256"], audience=AUDIENCE)
        except jwt.InvalidTokenError:
            return _refused(400, "invalid_grant", "Invalid JWT Signature.")
        if "sub" not in claims:  # in its own name, where nobody delegates
            return self._given(claims["iss"], set(claims["scope"].split()))
        if claims["sub"] not in self.users:
            return _refused(400, "invalid_grant", "Invalid email or User ID")
        scopes = set(claims["scope"].split())
        if not scopes <= self.delegated:
            words = (
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for "
                "any of the scopes requested."
            )
            return _refused(401, "unauthorized_client", words)
        return self._given(claims["sub"], scopes)

    def _given(self, user: str, scopes: set[str], consent_lasts: int = 0) -> web.Response:
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self.tokens[token] = (user, scopes, time.monotonic() + self.lifetime)
        body: dict[str, str | int] = {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}
        if consent_lasts:
            body["refresh_token_expires_in"] = consent_lasts
        return web.json_response(body | {"scope": " ".join(sorted(scopes))})


def _refused(status: int, error: str, words: str) -> web.Response:
    return web.json_response({"error": error, "error_description": words}, status=status)
