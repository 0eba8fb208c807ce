"""Access tokens of Google: a service account that acts for a user of its domain, or a user's own consent."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors.error_text import one_line
from connectors.http_errors import parse_retry_after, refused, unreached
from connectors.optional_package import optional_package
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reason, Secret

METADATA = "https://www.googleapis.com/auth/gmail.metadata"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"
BEYOND = (
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/gmail.compose",
    "https://www.googleapis.com/auth/gmail.insert",
)
"""Scopes that can write or send."""
_TOKENS_AT = "https://oauth2.googleapis.com/token"
_DOING = "asking Google for a token"
_LASTS = 3600.0
"""Seconds for which a token is good where Google does not say (RFC 6749 lets it)."""
_LONGEST = timedelta(days=36_500)


@dataclass(slots=True)
class GoogleLogin:
    """The credentials of one mailbox. Methods block and raise MailboxError; `http` is what httplib2 calls one."""

    kind: Literal["service_account", "oauth"]
    key: Secret
    """JSON: a service account's key, or what `gcloud auth application-default login` writes for a user."""
    user: str
    """In whose name a service account acts; empty: in its own."""
    scope: str
    """One, or several with blanks between them."""
    token_url: str
    """Default: that of the key, else Google's."""
    consent_ends: datetime | None = field(default=None, init=False)
    """When a user's consent ends (UTC), where Google says so: of apps in testing, or given for a time."""
    _credentials: Any = field(default=None, init=False, repr=False)
    _info: dict[str, Any] | None = field(default=None, init=False, repr=False)

    @property
    def info(self) -> dict[str, Any]:
        """The key's content. Raises MailboxError where it is not usable."""
        if self._info is None:
            try:
                found = json.loads(self.key.reveal())
            except ValueError:
                found = None
            wanted = ("client_email", "private_key") if self.kind == "service_account" else (
                "client_id", "client_secret", "refresh_token"
            )  # fmt: skip
            if not isinstance(found, dict) or any(not isinstance(found.get(name), str) for name in wanted):
                raise MailboxError(
                    Reason.CLIENT,
                    f"`{self.kind}` is no JSON object with {', '.join(wanted)}",
                    hint="give the file that Google made, unchanged",
                    permanent=True,
                )
            self._info = found
        return self._info

    @property
    def client_id(self) -> str:
        """The OAuth client's id; a placeholder for commands where the key has none."""
        return str(self.info.get("client_id") or "CLIENT_ID")

    @property
    def project(self) -> str:
        """The project whose quota is used; a user's consent names only its client, which begins with the number."""
        return str(self.info.get("project_id") or self.client_id.partition("-")[0])

    def token(self, http: Any, *, renew: bool = False) -> str:
        """A valid bearer token."""
        if self._credentials is None:
            self._credentials = self._made()
        if renew or not self._credentials.valid:
            self._refresh(self._credentials, http)
        return str(self._credentials.token)

    @property
    def lasts(self) -> float:
        """Seconds until the token ends that `token` gave; the library's `expiry` is naive and in UTC."""
        ends: datetime | None = self._credentials.expiry
        return _LASTS if ends is None else (ends.replace(tzinfo=UTC) - instant.now()).total_seconds()

    def granted_beyond(self, http: Any) -> list[str]:
        """Scopes that were granted though reading does not need them, most powerful first."""
        if self.kind == "oauth":
            # Asked without naming a scope, Google gives and names all that the user consented to.
            return [one for one in self._refresh(self._consent(None), http) if one != self.scope]
        self.token(http)
        found: list[str] = []
        for scope in (*BEYOND, *(() if self.scope == READONLY else (READONLY,))):
            try:
                # A delegation tells its scopes only by giving a token, which is thrown away.
                self._refresh(self._credentials.with_scopes([scope]), http)
            except MailboxError as error:
                if error.reason is not Reason.AUTH:
                    raise
            else:
                found.append(scope)
        return found

    def _made(self) -> Any:
        token_url = self.token_url or str(self.info.get("token_uri") or _TOKENS_AT)
        if self.kind == "service_account":
            account = _account(self.key.reveal(), token_url)
            account = account.with_scopes(self.scope.split())
            return account.with_subject(self.user) if self.user else account
        return self._consent(self.scope.split())

    def _consent(self, scopes: list[str] | None) -> Any:
        return optional_package("google.oauth2.credentials", "gmail").Credentials(
            token=None,
            refresh_token=self.info["refresh_token"],
            token_uri=self.token_url or _TOKENS_AT,
            client_id=self.info["client_id"],
            client_secret=self.info["client_secret"],
            scopes=scopes,
        )

    def _refresh(self, credentials: Any, http: Any) -> list[str]:
        """Renews the token; returns the scopes that the answer names."""
        exceptions = optional_package("google.auth.exceptions", "gmail")
        ask = _Ask(http)
        try:
            credentials.refresh(ask)
            if not isinstance(credentials.token, str):
                raise TypeError("no token")  # noqa: TRY301  (handled below, with all that cannot be read)
            answer = json.loads(ask.body)
            if left := answer.get("refresh_token_expires_in"):
                self.consent_ends = instant.now() + min(timedelta(seconds=int(left)), _LONGEST)
            return str(answer.get("scope") or "").split()
        except exceptions.RefreshError as error:
            if ask.status >= 500 or ask.status in (408, 429):
                raise refused(ask.status, _words(error), _DOING, retry_after=ask.retry_after) from error
            raise _refusal(error) from error
        except (exceptions.GoogleAuthError, OSError) as error:
            raise unreached(error, _DOING) or MailboxError(Reason.UNAVAILABLE, f"{_DOING}: {_words(error)}") from error
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise MailboxError(Reason.PROTOCOL, f"{_DOING}: the answer cannot be read") from error


