"""Access tokens of Microsoft Entra by msal: for an application itself (client credentials), or by a refresh token."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

from connectors.error_text import one_line
from connectors.http_errors import parse_retry_after, unreached
from connectors.optional_package import optional_package
from connectors.worker_threads import workers
from inboxwatch.connector import MailboxError, Reason, Secret

_STEP_LIMIT = 90.0
_OK = 200
_RENEW_BEFORE = 300.0
"""Seconds before its end at which a token is renewed."""
_CODE = re.compile(r"AADSTS(\d+)")
_TAIL = re.compile(r"(?<!\s)\s*+(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_HINTS = {
    "7000215": "the client secret is wrong: give the secret's value, not its id",
    "7000222": "the client secret has expired: make a new one in the app registration",
    "700016": "the tenant knows no application of this `client_id`: check both",
    "700027": "the tenant does not know this certificate: upload it to the app registration",
    "700082": "the person's refresh token has ended: log in again and give the new one",
    "70008": "the person's refresh token has ended: log in again and give the new one",
    "50173": "the person's consent is gone, as after a new password: log in again and give the new refresh token",
    "700024": "the certificate's assertion is out of its time: check this machine's clock",
    "90002": "there is no such tenant: check `tenant` and `cloud`",
    "900023": "`tenant` is neither an id nor a domain of a tenant",
    "53003": "a policy of conditional access forbids this sign-in",
    "7000112": "the application is disabled in the tenant",
}
"""By Entra's code."""


@dataclass(frozen=True, slots=True)
class Application:
    """An app registration and how it proves itself."""

    login_url: str
    """`https://login.microsoftonline.com`, or that of a national cloud."""
    tenant: str
    client_id: str
    secret: Secret | None
    certificate: Secret | None
    """PEM of certificate and private key."""
    scope: str
    """`https://graph.microsoft.com/.default`."""
    ca_file: Path | None
    timeout: float
    """Seconds for each answer."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token."""

    text: str = field(repr=False)
    expires: float
    """By `time.monotonic`."""
    refresh: str = field(default="", repr=False)
    """A person's next refresh token."""

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the token says of itself, unproven: for people only. Empty where it is opaque."""
        try:
            payload = self.text.split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError, binascii.Error, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class Entra:
    """The tokens of one application: asked for once, however many mailboxes it reads."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def token(self, instead_of: Token | None = None) -> Token:
        """A token that is not about to end; a new one `instead_of` one that the server refused."""
        async with self._lock:
            now = time.monotonic()
            if self._token is None or self._token is instead_of or self._token.expires - _RENEW_BEFORE < now:
                self._token = await self._asked_for()
            return self._token

    async def _asked_for(self) -> Token:
        try:
            return await workers().run(self._application.login_url, lambda: acquire(self._application), _STEP_LIMIT)
        except TimeoutError:
            raise MailboxError(Reason.TIMEOUT, f"asking Entra for a token took more than {_STEP_LIMIT:.0f} s") from None


_directories: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, ...], Entra]] = (
    WeakKeyDictionary()
)


def entra(application: Application) -> Entra:
    """The tokens of an application on the running event loop, shared by all who hold them."""
    known = _directories.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    proof = application.certificate or application.secret
    key = (
        application.login_url,
        application.tenant,
        application.client_id,
        application.scope,
        str(application.ca_file),
        proof.reveal() if proof else "",
    )
    found = known.get(key)
    if found is None:
        found = known[key] = Entra(application)
    return found


