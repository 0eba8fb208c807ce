"""OAuth 2.0 access tokens for IMAP from Google and Microsoft. Blocks. A token is kept until shortly before it ends."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from typing import Literal, Protocol, Self

from pydantic import model_validator

from connectors.mail.entra import Application, acquire
from connectors.mail.google_login import GoogleLogin
from connectors.mail.login_expiry import LASTING, LoginExpiry, expiry
from connectors.optional_package import optional_package
from inboxwatch.connector import ConfigPath, Secret, Settings

_EARLY = 300.0
"""Seconds before its end that a token is renewed."""
_TIMEOUT = 30.0
_GOOGLE_SCOPE = "https://mail.google.com/"
_MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
_MICROSOFT_APP = "https://outlook.office365.com/.default"
"""Needs the application permission IMAP.AccessAsApp and a service principal in Exchange with rights on the mailbox."""
_MICROSOFT_PERSON = "https://outlook.office.com/IMAP.AccessAsUser.All"


class OAuthSettings(Settings):
    """How to get tokens.

    google: `service_account` (domain-wide delegation), or `client_id`, `client_secret` and `refresh_token`.
    microsoft: `tenant`, `client_id`, and `client_secret` or `certificate` (client credentials), or a person's
    `refresh_token`.
    """

    provider: Literal["google", "microsoft"]
    """Whose tokens they are."""
    client_id: str = ""
    """The application's id."""
    client_secret: Secret | None = None
    """Of the application."""
    certificate: Secret | None = None
    """Of microsoft: a PEM text of certificate and private key."""
    refresh_token: Secret | None = None
    """Of one person's consent."""
    service_account: Secret | None = None
    """The key as JSON; usually given as `service_account_file`."""
    secret_expires: date | None = None
    """The day on which the secret or refresh token ends; a certificate tells its own end."""
    tenant: str = ""
    """Of microsoft: the tenant's id or one of its domains."""
    scope: str = ""
    """Default: the provider's scope for IMAP."""
    token_url: str = ""
    """Of google, or the authority of microsoft's national clouds; default: the provider's."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: tuple[str, ...]
        if self.provider == "google":
            needed = () if self.service_account else ("client_id", "client_secret", "refresh_token")
        else:
            proven = self.refresh_token or self.certificate
            needed = ("tenant", "client_id") if proven else ("tenant", "client_id", "client_secret")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"{self.provider} needs {', '.join(missing)} as well")
        if self.certificate and (self.provider == "google" or self.client_secret or self.secret_expires):
            raise ValueError("`certificate` is for microsoft only, without `client_secret` and `secret_expires`")
        return self

    @property
    def expiry(self) -> LoginExpiry:
        """When the login ends."""
        if self.provider == "google" and self.secret_expires is None:
            return LASTING
        return expiry("client secret" if self.client_secret else "refresh token", self.certificate, self.secret_expires)


class TokenSource(Protocol):
    """A source of access tokens for one mailbox."""

    def fetch(self) -> tuple[str, float]:
        """A fresh token and the seconds that it lasts; raises MailboxError with the provider's own words."""
        ...


class TokenCache:
    """Keeps a token while it is good. Safe for threads."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def token(self, *, fresh: bool = False) -> str:
        """The token; a new one where `fresh` is asked for, because the server refused the last."""
        with self._lock:
            if fresh or time.monotonic() >= self._ends:
                self._token, lasts = self._tokens.fetch()
                self._ends = time.monotonic() + max(0.0, lasts - _EARLY)
            return self._token

    def good(self) -> bool:
        """Whether `token` would answer with a kept one."""
        return time.monotonic() < self._ends


def tokens_of(settings: OAuthSettings, username: str) -> TokenSource:
    """The source of tokens that the settings name."""
    return GoogleTokens(settings, username) if settings.provider == "google" else MicrosoftTokens(settings)


class GoogleTokens:
    """A service account that acts for the user, or a person's refresh token."""

    def __init__(self, settings: OAuthSettings, username: str) -> None:
        consent = {name: _revealed(getattr(settings, name)) for name in ("client_secret", "refresh_token")}
        self._login = GoogleLogin(
            "service_account" if settings.service_account else "oauth",
            settings.service_account or Secret(json.dumps(consent | {"client_id": settings.client_id}), "the config"),
            username,
            settings.scope or _GOOGLE_SCOPE,
            settings.token_url,
        )
        self._ca_file = settings.ca_file

    def fetch(self) -> tuple[str, float]:
        """See TokenSource."""
        http = optional_package("httplib2", "gmail").Http(
            timeout=_TIMEOUT, ca_certs=str(self._ca_file) if self._ca_file else None
        )
        try:
            return self._login.token(http, renew=True), self._login.lasts
        finally:
            http.close()


class MicrosoftTokens:
    """An application's own credentials, or a person's refresh token (renewed in memory as Microsoft rotates it)."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._refresh = _revealed(settings.refresh_token)
        self._application = Application(
            (settings.token_url or _MICROSOFT_AUTHORITY).rstrip("/"),
            settings.tenant,
            settings.client_id,
            settings.client_secret,
            settings.certificate,
            settings.scope or (_MICROSOFT_PERSON if self._refresh else _MICROSOFT_APP),
            settings.ca_file,
            _TIMEOUT,
        )

    def fetch(self) -> tuple[str, float]:
        """See TokenSource."""
        token = acquire(self._application, self._refresh)
        self._refresh = token.refresh
        return token.text, token.expires - time.monotonic()


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret and secret.resolved else ""
