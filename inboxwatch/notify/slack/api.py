"""Calls of Slack's Web API, and what its errors mean for a delivery."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from inboxwatch import now as instant
from inboxwatch.notify import ChannelError
from inboxwatch.notify.http import unreachable
from inboxwatch.notify.text import retry_after, said

_HINTS = {
    "account_inactive": "the app was uninstalled or its user deactivated: install it again",
    "cannot_dm_bot": "the address belongs to an app",
    "channel_not_found": "no such channel, or a private one: invite the app",
    "ekm_access_denied": "the administrators suspended posting",
    "invalid_arguments": "",
    "invalid_auth": "the bot token is wrong",
    "invalid_blocks": "",
    "invalid_blocks_format": "",
    "invalid_metadata_format": "",
    "is_archived": "the channel is archived",
    "messages_tab_disabled": "switch on the messages tab of the app's home",
    "missing_scope": "add the scope to the app and install it again",
    "msg_too_long": "",
    "no_permission": "the app may not post there",
    "not_allowed_token_type": "a bot token (xoxb-) is needed; for Socket Mode an app token (xapp-)",
    "not_authed": "the token is missing",
    "not_in_channel": "invite the app to the channel",
    "org_login_required": "the workspace is being moved",
    "restricted_action": "a rule of the workspace forbids it",
    "team_access_not_granted": "the app is not installed in that workspace",
    "token_expired": "give the app a new token",
    "token_revoked": "give the app a new token",
    "user_disabled": "the person's account is deactivated",
    "user_not_found": "nobody with that id",
    "users_not_found": "nobody with that e-mail address",
}
"""Errors that no retry cures, and what to do about them."""

_PATIENCE = 3
"""The longest Retry-After, in seconds, that is waited for here; longer ones are left to the outbox."""

_silent = logging.getLogger("inboxwatch.slack_sdk")
_silent.setLevel(logging.CRITICAL)
"""The SDKs log payloads; what matters of them is in our own errors and log lines."""


class _ShortWaits(AsyncRateLimitErrorRetryHandler):
    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        named = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", ["1"])
        return float(named[0] if isinstance(named, list) else named) <= _PATIENCE


class SlackApi:
    """One app in one workspace, over one HTTP session opened by the first call."""

    def __init__(self, token: str, url: str, timeout: float, ca_file: Path | None, proxy: str | None) -> None:
        self._token = token
        self._url = url
        self._timeout = timeout
        self._ca_file = ca_file
        self.proxy = proxy
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        self.log = _silent

    @property
    def tls(self) -> ssl.SSLContext | None:
        """A context that trusts the configured authorities too; None for the system's."""
        return ssl.create_default_context(cafile=str(self._ca_file)) if self._ca_file else None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timeout))
        return self._session

    @property
    def web(self) -> AsyncWebClient:
        if self._web is None:
            self._web = AsyncWebClient(
                token=self._token,
                base_url=self._url,
                timeout=int(self._timeout),
                session=self.session,
                ssl=self.tls,
                proxy=self.proxy,
                logger=_silent,
                retry_handlers=[_ShortWaits(max_retry_count=1)],
            )
        return self._web

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()
        self._session = self._web = None


async def done(call: Awaitable[Any]) -> Any:
    """The answer of a Web API call. Raises ChannelError with Slack's own code."""
    try:
        return await call
    except SlackApiError as error:
        raise _failure(error) from error
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise unreachable(error) from error


class SlackError(ChannelError):
    """An error that Slack named; `code` is its own word for it."""

    code = ""


def _failure(error: SlackApiError) -> SlackError:
    data = error.response.data if isinstance(error.response.data, dict) else {}
    code = str(data.get("error") or f"HTTP status {error.response.status_code}")
    needed = f" (needed: {said(data['needed'])})" if data.get("needed") else ""
    hint = f": {_HINTS[code]}" if _HINTS.get(code) else ""
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    failure = SlackError(
        f"Slack answered {said(code, 80)}{needed}{hint}",
        permanent=code in _HINTS,
        retry_after=retry_after(headers.get("retry-after"), instant.now()),
    )
    failure.code = code
    return failure
