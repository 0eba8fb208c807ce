"""Faults of the outbox, counted: channels down for an hour, and the process killed around every send.

Real engine, store, outbox and channels against real servers on loopback; only time is virtual, and a kill is an
exception that no handler of the program sees. `python -m tests.support.outbox_faults [KILLS]` prints the table.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from inboxwatch import config as configuration
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.notify import Channel
from inboxwatch.notify.email import Email
from inboxwatch.notify.slack.channel import fingerprint
from tests.doubles.http_sink import http_sink
from tests.doubles.slack import BOT, slack_double
from tests.doubles.smtp_sink import smtp_sink
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.inline_writer import InlineWriter, Killed

STEP = 5
"""Minutes that pass at once."""
CHANNELS = ("webhook", "e-mail", "slack")
POINTS = ("claim", "render", "sent")
"""Units of work around a send: the process dies before the message leaves, or before or after it is recorded."""
MANY_FAULTS = 100_000


@dataclass(frozen=True, slots=True)
class ChannelServer:
    """What a channel sends to."""

    settings: dict[str, Any]
    taken: Callable[[], list[str]]
    """The ids of the messages that it has taken, in order."""
    fail: Callable[[], None]
    """It refuses or hangs up from now on."""
    mend: Callable[[], None]
    lose: Callable[[], None]
    """It takes the next message and hangs up before it answers."""
    id_of: Callable[[Channel, str], str]
    """What a message's id is there, by the outbox's key."""


@asynccontextmanager
async def webhook() -> AsyncIterator[ChannelServer]:
    async with http_sink() as sink:
        failed: set[int] = set()

        def taken() -> list[str]:
            return [post.headers["Idempotency-Key"] for at, post in enumerate(sink.received) if at not in failed]

        def fail() -> None:
            begun = len(sink.received)
            sink.answers.extend([(503, {}, "down"), (429, {"Retry-After": "3"}, "later")] * MANY_FAULTS)
            failed.update(range(begun, begun + MANY_FAULTS))

        def mend() -> None:
            sink.answers.clear()
            failed.difference_update(range(len(sink.received), max(failed, default=0) + 1))

        yield ChannelServer(
            {"type": "webhook", "url": sink.url},
            taken,
            fail,
            mend,
            lambda: sink.answers.append(None),
            lambda channel, key: key,
        )


@asynccontextmanager
async def email() -> AsyncIterator[ChannelServer]:
    async with smtp_sink() as sink:

        def mend() -> None:
            sink.rcpt_answers.clear()
            sink.data_answers.clear()

        def message_id(channel: Channel, key: str) -> str:
            assert isinstance(channel, Email)
            return f"<{channel.message_id(key)}>"

        yield ChannelServer(
            {"type": "email", "host": "127.0.0.1", "port": sink.port, "security": "none", "sender": "i@acme.test"},
            lambda: [str(mail["Message-ID"]) for mail in sink.mails],
            lambda: sink.rcpt_answers.extend(["451 4.3.0 later", "421 4.3.2 closing"] * MANY_FAULTS),
            mend,
            lambda: sink.data_answers.append("keep and cut"),
            message_id,
        )


@asynccontextmanager
async def slack() -> AsyncIterator[ChannelServer]:
    async with slack_double() as double:
        double.users["U0MAX0001"] = "max@acme.test"
        posting, updating = double.faults["chat.postMessage"], double.faults["chat.update"]
        down = [(503, "service_unavailable", {}), (429, "ratelimited", {"Retry-After": "30"}), (200, "cut", {})]

        def taken() -> list[str]:
            posted = [message for messages in double.messages.values() for message in messages]
            return [message["metadata"]["event_payload"]["key"] for message in posted]

        def fail() -> None:
            for calls in (posting, updating):
                calls.extend(down * MANY_FAULTS)

        def mend() -> None:
            posting.clear()
            updating.clear()

        yield ChannelServer(
            {"type": "slack", "bot_token": BOT, "api_url": f"{double.url}/api/"},
            taken,
            fail,
            mend,
            lambda: posting.append((200, "lose", {})),
            lambda channel, key: fingerprint(key),
        )


SERVERS = {"webhook": webhook, "e-mail": email, "slack": slack}


@dataclass(frozen=True, slots=True)
class FaultCount:
    """What became of the keys of one run."""

    channel: str
    fault: str
    faults: int
    """How often it happened."""
    keys: int
    messages: int
    """Taken by the server; several keys due together leave as one message."""
    copies: int
    """Of them, those that bear the id of an earlier one: receivers that look at ids drop them."""
    lost: int
    """Keys whose message never came."""
    unsettled: int
    """Keys that the outbox has not recorded as sent."""


class ChannelUnderFault:
    """An in-process daemon with one channel, and a process to kill."""

    def __init__(self, folder: Path, server: ChannelServer) -> None:
        self.daemon = InProcessDaemon(folder)
        text = self.daemon.path.read_text().replace("{desk: {type: console}}", json.dumps({"desk": server.settings}))
        self.daemon.path.write_text(text)
        self.daemon.config = configuration.load(self.daemon.path)
        self.server = server
        self.worker = InlineWriter(self.daemon.store)
        self.channel = self.daemon.config.channels["desk"].connect()
        self.daemon.engine.reload(self.daemon.config, {"desk": self.channel})
        self.outbox = self._started()

    def _started(self) -> Sender:
        async def look(*_: object) -> bool:
            return True

        self.daemon.engine.sweep(self.daemon.at)
        return Sender("desk", self.channel, look, LoopContext(self.daemon.engine.rules, self.worker, self.daemon.now))

    def restart(self) -> None:
        self.outbox = self._started()

    def asked(self, number: int) -> None:
        """A new buyer writes to Ana."""
        self.daemon.lead(f"p{number}@b{number}.test", owner="ana")
        self.daemon.mail(f"p{number}@b{number}.test", "ana@acme.test")

    async def pass_time(self) -> None:
        self.daemon.passes(timedelta(minutes=STEP))
        while await self.outbox.deliver_one():
            pass

    def row(self, channel: str, fault: str, faults: int) -> FaultCount:
        with self.daemon.store.reading() as tx:
            clocks = [row.id for row in tx.clocks.listed({}, None, 10_000)]
            rows = [row for row in tx.deliveries.for_clocks(clocks) if row.state != "cancelled"]
        taken = Counter(self.server.taken())
        ids = [self.server.id_of(self.channel, row.bundle or row.key) for row in rows]
        return FaultCount(
            channel,
            fault,
            faults,
            keys=len(rows),
            messages=sum(taken.values()),
            copies=sum(taken.values()) - len(taken),
            lost=sum(one not in taken for one in ids),
            unsettled=sum(row.state != "sent" for row in rows),
        )

    async def aclose(self) -> None:
        await self.channel.aclose()
        self.worker.close()
        self.daemon.close()


@asynccontextmanager
async def channel_under_fault(channel: str) -> AsyncIterator[ChannelUnderFault]:
    with tempfile.TemporaryDirectory() as folder:
        async with SERVERS[channel]() as server:
            made = ChannelUnderFault(Path(folder), server)
            try:
                yield made
            finally:
                await made.aclose()


async def down_for_an_hour(channel: str, waits: int = 12) -> FaultCount:
    """The channel refuses everything for an hour in which steps fall due; then it works again."""
    async with channel_under_fault(channel) as one:
        for minute in range(0, 5 * 60, STEP):
            if minute < waits * 10 and minute % 10 == 0:
                one.asked(minute)
            if minute == 70:
                one.server.fail()
            if minute == 130:
                one.server.mend()
            await one.pass_time()
        return one.row(channel, "down for an hour", 1)


async def killed(channel: str, kills: int, points: Iterable[tuple[str, bool]], fault: str) -> FaultCount:
    """The process dies at the points in turn, once for each of `kills` messages, and is started again."""
    async with channel_under_fault(channel) as one:
        turns, died = cycle(points), 0
        for minute in range(0, 20 * kills + 200, STEP):
            if minute % 15 == 0 and minute < 15 * kills:
                one.asked(minute)
            if died < kills and one.worker.dies_at is None:
                one.worker.dies_at = next(turns)
            try:
                await one.pass_time()
            except Killed:
                died += 1
                one.restart()
                # What was under way when it died is done by the next process.
                while await one.outbox.deliver_one():
                    pass
        assert died == kills, f"only {died} of {kills} kills found a message"
        return one.row(channel, fault, died)


async def killed_before_the_record(channel: str, kills: int) -> FaultCount:
    """The worst point: the message has left, and nothing says so."""
    return await killed(channel, kills, [("sent", False)], "killed between send and record")


async def killed_anywhere(channel: str, kills: int) -> FaultCount:
    points = [(point, done) for point in POINTS for done in (False, True)]
    return await killed(channel, kills, points, "killed at any point of a delivery")


async def answer_lost(channel: str, times: int) -> FaultCount:
    """The server takes a message and hangs up before it answers."""
    async with channel_under_fault(channel) as one:
        lost = 0
        for minute in range(0, 20 * times + 200, STEP):
            if minute % 15 == 0 and minute < 15 * times:
                one.asked(minute)
                if lost < times:
                    one.server.lose()
                    lost += 1
            await one.pass_time()
        return one.row(channel, "answer lost", lost)


async def table(kills: int) -> list[FaultCount]:
    rows = []
    for channel in CHANNELS:
        rows.append(await down_for_an_hour(channel))
        rows.append(await answer_lost(channel, kills))
        rows.append(await killed_before_the_record(channel, kills))
        rows.append(await killed_anywhere(channel, kills))
    return rows


def printed(rows: Iterable[FaultCount]) -> str:
    heads = ("channel", "fault", "times", "keys", "messages", "copies", "lost", "unsettled")
    lines = [heads, *(tuple(str(getattr(row, name)) for name in FaultCount.__slots__) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) if place < 2 else cell.rjust(width) for place, (cell, width) in enumerate(both))
        for both in (list(zip(line, widths, strict=True)) for line in lines)
    )


def main() -> None:
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(printed(asyncio.run(table(int(sys.argv[1]) if len(sys.argv) > 1 else 20))))


if __name__ == "__main__":
    main()
