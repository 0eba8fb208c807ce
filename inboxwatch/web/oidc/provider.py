"""An OpenID provider: where things are, by which keys it signs, and what it says of who has signed in.

The protocol is Authlib's, the signatures are joserfc's; the network is ours, bounded in time and size.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from inboxwatch.config import OidcConfig
from inboxwatch.web.oidc import Begun, ProviderError

log = structlog.get_logger(__name__)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""By which a token may be signed: with a key of the provider's, never with one that both know, and never not at all."""
LIMIT = 10.0
"""Seconds for an answer."""
LARGEST = 2**20
"""Bytes of an answer."""
KEPT = 3600.0
"""Seconds for which what a provider says of itself is not asked again."""
PAUSE = 10.0
"""Seconds between two questions for it, where the last one failed or brought no such key."""
SKEW = 60
"""Seconds by which the provider's clock may differ from ours."""
AT_ONCE = 8
"""Sign-ins that are finished at the same time."""


class Provider:
    """One provider, as a config names it. What it says of itself is kept for a while; of people nothing is kept."""

    def __init__(self, config: OidcConfig, callback: str) -> None:
        """`callback`: to which address of ours it sends people back."""
        self.config = config
        self.callback = callback
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None
        self._asked = {"about": -PAUSE, "keys": -PAUSE}
        self._asking = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def sign_in_url(self, begun: Begun) -> str:
        """Where a browser is sent to sign in. Raises ProviderError."""
        about = await self._discovered()
        client = OAuth2Client(
            None,
            self.config.client_id,
            scope=" ".join(self.config.scopes),
            redirect_uri=self.callback,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            _https(about, "authorization_endpoint", self.config),
            state=begun.state,
            code_verifier=begun.verifier,
            nonce=begun.nonce,
        )
        return str(url)

    async def sign_out_url(self, back: str) -> str | None:
        """Where one signs out at the provider itself, where it offers that."""
        try:
            about = await self._discovered()
            end = _https(about, "end_session_endpoint", self.config)
        except ProviderError:
            return None
        return str(add_params_to_uri(end, {"client_id": self.config.client_id, "post_logout_redirect_uri": back}))

    async def claims(self, code: str, begun: Begun, now: datetime) -> Mapping[str, Any]:
        """What the provider says of whoever it sent back with a code. Raises ProviderError."""
        async with self._slots:
            about = await self._discovered()
            tokens = await self._redeem(about, code, begun)
            token, access = tokens.get("id_token"), tokens.get("access_token")
            if not isinstance(token, str):
                raise ProviderError("no_id_token", "the provider sent no ID token: is `openid` among web.oidc.scopes?")
            claims = await self._verified(about, token, access, begun, now)
            wanted = {self.config.claim, *(["email_verified"] if self.config.claim == "email" else ())}
            wanted |= {(self.config.roles_claim or self.config.claim).partition(".")[0]}
            if isinstance(access, str) and about.get("userinfo_endpoint") and not wanted <= claims.keys():
                more = await self._user_info(about, access)
                if more.get("sub") == claims["sub"]:
                    return {**more, **claims}
            return claims

    async def _redeem(self, about: Mapping[str, Any], code: str, begun: Begun) -> Mapping[str, Any]:
        """The tokens for a code, which the provider gives once."""
        offered = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"
        auth = ClientAuth(self.config.client_id, self.config.client_secret.reveal(), method)
        body = prepare_token_request(
            "authorization_code", redirect_uri=self.callback, code=code, code_verifier=begun.verifier
        )
        sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare("POST", _https(about, "token_endpoint", self.config), sent, body)
        status, answer = await self._ask("POST", url, headers, body)
        if status == 200 and isinstance(answer, dict):
            return answer
        error = str(answer.get("error", "")) if isinstance(answer, dict) else ""
        if error == "invalid_client":
            text = "the provider does not take inboxwatch's own login: web.oidc.client_id or client_secret is wrong"
            raise ProviderError("invalid_client", text)
        if error == "invalid_grant":
            raise ProviderError("invalid_grant", "this sign-in was used already, or is too old: sign in again")
        raise ProviderError("no_tokens", f"the provider refused to finish the sign-in ({_word(error) or status})")

    async def _verified(
        self, about: Mapping[str, Any], token: str, access: object, begun: Begun, now: datetime
    ) -> Mapping[str, Any]:
        """The claims of an ID token that is the provider's, for us, of this very sign-in."""
        try:
            decoded = await self._decoded(about, token)
            audience, issuer = {"essential": True, "value": self.config.client_id}, self.config.issuer
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {"iss": {"essential": True, "value": issuer}, "aud": audience, "exp": {"essential": True}},
                {"nonce": begun.nonce, "client_id": self.config.client_id, "access_token": access},
            )
            claims.validate(now=int(now.timestamp()), leeway=SKEW)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(_word(getattr(error, "error", "")) or "bad_token", _REFUSED) from None
        return dict(claims)

    async def _decoded(self, about: Mapping[str, Any], token: str) -> Any:
        """A token whose signature is right; keys are asked for again where it bears one that is not known yet."""
        keys = self._keys or await self._fetched_keys(about)
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if time.monotonic() - self._asked["keys"] < PAUSE:
                raise
            return jwt.decode(token, await self._fetched_keys(about), algorithms=ALGORITHMS)

    async def _fetched_keys(self, about: Mapping[str, Any]) -> KeySet:
        self._asked["keys"] = time.monotonic()
        status, answer = await self._ask("GET", _https(about, "jwks_uri", self.config))
        found: Any = answer if status == 200 else None
        try:
            self._keys = KeySet.import_key_set(found)
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderError("no_keys", "the provider's keys cannot be read; try again soon", away=True) from None
        return self._keys

    async def _user_info(self, about: Mapping[str, Any], access: str) -> Mapping[str, Any]:
        url = _https(about, "userinfo_endpoint", self.config)
        status, answer = await self._ask(
            "GET", url, {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        )
        return answer if status == 200 and isinstance(answer, dict) else {}

    async def _discovered(self) -> dict[str, Any]:
        """What the provider says of itself. Raises ProviderError where it is another one's word, or none."""
        async with self._asking:
            if self._about is not None and time.monotonic() - self._about[0] < KEPT:
                return self._about[1]
            if time.monotonic() - self._asked["about"] < PAUSE:
                raise ProviderError("away", "the sign-in provider could not be reached a moment ago", away=True)
            self._asked["about"] = time.monotonic()
            url = get_well_known_url(self.config.issuer, external=True)
            status, answer = await self._ask("GET", url, {"Accept": "application/json"})
            if status != 200 or not isinstance(answer, dict):
                text = "the sign-in provider does not describe itself: is web.oidc.issuer right?"
                raise ProviderError("no_discovery", text, away=True)
            if answer.get("issuer") != self.config.issuer:
                text = (
                    f"the provider calls itself {_word(answer.get('issuer'))!r}: web.oidc.issuer must be exactly that"
                )
                raise ProviderError("other_issuer", text, away=True)
            self._about, self._asked["about"] = (time.monotonic(), answer), -PAUSE
            return answer

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; None where it is no JSON. Raises ProviderError where there is none."""
        try:
            trusted = await asyncio.to_thread(ssl.create_default_context)
            if self.config.ca_file is not None:
                await asyncio.to_thread(trusted.load_verify_locations, self.config.ca_file)
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LIMIT)) as session,
                session.request(method, url, headers=headers, data=body, ssl=trusted, allow_redirects=False) as answer,
            ):
                text = await answer.content.read(LARGEST)
                while len(text) < LARGEST and (more := await answer.content.read(LARGEST - len(text))):
                    text += more
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            log.warning("the sign-in provider cannot be reached", error=str(why))
            raise ProviderError("away", "the sign-in provider cannot be reached; try again soon", away=True) from None
        try:
            return answer.status, json.loads(text)
        except (ValueError, RecursionError):
            return answer.status, None


_REFUSED = (
    "what the provider said of you is not valid here: sign in again, and tell your administrator if that does not help"
)


def _https(about: Mapping[str, Any], name: str, config: OidcConfig) -> str:
    """An address of the provider's; over plain HTTP only where the issuer itself is, on this machine."""
    found = about.get(name)
    scheme = config.issuer.partition(":")[0]
    if not isinstance(found, str) or not found.startswith(("https://", f"{scheme}://")):
        raise ProviderError("no_endpoint", f"the provider names no {name} that is encrypted", away=True)
    return found


def _word(value: object) -> str:
    """What may be shown and logged of a stranger's word."""
    return "".join(one for one in str(value or "")[:100] if one.isalnum() or one in "_-./:")
