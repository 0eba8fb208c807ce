"""Socket Mode: a WebSocket over which Slack delivers what people press; it is reopened whenever it closes.

slack_sdk's own client is not used: after a failed handshake it retries the same one-time address without end, every few
seconds and with a traceback each. Protocol: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import structlog

from inboxwatch.core.backoff import Backoff, jittered
from inboxwatch.notify import ChannelError
from inboxwatch.notify.slack.api import SlackApi, done

_BACK_OFF = Backoff(0.2, 60.0)
"""Pauses before a new connection; one that held for longer than the longest begins anew."""
_PING = 15.0
"""Seconds between our pings; a connection that leaves one unanswered for half of that is dead."""

_log = structlog.get_logger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Takes an envelope's payload, returns what the acknowledgement should carry, or None."""


class Socket:
    """Runs until it is cancelled. `up` is set while Slack can reach us."""

    def __init__(self, api: SlackApi, app_token: str, handle: Handler, channel: str) -> None:
        """`channel` is its name in the config."""
        self._channel = channel
        self._api = api
        self._app_token = app_token
        self._handle = handle
        self._working: set[asyncio.Task[None]] = set()
        self.up = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        tries, told = 0, False
        chance = random.Random()  # noqa: S311  (jitter is no secret)
        try:
            while True:
                began, hint = loop.time(), None
                try:
                    await self._connection()
                    told = False
                except (ChannelError, aiohttp.ClientError, OSError, TimeoutError) as error:
                    if not told:
                        words = str(error) or type(error).__name__
                        _log.warning("slack_socket_down", channel=self._channel, error=words)
                        told = True
                    hint = error.retry_after if isinstance(error, ChannelError) else None
                tries = 1 if loop.time() - began > _BACK_OFF.longest else tries + 1
                await asyncio.sleep(hint or jittered(_BACK_OFF.pause(tries), chance, 0.5))
        finally:
            for task in self._working:
                task.cancel()

    async def _connection(self) -> None:
        """One connection, until Slack asks for another or it ends. Raises where it could not be had."""
        opened = await done(self._api.web.apps_connections_open(app_token=self._app_token))
        async with self._api.session.ws_connect(
            opened["url"], heartbeat=_PING, proxy=self._api.proxy, ssl=self._api.tls or True, max_msg_size=2**22
        ) as socket:
            try:
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    envelope = _parsed(message.data)
                    if envelope.get("type") == "hello":
                        self.up.set()
                    elif envelope.get("type") == "disconnect":
                        return
                    elif envelope.get("envelope_id"):
                        self._start(socket, envelope)
            finally:
                self.up.clear()

    def _start(self, socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        task = asyncio.create_task(self._answer(socket, envelope))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        payload = envelope.get("payload")
        answer = await self._handle(payload if isinstance(payload, dict) else {})
        said: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        if answer:
            said["payload"] = answer
        try:
            await socket.send_str(json.dumps(said))
        except (aiohttp.ClientError, OSError):
            # Slack delivers it again on the next connection, and the handler knows it by then.
            _log.debug("slack_acknowledgement_lost", channel=self._channel)


def _parsed(text: str) -> dict[str, Any]:
    try:
        envelope = json.loads(text)
    except ValueError:
        return {}
    return envelope if isinstance(envelope, dict) else {}