class _Ask:
    """google-auth's transport, which keeps the last answer: the library's errors do not carry the status."""

    def __init__(self, http: Any) -> None:
        self._request = optional_package("google_auth_httplib2", "gmail").Request(http)
        self.status = 0
        self.retry_after: float | None = None
        self.body: bytes = b""

    def __call__(self, *args: Any, **named: Any) -> Any:
        response = self._request(*args, **named)
        self.status, self.body = response.status, response.data
        self.retry_after = parse_retry_after(response.headers.get("retry-after"))
        return response


@functools.lru_cache(maxsize=16)
def _account(key: str, token_url: str) -> Any:
    """A service account for all mailboxes that it reads: checking its private key takes a tenth of a second."""
    library = optional_package("google.oauth2.service_account", "gmail")
    try:
        return library.Credentials.from_service_account_info({**json.loads(key), "token_uri": token_url})
    except ValueError as error:
        raise MailboxError(Reason.CLIENT, "`service_account` holds no usable private key", permanent=True) from error


_HINTS = {
    "unauthorized_client": "the scope is not delegated to this service account: an administrator adds it at "
    "https://admin.google.com/ac/owl/domainwidedelegation",
    "access_denied": "the scope is not delegated to this service account, or a policy forbids it",
    "invalid_client": "the service account or OAuth client was deleted, or its secret is wrong",
    "deleted_client": "the OAuth client was deleted: make a new one",
    "invalid_scope": "the service account may not use this scope",
}
_GRANT_HINTS = {
    "user": "no mailbox of the domain has this address: check `address` or `user`",
    "revoked": "the user's consent is gone: log in again and give the new refresh token",
    "signature": "the key was replaced or deleted: make a new key for the service account",
    "reasonable timeframe": "this machine's clock is wrong",
}


def _words(error: Exception) -> str:
    return one_line(str(error.args[0]) if error.args else type(error).__name__)


def _refusal(error: Exception) -> MailboxError:
    """google-auth gives the text `code: description` and the answer's JSON."""
    words = _words(error)
    answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    code = str(answer.get("error") or words.partition(":")[0])
    hint = _HINTS.get(code, "")
    if code == "invalid_grant":
        hint = next((text for sign, text in _GRANT_HINTS.items() if sign in words.lower()), "")
    known = code in _HINTS or code == "invalid_grant"
    return MailboxError(Reason.AUTH if known else Reason.PROTOCOL, f"{_DOING}: {words}", hint=hint, permanent=known)
