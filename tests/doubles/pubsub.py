"""A double of Cloud Pub/Sub over real HTTPS, held to Google's own description of it: pull, acknowledge, permissions."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from inboxwatch import now as instant
from tests.doubles.google_schema import conforms, described
from tests.doubles.google_tokens import PROJECT, GoogleTokenServer
from tests.doubles.https_server import KIND, HttpsServer

TOPIC = f"projects/{PROJECT}/topics/inbox"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/inboxwatch"
API = "pubsub.v1"
CONSUME = "pubsub.subscriptions.consume"


@dataclass
class Waiting:
    """A message that was not acknowledged yet."""

    body: dict[str, Any]
    leased_until: float = 0.0
    """By `time.monotonic`: until then nobody else is given it."""
    acks: set[str] = field(default_factory=set)


@dataclass
class PubSub:
    """One topic with one subscription."""

    tokens: GoogleTokenServer
    permissions: set[str] = field(default_factory=lambda: {CONSUME})
    """What the login may do with the subscription."""
    gmail_may_publish: bool = True
    held: float = 2.0
    """Seconds for which a pull waits for news (Google: some ninety)."""
    lease: float = 10.0
    """Seconds after which a message that was not acknowledged comes again."""
    tick: Callable[[], None] = lambda: None
    """Called while a pull waits: publishers look for what to tell."""
    acknowledged: int = 0
    pulling: int = 0
    """Pulls that are being answered now."""
    most_pulling: int = 0

    def __post_init__(self) -> None:
        self.server = HttpsServer(self._take)
        self.waiting: list[Waiting] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """As a config names it."""
        return {"topic": TOPIC, "subscription": SUBSCRIPTION, "url": self.server.url}

    def publish(self, told: dict[str, Any]) -> None:
        body = {
            "data": base64.b64encode(json.dumps(told).encode()).decode(),
            "messageId": str(next(self._numbers)),
            "publishTime": f"{instant.now():%Y-%m-%dT%H:%M:%S.%fZ}",
        }
        with self._lock:
            self.waiting.append(Waiting(body))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "POST"
        resource, _, verb = request.path.removeprefix("/v1/").rpartition(":")
        request[KIND] = verb
        method = described(API)["resources"]["projects"]["resources"]["subscriptions"]["methods"][verb]
        who = self.tokens.bearer(request.headers.get("Authorization", ""))
        if who is None:
            return _refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not who[1] & set(method["scopes"]):
            return _refused(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
        body = await request.json()
        conforms(described(API), method["request"]["$ref"], body)
        if verb == "testIamPermissions":
            mine = self.permissions if resource == SUBSCRIPTION else set()
            return _sent(method, {"permissions": sorted(set(body["permissions"]) & mine)} if mine else {})
        if resource != SUBSCRIPTION:
            return _refused(404, "NOT_FOUND", f"Resource not found (resource={resource.rpartition('/')[2]}).")
        if CONSUME not in self.permissions:
            return _refused(403, "PERMISSION_DENIED", "User not authorized to perform this action.")
        if verb == "acknowledge":
            assert body["ackIds"], "must not be empty"
            with self._lock:
                kept = [one for one in self.waiting if not one.acks & set(body["ackIds"])]
                self.acknowledged += len(self.waiting) - len(kept)
                self.waiting = kept
            return _sent(method, {})
        self.pulling += 1
        self.most_pulling = max(self.most_pulling, self.pulling)
        try:
            return _sent(method, await self._pulled(request, int(body["maxMessages"])))
        finally:
            self.pulling -= 1

    async def _pulled(self, request: web.Request, most: int) -> dict[str, Any]:
        assert most > 0
        deadline = time.monotonic() + self.held
        free: list[Waiting] = []
        while request.transport is not None and not request.transport.is_closing():
            self.tick()
            now = time.monotonic()
            free = [one for one in self.waiting if one.leased_until < now][:most]
            if free or now > deadline:
                break
            await asyncio.sleep(0.01)
        for one in free:
            one.leased_until = time.monotonic() + self.lease
        found = [{"ackId": self._lent(one), "message": one.body} for one in free]
        return {"receivedMessages": found} if found else {}

    def _lent(self, one: Waiting) -> str:
        one.acks.add(name := f"ack-{next(self._numbers)}")
        return name


def _sent(method: dict[str, Any], body: dict[str, Any]) -> web.Response:
    conforms(described(API), method["response"]["$ref"], body)
    return web.json_response(body)


def _refused(status: int, name: str, words: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": words, "status": name}}, status=status)
