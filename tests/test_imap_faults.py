"""Connections cut, servers killed, folders replaced, daemons restarted: no message is lost, and none comes twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from connectors.mail.imap import Imap, ImapSettings
from inboxwatch.connector import Context, Cursor, MailboxError, Reading
from inboxwatch.testing import ids, letter, message_id
from tests.dovecot import PASSWORD, Dovecot

MESSAGES = 60
ROUNDS = 12


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.start([]) as running:
        yield running


class Cutter:
    """A TCP relay to the server that cuts a connection after so many bytes of answers."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port = port
        self._chance = chance
        self.cutting = True
        self.connections = 0

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # Half of the connections die young: in the greeting, the login, the listing; the others while mail is read.
        most = self._chance.choice([800, 30_000]) if self.cutting else 10**12
        budget = self._chance.randrange(1, most)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        asking = asyncio.create_task(_pipe(reader, up_writer, 10**12))
        with contextlib.suppress(OSError):
            await _pipe(up_reader, writer, budget)
        asking.cancel()
        for end in (writer, up_writer):
            end.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int) -> None:
    while budget > 0 and (piece := await reader.read(min(budget, 4096))):
        budget -= len(piece)
        writer.write(piece)
        await writer.drain()


@contextlib.asynccontextmanager
async def cutting(server: Dovecot, chance: random.Random) -> AsyncIterator[tuple[Cutter, int]]:
    cutter = Cutter(server.port, chance)
    listener = await asyncio.start_server(cutter.relay, "127.0.0.1", 0)
    try:
        yield cutter, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


Record = Callable[[str, object], None]


async def survive(server: Dovecot, seed: int, record: Record) -> None:
    chance = random.Random(seed)
    user = f"fault{seed}"
    for folder in ("INBOX", "Sent"):
        server.create(user, folder)
    undelivered = list(range(MESSAGES))
    store: Counter[str] = Counter()
    cursor: Cursor | None = None
    resynced = attempts = 0
    async with cutting(server, chance) as (cutter, port):

        def connector() -> Imap:
            given = {"host": "127.0.0.1", "port": port, "security": "none", "password": PASSWORD, "read_timeout": "5s"}
            reading = Reading(batch_size=chance.choice([3, 7, 500]))
            return Imap(ImapSettings.model_validate(given), Context("ana", user, reading))

        reader = connector()
        for turn in range(ROUNDS * 10):
            calm = turn >= ROUNDS
            cutter.cutting = not calm
            for _ in range(min(len(undelivered), MESSAGES if calm else chance.randrange(12))):
                server.deliver(user, letter(undelivered.pop()), chance.choice(["INBOX", "INBOX", "Sent"]))
            fault = None if calm else chance.choice(["", "", "", "", "kill", "restart", "replace", "daemon"])
            if fault == "kill":
                server.kill()
                server.up()
            elif fault == "restart":
                server.restart()
            elif fault == "replace":
                validity = str(chance.randrange(2_000_000_000, 4_000_000_000))
                server.doveadm("mailbox", "update", "-u", user, "--uid-validity", validity, "INBOX")
            elif fault == "daemon":
                await reader.aclose()
                reader = connector()
            attempts += 1
            try:
                async with contextlib.aclosing(reader.poll(cursor)) as poll:  # type: ignore[type-var]  # it is one
                    async for batch in poll:
                        assert not batch.quarantined
                        resynced += batch.resynced
                        store.update(ids(batch.messages))
                        cursor = batch.cursor
                        if not calm and chance.random() < 0.1:
                            break
                if chance.random() < 0.5:
                    await reader.wait(0.02)
            except MailboxError:
                continue
            if calm and not undelivered and len(store) == MESSAGES:
                break
        await reader.aclose()
    record("polls", attempts)
    record("connections", cutter.connections)
    record("read again after a resync", sum(store.values()) - len(store))
    assert set(store) == {message_id(number) for number in range(MESSAGES)}
    assert max(store.values()) <= 1 + resynced
    assert cutter.connections <= 3 * attempts


@pytest.mark.parametrize("seed", range(20))
async def test_no_fault_loses_or_repeats_a_message(server: Dovecot, seed: int, record_property: Record) -> None:
    await survive(server, seed, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20, 220))
async def test_no_fault_of_many_loses_or_repeats_a_message(server: Dovecot, seed: int, record_property: Record) -> None:
    await survive(server, seed, record_property)
