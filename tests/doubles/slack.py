"""Slack over real HTTP and WebSocket, driven by the real client libraries.

It answers the Web API methods that we use, refuses what Slack refuses (blocks are read by slack_sdk's own models),
keeps messages with their history, hands out one-time Socket Mode addresses, and presses buttons like a person.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

BOT, APP = "xoxb-bot", "xapp-app"
Json = dict[str, Any]


class SlackDouble:
    def __init__(self) -> None:
        self.url = ""
        self.channels = {"C0SALES01": "sales-escalations", "C0OTHER01": "other"}
        self.users = {"U012AB3CD": "ana@acme.test", "U0MAX0001": "max@acme.test"}
        self.scopes = "chat:write,users:read,users:read.email,channels:history,im:history"
        self.messages: dict[str, list[Json]] = defaultdict(list)
        """By channel id, oldest first; `versions` are all the blocks and texts a message had."""
        self.ephemeral: list[Json] = []
        self.views: list[Json] = []
        self.responses: list[Json] = []
        self.calls: list[tuple[str, Json]] = []
        self.faults: dict[str, deque[tuple[int, str, dict[str, str]]]] = defaultdict(deque)
        """Answers to the next calls of a method: (HTTP status, error code or `cut` or `lose`, headers)."""
        self.connections: list[web.WebSocketResponse] = []
        self.acknowledged: list[Json] = []
        self._tickets: set[str] = set()
        self._count = itertools.count(1)
        self._news = asyncio.Condition()

    async def until(self, true: Callable[[], Any]) -> None:
        """Waits for something that a client brings about."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(true), 10)

    def post(self, place: int = -1, channel: str = "C0SALES01") -> Json:
        return self.messages[channel][place]

    def called(self, method: str) -> list[Json]:
        return [arguments for name, arguments in self.calls if name == method]

    # What people do.

    def press(
        self,
        message: Json,
        action: str,
        user: str = "U012AB3CD",
        clock: str | None = None,
        element: Json | None = None,
    ) -> Json:
        """The payload of a press on one of a message's buttons, or on the one element; `deliver` sends it."""
        found = [
            (block, one)
            for block in message["blocks"]
            if block["type"] == "actions"
            for one in block["elements"]
            if (one is element if element else one["action_id"] == action and clock in {None, one["value"]})
        ]
        block, pressed = found[0]
        place = {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]}
        return {
            "type": "block_actions",
            "user": self._user(user),
            "team": {"id": "T1"},
            "api_app_id": "A1",
            "container": place,
            "channel": {"id": message["channel"]},
            "message": {key: message[key] for key in ("ts", "text", "blocks")},
            "trigger_id": f"trigger{next(self._count)}",
            "response_url": f"{self.url}/response",
            "actions": [{**pressed, "block_id": block["block_id"], "action_ts": f"{next(self._count)}.0"}],
        }

    def choose(self, message: Json, action: str, label: str, user: str = "U012AB3CD", clock: str = "") -> Json:
        """The payload of a choice from a select or an overflow of a message, by what it says; `clock` begins the
        option's value where several have it.
        """
        for block in message["blocks"]:
            for element in block["elements"] if block["type"] == "actions" else []:
                options = [one for one in _options(element) if one["value"].startswith(clock)]
                picked = next((one for one in options if one["text"]["text"] == label), None)
                if element["action_id"] == action and picked is not None:
                    pressed = self.press(message, action, user, element=element)
                    pressed["actions"][0] |= {"block_id": block["block_id"], "selected_option": picked}
                    return pressed
        raise AssertionError(f"nothing offers {label}")

    def option(self, view: Json, label: str) -> str:
        """The value of what a dialog's choice shows by a label."""
        options = [one for block in view["blocks"] for one in _options(block["element"])]
        return next(str(one["value"]) for one in options if one["text"]["text"] == label)

    def submit(self, view: Json, user: str = "U012AB3CD", **values: str) -> Json:
        """The payload of a dialog that was filled in; the choice must be one of its options."""
        state: Json = {}
        for block in view["blocks"]:
            element, name = block["element"], block["block_id"]
            value = values.get(name)
            if element["type"] == "plain_text_input":
                assert len(value or "") <= element["max_length"]
                state[name] = {element["action_id"]: {"type": element["type"], "value": value}}
            else:
                options = {option["value"]: option for option in _options(element)}
                chosen = {"type": element["type"], "selected_option": options[str(value)]}
                state[name] = {element["action_id"]: chosen}
        return {
            "type": "view_submission",
            "user": self._user(user),
            "team": {"id": "T1"},
            "api_app_id": "A1",
            "view": {**view, "id": f"V{next(self._count)}", "state": {"values": state}},
        }

    def command(self, text: str, user: str = "U012AB3CD") -> Json:
        return {
            "command": "/inboxwatch",
            "text": text,
            "user_id": user,
            "user_name": "ana",
            "team_id": "T1",
            "channel_id": "C0SALES01",
            "trigger_id": f"trigger{next(self._count)}",
            "response_url": f"{self.url}/response",
        }

    def _user(self, user: str) -> Json:
        return {"id": user, "name": self.users.get(user, "stranger@other.test").partition("@")[0], "team_id": "T1"}

    async def deliver(self, payload: Json) -> str:
        """Sends an envelope and waits until it is acknowledged; returns its id."""
        envelope = f"E{next(self._count)}"
        kind = "slash_commands" if "command" in payload else "interactive"
        await self.until(lambda: self.connections)
        message = {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True}
        await self.connections[-1].send_str(json.dumps(message))
        await self.until(lambda: envelope in [said["envelope_id"] for said in self.acknowledged])
        return envelope

    async def disconnect(self, *, told: bool) -> None:
        """Ends the newest connection: with Slack's word of warning, or cut."""
        connection = self.connections[-1]
        if told:
            await connection.send_str(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        else:
            transport = connection._req.transport if connection._req else None
            assert transport is not None
            transport.abort()
        await self.until(lambda: connection not in self.connections)

    # What Slack answers.

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        try:
            fault = self.faults[method].popleft() if self.faults[method] else None
            if fault and fault[1] == "cut":
                return _cut(request)
            if fault and fault[1] != "lose":
                self.calls.append((f"{method} refused", arguments))
                return web.json_response({"ok": False, "error": fault[1]}, status=fault[0], headers=fault[2])
            self.calls.append((method, arguments))
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            answer = self._answer(method, arguments, token)
            if fault:
                return _cut(request)
            return web.json_response({"ok": True, **answer}, headers={"x-oauth-scopes": self.scopes})
        except _Refused as refused:
            return web.json_response({"ok": False, "error": str(refused)})
        finally:
            async with self._news:
                self._news.notify_all()

    def _answer(self, method: str, arguments: Json, token: str) -> Json:
        if token != (APP if method == "apps.connections.open" else BOT):
            raise _Refused("invalid_auth")
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            raise _Refused("unknown_method")
        answer: Json = handler(arguments)
        return answer

    def _auth_test(self, arguments: Json) -> Json:
        return {
            "url": self.url,
            "team": "Acme",
            "user": "inboxwatch",
            "team_id": "T1",
            "user_id": "U0BOT",
            "bot_id": "B1",
        }

    def _apps_connections_open(self, arguments: Json) -> Json:
        ticket = f"ticket{next(self._count)}"
        self._tickets.add(ticket)
        return {"url": f"{self.url.replace('http', 'ws', 1)}/link?ticket={ticket}"}

    def _users_lookupByEmail(self, arguments: Json) -> Json:  # noqa: N802  (Slack's name)
        for user, email in self.users.items():
            if email == arguments["email"]:
                return {"user": {"id": user, "profile": {"email": email}}}
        raise _Refused("users_not_found")

    def _users_info(self, arguments: Json) -> Json:
        if arguments["user"] not in self.users:
            raise _Refused("user_not_found")
        return {"user": {"id": arguments["user"], "profile": {"email": self.users[arguments["user"]]}}}

    def _conversations_open(self, arguments: Json) -> Json:
        return {"channel": {"id": self._channel(arguments["users"])}}

    def _conversations_list(self, arguments: Json) -> Json:
        """One channel a page."""
        known, at = list(self.channels.items()), int(arguments.get("cursor") or 0)
        page = [{"id": channel, "name": name} for channel, name in known[at : at + 1]]
        following = str(at + 1) if at + 1 < len(known) else ""
        return {"channels": page, "response_metadata": {"next_cursor": following}}

    def _conversations_history(self, arguments: Json) -> Json:
        if arguments["channel"] not in self.messages:
            raise _Refused("channel_not_found")
        roots = [one for one in self.messages[arguments["channel"]] if not one["thread_ts"] or one["reply_broadcast"]]
        return {"messages": [one for one in reversed(roots) if float(one["ts"]) >= float(arguments["oldest"])]}

    def _conversations_replies(self, arguments: Json) -> Json:
        root = arguments["ts"]
        return {
            "messages": [one for one in self.messages[arguments["channel"]] if root in (one["ts"], one["thread_ts"])]
        }

    def _chat_postMessage(self, arguments: Json) -> Json:  # noqa: N802  (Slack's name)
        channel = self._channel(arguments["channel"])
        _check(arguments)
        message = {
            "channel": channel,
            "ts": f"{1800000000 + next(self._count)}.000100",
            "text": arguments["text"],
            "blocks": arguments["blocks"],
            "thread_ts": arguments.get("thread_ts"),
            "reply_broadcast": bool(arguments.get("reply_broadcast")),
            "metadata": arguments.get("metadata"),
            "versions": [arguments["blocks"]],
        }
        self.messages[channel].append(message)
        return {"channel": channel, "ts": message["ts"], "message": {"text": message["text"]}}

    def _chat_update(self, arguments: Json) -> Json:
        _check(arguments)
        for message in self.messages[arguments["channel"]]:
            if message["ts"] == arguments["ts"]:
                message.update(text=arguments["text"], blocks=arguments["blocks"])
                message["versions"].append(arguments["blocks"])
                return {"channel": arguments["channel"], "ts": message["ts"]}
        raise _Refused("message_not_found")

    def _chat_postEphemeral(self, arguments: Json) -> Json:  # noqa: N802  (Slack's name)
        self.ephemeral.append(arguments)
        return {"message_ts": "1.0"}

    def _views_open(self, arguments: Json) -> Json:
        try:
            View(**arguments["view"]).to_dict()
        except (SlackObjectFormationError, TypeError):
            raise _Refused("invalid_arguments") from None
        self.views.append(arguments["view"])
        return {"view": {"id": f"V{next(self._count)}"}}

    def _channel(self, named: str) -> str:
        if named in self.users:
            return f"D{named[1:]}"
        known = {
            **{f"#{name}": channel for channel, name in self.channels.items()},
            **{one: one for one in self.channels},
        }
        if named in known:
            return known[named]
        if named in self.messages:
            return named
        raise _Refused("channel_not_found")

    async def _respond(self, request: web.Request) -> web.Response:
        self.responses.append(await request.json())
        async with self._news:
            self._news.notify_all()
        return web.Response(text="ok")

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query["ticket"]
        if self.faults["link"]:
            return web.Response(status=self.faults["link"].popleft()[0])
        if ticket not in self._tickets:
            return web.Response(status=408)
        self._tickets.remove(ticket)
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self.connections.append(connection)
        await self._notify()
        try:
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self.acknowledged.append(json.loads(message.data))
                    await self._notify()
        finally:
            self.connections.remove(connection)
            await self._notify()
        return connection

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()


class _Refused(Exception):  # noqa: N818  (an answer of the API, not a fault)
    pass


_MOST = 13_200
"""Characters of all blocks of a message, as people have found; no document says so (bolt-js issue 2509)."""


def _check(arguments: Json) -> None:
    """What Slack checks in a message: its text, and its blocks by slack_sdk's models."""
    if len(arguments["text"]) > 40_000:
        raise _Refused("msg_too_long")
    blocks = arguments["blocks"]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(blocks) > 50 or len(ids) != len(set(ids)):
        raise _Refused("invalid_blocks")
    if len(json.dumps(blocks, ensure_ascii=False)) > _MOST:
        raise _Refused("msg_blocks_too_long")
    for block in Block.parse_all(blocks):
        if block is None:
            raise _Refused("invalid_blocks")
        try:
            read = block.to_dict()
        except SlackObjectFormationError:
            raise _Refused("invalid_blocks") from None
        for text in _texts(read):
            if not 1 <= len(text) <= 3000:
                raise _Refused("invalid_blocks")


def _options(element: Json) -> list[Json]:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    return [option for group in groups for option in group["options"]]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        read: Json = await request.json()
        return read
    fields = {
        **request.query,
        **{key: value for key, value in (await request.post()).items() if isinstance(value, str)},
    }
    return {key: json.loads(value) if value.startswith(("[", "{")) else value for key, value in fields.items()}


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def slack_double() -> AsyncIterator[SlackDouble]:
    """Serves on a free port of loopback until the block ends."""
    double = SlackDouble()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", double._api)
    app.router.add_post("/response", double._respond)
    app.router.add_get("/link", double._link)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        for connection in list(double.connections):
            await connection.close()
        await runner.cleanup()
