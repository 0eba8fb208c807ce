"""Whatever a mail API, the network and the daemon's restarts do: no message is lost, and none gets two names."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web

from inboxwatch import now as instant
from inboxwatch.connector import Cursor, MailboxError, MailConnector, Reading, Reason
from inboxwatch.testing import letter, message_id, message_of
from tests.doubles.ews import EwsServer
from tests.doubles.gmail import GmailAnswer, GmailServer
from tests.doubles.graph import GraphServer
from tests.doubles.https_server import Fault, HttpsServer
from tests.doubles.mailstore import MailStore
from tests.support.api_mailboxes import EwsMailbox, GmailMailbox, GraphMailbox

STEPS = 12
HORIZON = timedelta(days=30)


@dataclass
class World:
    """A mailbox, its servers, and how they may fail."""

    mailbox: GraphMailbox | GmailMailbox | EwsMailbox
    servers: tuple[HttpsServer, ...]
    revoke: Callable[[], None]
    calm: Callable[[], None]
    """Ends the faults that the API itself has."""
    close: Callable[[], None]
    chance: random.Random
    delivered: int = 0
    gone: set[str] = field(default_factory=set)
    """Message-IDs that were deleted or moved where nobody reads: they may be read or not."""

    @property
    def store(self) -> MailStore:
        return self.mailbox.store

    def fault(self, request: web.Request) -> Fault | None:
        if self.chance.random() > (0.1 if request.method == "GET" or "token" not in request.path else 0.02):
            return None
        return self.chance.choice(
            [
                Fault(429, _error(429, "TooManyRequests", "rateLimitExceeded"), {"Retry-After": "0"}),
                Fault(429, _error(429, "ActivityLimitReached", "userRateLimitExceeded"), {"Retry-After": "30"}),
                Fault(500, _error(500, "ErrorInternalServerError", "backendError")),
                Fault(502, "<html>Bad Gateway</html>"),
                Fault(503, _error(503, "ServiceUnavailable", "backendError"), {"Retry-After": "0"}),
                Fault(504, ""),
                Fault(cut=0.0),
                Fault(cut=0.5),
                Fault(delay=0.01),
            ]
        )

    def live(self) -> None:
        """Something happens in the mailbox."""
        for _ in range(self.chance.randrange(4)):
            age = timedelta(seconds=self.chance.choice([0, 0, 0, 1, 60, 86_400]))
            folder = self.mailbox.sent if self.chance.random() < 0.3 else self.mailbox.inbox
            self.store.deliver(letter(self.delivered), folder, instant.now() - age)
            self.delivered += 1
        here = [one for one in self.store.messages.values() if one.folder in (self.mailbox.inbox, self.mailbox.sent)]
        deed = self.chance.random()
        if here and deed < 0.15:
            one = self.chance.choice(here)
            self.gone.add(one.message_id.strip("<>"))
            self.store.delete(one.id)
        elif here and deed < 0.4:
            self.store.flag(self.chance.choice(here).id, "read")
        elif deed < 0.43:
            self.store.forget()
        elif deed < 0.5:
            self.revoke()
        elif deed < 0.55:
            self.servers[0].kill()
        else:
            self.servers[0].up()

    def stormy(self, *, on: bool) -> None:
        for server in self.servers:
            server.fault = self.fault if on else (lambda request: None)
            server.up()
        if not on:
            self.calm()


def _error(status: int, code: str, reason: str) -> str:
    return (
        f'{{"error": {{"code": "{code}", "status": {status}, "message": "try again", '
        f'"errors": [{{"reason": "{reason}"}}]}}}}'
    )


@dataclass
class BatchReader:
    """Reads as the daemon does: a batch and its cursor are kept together, or not at all."""

    connect: Callable[[], MailConnector]
    chance: random.Random
    cursor: Cursor | None = None
    names: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Refs by Message-ID."""
    quarantined: list[str] = field(default_factory=list)
    connector: MailConnector | None = None

    async def poll(self, *, hasty: bool) -> MailboxError | None:
        """One poll; a hasty one may stop anywhere, and the daemon may restart before it."""
        if self.connector is None or (hasty and self.chance.random() < 0.2):
            await self.close()
            self.connector = self.connect()
        try:
            async with aclosing(self.connector.poll(self.cursor)) as batches:  # type: ignore[type-var]  # by duck
                async for batch in batches:
                    if hasty and self.chance.random() < 0.1:
                        return None
                    for message in batch.messages:
                        self.names[message_of(message.header)].add(message.ref)
                    self.quarantined += [one.reason for one in batch.quarantined]
                    self.cursor = batch.cursor
        except MailboxError as error:
            assert error.reason is not Reason.PROTOCOL, error  # the network is bad, the servers are not
            return error
        return None

    async def close(self) -> None:
        if self.connector is not None:
            await self.connector.aclose()


