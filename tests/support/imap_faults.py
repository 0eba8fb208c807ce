"""Connections cut, servers killed, folders replaced, daemons restarted: what the IMAP connector makes of it, counted.

`python -m tests.support.imap_faults [SEEDS]` prints a table of the faults, each by itself and all together.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from connectors.mail.imap import Imap, ImapSettings
from inboxwatch.connector import Context, Cursor, MailboxError, Reading
from inboxwatch.testing import ids, letter, message_id
from tests.doubles.dovecot import PASSWORD, Dovecot

MESSAGES = 60
ROUNDS = 12
CUT, KILLED, RESTARTED, REPLACED, DAEMON = (
    "connection cut", "server killed", "server restarted", "UIDVALIDITY changed", "daemon restarted"
)  # fmt: skip
FAULTS = (CUT, KILLED, RESTARTED, REPLACED, DAEMON)


@dataclass(slots=True)
class Outcome:
    """What has become of the messages of one mailbox."""

    faults: int = 0
    failures: int = 0
    """Polls that ended with an error."""
    polls: int = 0
    connections: int = 0
    resyncs: int = 0
    """Readings that began again from the horizon."""
    lost: int = 0
    foreign: int = 0
    """Messages that nobody delivered."""
    again: int = 0
    """Readings of a message beyond the first: after a resync only."""
    most: int = 0
    """How often the message was read that was read most often."""


class Cutter:
    """A TCP relay to the server that cuts a connection after so many bytes of answers."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port = port
        self._chance = chance
        self.cutting = True
        self.connections = self.cuts = 0

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
            self.cuts += await _pipe(up_reader, writer, budget)
        asking.cancel()
        for end in (writer, up_writer):
            end.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int) -> bool:
    """Returns whether the budget ended it, not the server."""
    while budget > 0 and (piece := await reader.read(min(budget, 4096))):
        budget -= len(piece)
        writer.write(piece)
        await writer.drain()
    return budget <= 0


@contextlib.asynccontextmanager
async def cutting(server: Dovecot, chance: random.Random) -> AsyncIterator[tuple[Cutter, int]]:
    cutter = Cutter(server.port, chance)
    listener = await asyncio.start_server(cutter.relay, "127.0.0.1", 0)
    try:
        yield cutter, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def survive(server: Dovecot, user: str, seed: int, faults: Sequence[str] = FAULTS) -> Outcome:
    """Delivers and polls through a storm of faults, then in calm until all is read, or it is clear that it never is."""
    chance = random.Random(seed)
    for folder in ("INBOX", "Sent"):
        server.create(user, folder)
    undelivered = list(range(MESSAGES))
    store: Counter[str] = Counter()
    cursor: Cursor | None = None
    outcome = Outcome()
    blows = [fault for fault in faults if fault != CUT]
    async with cutting(server, chance) as (cutter, port):

        def connector() -> Imap:
            given = {"host": "127.0.0.1", "port": port, "security": "none", "password": PASSWORD, "read_timeout": "5s"}
            reading = Reading(batch_size=chance.choice([3, 7, 500]))
            return Imap(ImapSettings.model_validate(given), Context("ana", user, reading))

        reader = connector()
        for turn in range(ROUNDS * 10):
            calm = turn >= ROUNDS
            cutter.cutting = CUT in faults and not calm
            for _ in range(min(len(undelivered), MESSAGES if calm else chance.randrange(12))):
                server.deliver(user, letter(undelivered.pop()), chance.choice(["INBOX", "INBOX", "Sent"]))
            fault = chance.choice(blows) if blows and not calm and chance.random() < 0.5 else ""
            outcome.faults += bool(fault)
            if fault == KILLED:
                server.kill()
                server.up()
            elif fault == RESTARTED:
                server.restart()
            elif fault == REPLACED:
                validity = str(chance.randrange(2_000_000_000, 4_000_000_000))
                server.doveadm("mailbox", "update", "-u", user, "--uid-validity", validity, "INBOX")
            elif fault == DAEMON:
                await reader.aclose()
                reader = connector()
            outcome.polls += 1
            try:
                async with contextlib.aclosing(reader.poll(cursor)) as poll:  # type: ignore[type-var]  # it is one
                    async for batch in poll:
                        assert not batch.quarantined
                        outcome.resyncs += batch.resynced
                        store.update(ids(batch.messages))
                        cursor = batch.cursor
                        if not calm and chance.random() < 0.1:
                            break
                if chance.random() < 0.5:
                    await reader.wait(0.02)
            except MailboxError:
                outcome.failures += 1
                continue
            if calm and not undelivered and len(store) == MESSAGES:
                break
        await reader.aclose()
        outcome.connections = cutter.connections
        outcome.faults += cutter.cuts
    delivered = {message_id(number) for number in range(MESSAGES)}
    outcome.lost, outcome.foreign = len(delivered - set(store)), len(set(store) - delivered)
    outcome.again = store.total() - len(store)
    outcome.most = max(store.values(), default=0)
    return outcome


COLUMNS = ("faults", "polls", "failures", "connections", "resyncs", "lost")


async def _table(seeds: int) -> None:
    print(f"{'fault':20}", *(f"{name:>12}" for name in (*COLUMNS, "twice")))
    with Dovecot.start([]) as server:
        for number, faults in enumerate([*([fault] for fault in FAULTS), FAULTS]):
            outcomes = [await survive(server, f"table{number}x{seed}", seed, faults) for seed in range(seeds)]
            counts = [sum(getattr(one, name) for one in outcomes) for name in COLUMNS]
            # Read again after a resync is as it should be: the engine knows the message by its id.
            twice = sum(one.most > 1 + one.resyncs for one in outcomes)
            what = faults[0] if len(faults) == 1 else "all of them"
            print(f"{what:20}", *(f"{count:12}" for count in (*counts, twice)))


if __name__ == "__main__":
    asyncio.run(_table(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