def acquire(application: Application, refresh: str = "") -> Token:
    """A new token, for the application itself or by a person's refresh token. Blocks; raises MailboxError.

    msal's own cache would also keep refusals, so each time begins anew.
    """
    doing = "asking Entra for a token"
    msal, requests = optional_package("msal", "graph"), optional_package("requests", "graph")
    http = _Http(requests.Session(), application)
    try:
        credential = _credential(application)
        kind = msal.ConfidentialClientApplication if credential else msal.PublicClientApplication
        app = kind(
            application.client_id,
            client_credential=credential,
            authority=f"{application.login_url}/{application.tenant}",
            instance_discovery=False,
            http_client=http,
        )
        scopes = [application.scope]
        answer = (
            app.acquire_token_by_refresh_token(refresh, scopes) if refresh else app.acquire_token_for_client(scopes)
        )
    except (requests.RequestException, OSError) as error:
        host = urlsplit(application.login_url).hostname
        away = MailboxError(
            Reason.UNAVAILABLE,
            f"{doing}: {host} cannot be reached ({type(error).__name__})",
            hint="check DNS, proxy and firewall",
        )
        raise unreached(error, doing) or away from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
        msal.exceptions.MsalError,
    ) as error:
        # For a tenant that does not exist, a key that is none, answers that are no JSON, and HTTP errors.
        if http.asked and http.status == _OK:
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer cannot be read") from error
        raise _refusal(http.words or str(error), "", http.status, doing, http.retry_after) from error
    finally:
        http.close()
    if not isinstance(answer.get("access_token"), str):
        if http.status == _OK and not answer.get("error"):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer holds no token")
        text = str(answer.get("error_description") or answer.get("error") or "no token came")
        raise _refusal(text, str(answer.get("error", "")), http.status, doing, http.retry_after)
    ends = time.monotonic() + _lasts(answer.get("expires_in"))
    renewed = answer.get("refresh_token")
    return Token(answer["access_token"], ends, renewed if isinstance(renewed, str) and renewed else refresh)


def _lasts(expires_in: object) -> float:
    """Seconds; an hour where the answer does not say it in a usable way."""
    try:
        seconds = float(str(expires_in))
    except ValueError:
        return 3600.0
    return min(max(0.0, seconds), 86400.0) if math.isfinite(seconds) else 3600.0


def _credential(application: Application) -> object:
    if application.certificate is not None:
        pem = application.certificate.reveal()
        return {"private_key": pem, "public_certificate": pem}
    return application.secret.reveal() if application.secret else None


def _refusal(text: str, error: str, status: int, doing: str, retry_after: float | None) -> MailboxError:
    code = _CODE.search(text)
    words = one_line(_TAIL.sub("", text))
    hint = _HINTS.get(code[1], "") if code else ""
    if status == 429 or error == "temporarily_unavailable":
        return MailboxError(Reason.RATE_LIMITED, f"{doing}: {words}", hint=hint, retry_after=retry_after)
    if status >= 500:
        return MailboxError(Reason.SERVER, f"{doing}: {words} (HTTP {status})", retry_after=retry_after)
    if code or error:
        return MailboxError(Reason.AUTH, f"{doing}: {words}", hint=hint, permanent=True)
    if status in (0, 200):
        hint = "`certificate` must be a PEM text that holds the certificate and its private key"
        return MailboxError(Reason.CLIENT, f"{doing}: {words}", hint=hint, permanent=True)
    return MailboxError(Reason.PROTOCOL, f"{doing}: {words} (HTTP {status})")


def _description(text: str) -> str:
    try:
        return str(json.loads(text)["error_description"])
    except (ValueError, TypeError, KeyError):
        return ""


class _Http:
    """What msal speaks through. The authority is given with each request: else the environment could replace it."""

    def __init__(self, session: Any, application: Application) -> None:
        self._session = session
        self._verify: str | bool = str(application.ca_file) if application.ca_file else True
        self._timeout = application.timeout
        self.status = 0
        self.asked = False
        """Whether a token was asked for; before that, something is wrong with us or with the tenant."""
        self.words = ""
        """What the last refusal said."""
        self.retry_after: float | None = None

    def post(self, url: str, params: object = None, data: object = None, headers: object = None, **_: object) -> Any:
        self.asked = True
        return self._taken(
            self._session.post(
                url, params=params, data=data, headers=headers, verify=self._verify, timeout=self._timeout
            )
        )

    def get(self, url: str, params: object = None, headers: object = None, **_: object) -> Any:
        return self._taken(
            self._session.get(url, params=params, headers=headers, verify=self._verify, timeout=self._timeout)
        )

    def close(self) -> None:
        self._session.close()

    def _taken(self, response: Any) -> Any:
        self.status = response.status_code
        self.words = "" if self.status == 200 else _description(response.text)
        self.retry_after = parse_retry_after(response.headers.get("Retry-After"))
        return response