def graph(chance: random.Random) -> World:
    server = GraphServer()
    server.noisy = chance.random() < 0.5
    mailbox = GraphMailbox(server, chance.choice(["basic", "read"]), retry_for="2s")
    return World(mailbox, (server.server, server.entra.server), server.entra.revoke, lambda: None, server.close, chance)


def gmail(chance: random.Random) -> World:
    server = GmailServer()
    server.noisy = chance.random() < 0.5
    server.inner_fault = lambda user, name: (
        chance.choice(
            [
                GmailAnswer(
                    429, {"error": {"code": 429, "errors": [{"reason": "rateLimitExceeded"}], "message": "slow"}}
                ),
                GmailAnswer(500, {"error": {"code": 500, "errors": [{"reason": "backendError"}], "message": "oops"}}),
            ]
        )
        if chance.random() < 0.03
        else None
    )
    mailbox = GmailMailbox(server, chance.choice(["metadata", "readonly"]), retry_for="2s")
    tokens = server.tokens

    def calm() -> None:
        server.inner_fault = None

    return World(mailbox, (server.server, tokens.server), tokens.revoke, calm, server.close, chance)


def ews(chance: random.Random) -> World:
    server = EwsServer()
    server.noisy = chance.random() < 0.5
    server.soap_fault = lambda operation, user: ("ErrorServerBusy", 10) if chance.random() < 0.05 else None
    mailbox = EwsMailbox(server, auth="basic", retry_for="2s")

    def calm() -> None:
        server.soap_fault = None

    return World(mailbox, (server.server,), lambda: None, calm, server.close, chance)


async def weather(kind: Callable[[random.Random], World], seed: int) -> str:
    """Lives through a storm; returns what went wrong."""
    world = kind(random.Random(seed))
    try:
        return await _weather(world)
    finally:
        world.close()


async def _weather(world: World) -> str:
    reading = Reading(since=instant.now() - HORIZON, batch_size=world.chance.choice([2, 5, 50]))
    reader = BatchReader(lambda: world.mailbox.connector(reading), world.chance)
    world.store.deliver(b"Message-ID: <old@buyer.test>\r\n\r\n", world.mailbox.inbox, instant.now() - 2 * HORIZON)
    world.stormy(on=True)
    for _ in range(STEPS):
        world.live()
        await reader.poll(hasty=True)
    world.stormy(on=False)
    await reader.poll(hasty=False)  # connections that the storm ended may show now
    failed = [await reader.poll(hasty=False) for _ in range(2)]
    await reader.close()
    expected = {message_id(number) for number in range(world.delivered)}
    lost = sorted(expected - world.gone - reader.names.keys())
    invented = sorted(reader.names.keys() - expected)
    doubled = sorted(name for name, refs in reader.names.items() if len(refs) > 1)
    told = {"lost": lost, "invented": invented, "two names": doubled, "set aside": reader.quarantined}
    told["failed in calm weather"] = [str(one) for one in failed if one]
    return "; ".join(f"{what}: {which}" for what, which in told.items() if which)


async def storms(kind: Callable[[random.Random], World], seeds: range) -> dict[int, str]:
    """What went wrong, by seed; several at once, for most of the time is waiting."""
    told: dict[int, str] = {}
    for start in range(seeds.start, seeds.stop, 10):
        share = range(start, min(start + 10, seeds.stop))
        results = await asyncio.gather(*(weather(kind, seed) for seed in share))
        told |= {seed: result for seed, result in zip(share, results, strict=True) if result}
    return told


@pytest.mark.parametrize("kind", [graph, gmail, ews])
async def test_nothing_is_lost_and_nothing_has_two_names(kind: Callable[[random.Random], World]) -> None:
    assert await storms(kind, range(12)) == {}


@pytest.mark.soak
@pytest.mark.parametrize("kind", [graph, gmail, ews])
async def test_nothing_is_lost_in_two_hundred_storms(kind: Callable[[random.Random], World]) -> None:
    assert await storms(kind, range(1000, 1200)) == {}
