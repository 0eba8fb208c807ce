"""OAuth 2.0 access tokens for IMAP from Google and Microsoft, through google-auth and msal, which are imported on use.

Blocks. A token is kept until shortly before it expires.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pydantic import model_validator

from inboxwatch import instant
from inboxwatch.connector import ConfigPath, MailboxError, Reason, Secret, Settings

_EARLY = 300.0
"""Seconds before its end that a token is renewed."""
_TIMEOUT = 30.0
_GOOGLE_SCOPE = "https://mail.google.com/"
_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
_MICROSOFT_APP = "https://outlook.office365.com/.default"
"""Needs the application permission IMAP.AccessAsApp and a service principal in Exchange with rights on the mailbox."""
_MICROSOFT_PERSON = "https://outlook.office.com/IMAP.AccessAsUser.All"


class OAuthSettings(Settings):
    """How to get tokens.

    google: `service_account` (domain-wide delegation), or `client_id`, `client_secret` and `refresh_token`.
    microsoft: `tenant`, `client_id` and `client_secret` (client credentials), or a person's `refresh_token`.
    """

    provider: Literal["google", "microsoft"]
    client_id: str = ""
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    service_account: Secret | None = None
    """The key as JSON; usually given as `service_account_file`."""
    tenant: str = ""
    scope: str = ""
    """Default: the provider's scope for IMAP."""
    token_url: str = ""
    """Of google, or the authority of microsoft's national clouds; default: the provider's."""
    ca_file: ConfigPath | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed: tuple[str, ...]
        if self.provider == "google":
            needed = () if self.service_account else ("client_id", "client_secret", "refresh_token")
        else:
            needed = ("tenant", "client_id") if self.refresh_token else ("tenant", "client_id", "client_secret")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"{self.provider} needs {', '.join(missing)} as well")
        return self


class Tokens(Protocol):
    """A source of access tokens for one mailbox."""

    def fetch(self) -> tuple[str, float]:
        """A fresh token and the seconds that it lasts; raises MailboxError with the provider's own words."""
        ...


class TokenCache:
    """Keeps a token while it is good. Safe for threads."""

    def __init__(self, tokens: Tokens) -> None:
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


def tokens_of(settings: OAuthSettings, username: str) -> Tokens:
    return Google(settings, username) if settings.provider == "google" else Microsoft(settings)


class Google:
    """A service account that acts for the user, or a person's refresh token."""

    def __init__(self, settings: OAuthSettings, username: str) -> None:
        self._settings = settings
        self._username = username

    def fetch(self) -> tuple[str, float]:
        try:
            import requests
            from google.auth import exceptions
            from google.auth.transport.requests import Request
        except ImportError as error:
            raise _missing("google-auth", "gmail", error) from error
        session = requests.Session()
        session.verify = _verify(self._settings.ca_file)
        credentials = self._credentials()
        try:
            credentials.refresh(_Patient(Request(session)))
        except exceptions.TransportError as error:
            raise _unreachable(error) from error
        except exceptions.GoogleAuthError as error:
            raise _refused(str(error.args[0] if error.args else error), retry=bool(error.retryable)) from error
        finally:
            session.close()
        ends = credentials.expiry  # google-auth has it in UTC, without saying so
        return str(credentials.token), (ends.replace(tzinfo=UTC) - instant.now()).total_seconds() if ends else _EARLY

    def _credentials(self) -> Any:
        from google.oauth2 import credentials, service_account

        # The library has no types for what it makes.
        of_account: Any = service_account.Credentials.from_service_account_info
        of_person: Any = credentials.Credentials

        settings = self._settings
        scopes = [settings.scope or _GOOGLE_SCOPE]
        if settings.service_account is not None:
            try:
                key = json.loads(settings.service_account.reveal())
                if settings.token_url:
                    key["token_uri"] = settings.token_url
                return of_account(key, scopes=scopes, subject=self._username)
            except (ValueError, TypeError, KeyError) as error:
                raise MailboxError(
                    Reason.CLIENT, f"service_account: not a service account's key: {error}", permanent=True
                ) from None
        return of_person(
            None,
            refresh_token=_revealed(settings.refresh_token),
            token_uri=settings.token_url or _GOOGLE_TOKENS,
            client_id=settings.client_id,
            client_secret=_revealed(settings.client_secret),
            scopes=scopes,
        )


class _Patient:
    """google-auth's transport with our time limit."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._request(*args, **(options | {"timeout": _TIMEOUT}))


class Microsoft:
    """An application's own credentials, or a person's refresh token (renewed in memory as Microsoft rotates it)."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings = settings
        self._application: Any = None
        self._refresh_token = settings.refresh_token.reveal() if settings.refresh_token else ""

    def fetch(self) -> tuple[str, float]:
        try:
            import msal  # type: ignore[import-untyped]  # no types are published
            import requests
        except ImportError as error:
            raise _missing("msal", "graph", error) from error
        try:
            if self._application is None:
                self._application = self._made(msal)
            answer = self._asked()
        except requests.RequestException as error:
            raise _unreachable(error) from error
        except ValueError as error:  # msal's way to refuse an authority that does not exist
            raise _refused(str(error)) from error
        if "access_token" not in answer:
            text = f"{answer.get('error', '')}: {answer.get('error_description', '')}"
            raise _refused(text, retry=answer.get("error") in {"temporarily_unavailable", "server_error"})
        self._refresh_token = answer.get("refresh_token", self._refresh_token)
        return str(answer["access_token"]), float(answer.get("expires_in", _EARLY))

    def _made(self, msal: Any) -> Any:
        settings = self._settings
        options = {
            "authority": f"{(settings.token_url or _MICROSOFT_AUTHORITY).rstrip('/')}/{settings.tenant}",
            "instance_discovery": None if not settings.token_url else False,
            "verify": _verify(settings.ca_file),
            "timeout": _TIMEOUT,
        }
        if settings.client_secret is None:
            return msal.PublicClientApplication(settings.client_id, **options)
        return msal.ConfidentialClientApplication(
            settings.client_id, client_credential=settings.client_secret.reveal(), **options
        )

    def _asked(self) -> dict[str, Any]:
        scope = self._settings.scope
        if self._refresh_token:
            found = self._application.acquire_token_by_refresh_token(
                self._refresh_token, scopes=[scope or _MICROSOFT_PERSON]
            )
        else:
            self._application.remove_tokens_for_client()
            found = self._application.acquire_token_for_client(scopes=[scope or _MICROSOFT_APP])
        return dict(found)


def _verify(ca_file: Path | None) -> str | bool:
    return str(ca_file) if ca_file else True


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


def _refused(words: str, *, retry: bool = False) -> MailboxError:
    text = " ".join(words.split())[:400]
    if retry:
        return MailboxError(Reason.UNAVAILABLE, f"asking for a token: {text}")
    hint = "the consent may have ended or the secret expired; renew it with the provider"
    if "unauthorized_client" in text:
        hint = "the scope is not delegated to this client; grant it in the provider's admin console"
    return MailboxError(Reason.AUTH, f"asking for a token: {text}", hint=hint)


def _unreachable(error: Exception) -> MailboxError:
    return MailboxError(Reason.UNAVAILABLE, f"asking for a token: {type(error).__name__}", hint="check the network")


def _missing(library: str, extra: str, error: ImportError) -> MailboxError:
    return MailboxError(
        Reason.CLIENT,
        f"{library} is not installed: {error}",
        hint=f"pip install 'inboxwatch[{extra}]'",
        permanent=True,
    )
