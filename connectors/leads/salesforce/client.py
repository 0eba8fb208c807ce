"""Asking Salesforce: a token by client credentials, queries, descriptions; its refusals as errors of the port."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.http_errors import parse_retry_after, refused
from connectors.leads.json_api import ApiAnswer, JsonApi
from connectors.leads.salesforce.settings import SalesforceSettings
from connectors.retry import retried
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.hidden import PLACEHOLDER

VERSION = "v62.0"
"""Winter '25. A version is served for three years at least after its release."""
_USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")
_LIMITED = 900.0
"""Seconds after which it is asked again where the day's calls are used up: they come back one by one."""
_REASONS = {
    "INVALID_SESSION_ID": Reason.AUTH,
    "REQUEST_LIMIT_EXCEEDED": Reason.RATE_LIMITED,
    "QUERY_TIMEOUT": Reason.TIMEOUT,
    "SERVER_UNAVAILABLE": Reason.SERVER,
    "UNKNOWN_EXCEPTION": Reason.SERVER,
    "UNABLE_TO_LOCK_ROW": Reason.SERVER,
}
"""Where the code says more than the status."""
_HINTS = {
    "INVALID_SESSION_ID": "the token was refused: check the app's run-as user and its IP restrictions",
    "REQUEST_LIMIT_EXCEEDED": "the org's API calls of the last 24 hours are used up: look less often (`every`), or "
    "find who else uses them (Setup, System Overview)",
    "API_DISABLED_FOR_ORG": "the org's edition has no API, or the user lacks the permission `API Enabled`",
    "API_CURRENTLY_DISABLED": "the user lacks the permission `API Enabled`",
    "INVALID_FIELD": "the user may not see this field, or it does not exist: grant read access to it in the permission "
    "set, or take it out of `fields` or `where`",
    "INVALID_TYPE": "the user may not read this object: grant Read and View All, or take it out of `objects`",
    "MALFORMED_QUERY": "check the conditions in `where`",
    "invalid_client_id": "the org knows no app of this consumer key; a new app needs ten minutes",
    "invalid_client": "the consumer secret is wrong, or was changed",
    "invalid_grant": "switch on the client-credentials flow of the app and name its run-as user (Policies), who must "
    "be active and may use the API",
    "unsupported_grant_type": "switch on the client-credentials flow of the app",
    "inactive_user": "the app's run-as user is inactive",
    "inactive_org": "the org is closed, or locked",
}
"""By Salesforce's code."""
_LOGIN = {"invalid_client_id", "invalid_client", "invalid_grant", "unsupported_grant_type", "inactive_user",
          "inactive_org"}  # fmt: skip
"""Refusals of the token: the server answers most of them with 400."""


class SalesforceError(MailboxError):
    """A refusal with Salesforce's own code, and the status."""

    code: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class SalesforceToken:
    """What an access token is for, as it was told with it."""

    text: str
    scope: str
    user: str
    """The Id of the user in whose name we read; empty where it was not told."""


@dataclass(frozen=True, slots=True)
class QueryPage:
    """Records of one answer."""

    records: list[dict[str, Any]]
    done: bool
    """False where the server kept some back that the LIMIT would have allowed."""
    at: datetime | None
    """By the server's clock."""


class SalesforceClient:
    """One token POST, and GETs; there is no call that writes."""

    def __init__(self, settings: SalesforceSettings, api: JsonApi) -> None:
        """Does no IO."""
        self._settings = settings
        self._api = api
        self._url = settings.url
        self._token: SalesforceToken | None = None
        self._lock = asyncio.Lock()
        self.used: tuple[int, int] | None = None
        """API calls of the org in the last 24 hours, and how many it has; None: not told yet."""

    async def query(self, soql: str, doing: str) -> QueryPage:
        """The first page of an answer to a query over all records, deleted ones too. Raises MailboxError."""
        answer = await self._got(f"/services/data/{VERSION}/queryAll", {"q": soql}, doing)
        found = answer.object(doing)
        records = found.get("records")
        if not isinstance(records, list) or not all(isinstance(one, dict) and one.get("Id") for one in records):
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer holds no records")
        return QueryPage(records, found.get("done") is not False, answer.at)

    async def described(self, sobject: str) -> dict[str, Any]:
        """What the user may see and do with an object. Raises MailboxError."""
        doing = f"describing {sobject}"
        return (await self._got(f"/services/data/{VERSION}/sobjects/{sobject}/describe", {}, doing)).object(doing)

    async def token(self, instead_of: SalesforceToken | None = None) -> SalesforceToken:
        """The token in use; a new one `instead_of` one that was refused. Salesforce tells no end of it."""
        async with self._lock:
            if self._token is None or self._token is instead_of:
                self._token = None
                self._token = await retried(self._new_token, self._settings.retry_for, lambda: self._settings.retry_for)
            return self._token

    async def _got(self, path: str, query: Mapping[str, str], doing: str) -> ApiAnswer:
        wait = self._settings.retry_for
        return await retried(lambda: self._authorized(path, query, doing), wait, lambda: wait)

    async def _authorized(self, path: str, query: Mapping[str, str], doing: str) -> ApiAnswer:
        token = await self.token()
        try:
            return await self._sent(path, query, token, doing)
        except SalesforceError as error:
            if error.status != 401:
                raise
        # Revoked, or ended by the org's session settings: one new token, and then the server's word counts.
        return await self._sent(path, query, await self.token(instead_of=token), doing)

    async def _sent(self, path: str, query: Mapping[str, str], token: SalesforceToken, doing: str) -> ApiAnswer:
        headers = {"Authorization": f"Bearer {token.text}"}
        answer = await self._api.ask("GET", f"{self._url}{path}", doing=doing, headers=headers, query=query)
        if told := _USAGE.search(answer.headers.get("Sforce-Limit-Info", "")):
            self.used = int(told[1]), int(told[2])
        if answer.status != 200:
            raise _refusal(answer, doing, token.text)
        return answer

    async def _new_token(self) -> SalesforceToken:
        doing = "asking Salesforce for a token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id.reveal(),
            "client_secret": self._settings.client_secret.reveal(),
        }
        answer = await self._api.ask("POST", f"{self._url}/services/oauth2/token", doing=doing, form=form)
        if answer.status != 200:
            raise _refusal(answer, doing)
        found = answer.object(doing)
        text = found.get("access_token")
        if not isinstance(text, str) or not text:
            raise MailboxError(Reason.PROTOCOL, f"{doing}: the answer holds no token")
        user = re.search(r"/(005[A-Za-z0-9]{12,15})$", str(found.get("id", "")))
        return SalesforceToken(text, str(found.get("scope", "")), user[1] if user else "")


def _refusal(answer: ApiAnswer, doing: str, token: str = PLACEHOLDER) -> SalesforceError:
    # Tokens come and go: each is cut out here, and not kept for ever as the config's secrets are.
    code, text = (words.replace(token, PLACEHOLDER) for words in _words(answer))
    after = parse_retry_after(answer.headers.get("Retry-After"))
    plain = refused(
        answer.status, f"{code}: {text}" if code else text, doing, hint=_HINTS.get(code, ""), retry_after=after
    )
    reason = _REASONS.get(code, plain.reason)
    if code in _LOGIN:
        reason = Reason.AUTH
    if code == "REQUEST_LIMIT_EXCEEDED" and after is None:
        after = _LIMITED
    found = SalesforceError(reason, str(plain), hint=plain.hint, retry_after=after)
    found.code, found.status = code, answer.status
    return found


def _words(answer: ApiAnswer) -> tuple[str, str]:
    """Salesforce's code and what it says: a list of errors, or OAuth's one (RFC 6749, 5.2)."""
    try:
        found = json.loads(answer.content)
        if isinstance(found, list):
            return str(found[0]["errorCode"]), str(found[0]["message"])
        return str(found["error"]), str(found.get("error_description", ""))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return "", answer.words
