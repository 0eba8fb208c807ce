"""Figures 6 to 9: what thousands of idle mailboxes cost in one process, and how soon mail is seen.

python -m tests.benchmarks.imap_idle [MAILBOXES]
"""

from __future__ import annotations

import asyncio
import gc
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import trustme

from connectors.mail.imap import Imap, ImapSettings
from inboxwatch.connector import Context, Cursor
from inboxwatch.testing import every, letter, taken
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.doubles.scripted_imap import Client, ScriptedImap

MAILS_PER_SECOND = 40
SECONDS = 10
KEEP_ALIVES_PER_SECOND = 200
DOVECOTS_NOTICE = 0.5
LOST_WAKE_UPS = 1000


def resident() -> int:
    """Bytes of memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Box:
    """One watched mailbox: polls, waits, polls again at news."""

    def __init__(self, server: Dovecot, user: str, secured: bool) -> None:
        given: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        if secured:
            given |= {"port": server.tls_port, "security": "tls", "ca_file": str(server.ca_file)}
        self.user = user
        self.connector = Imap(ImapSettings.model_validate(given | {"password": PASSWORD}), Context(user, user))
        self.cursor: Cursor | None = None
        self.seen: list[float] = []
        self.ready = asyncio.Event()

    async def watch(self) -> None:
        while True:
            batches = await every(self.connector, self.cursor)
            self.cursor = batches[-1].cursor
            self.seen += [time.time()] * len(taken(batches))
            self.ready.set()
            await self.connector.wait(3600)


async def idle_boxes(mailboxes: int, secured: bool) -> None:
    users = [f"user{number}" for number in range(mailboxes)]
    name = "TLS" if secured else "plain"
    interval = max(1, mailboxes // KEEP_ALIVES_PER_SECOND)
    with Dovecot.start(users, tls=True, extra=f"imap_idle_notify_interval = {interval} s") as server:
        warm = Box(server, users[0], secured)
        await every(warm.connector, None)
        await warm.connector.aclose()
        before = resident()
        boxes = [Box(server, user, secured) for user in users]
        start = time.perf_counter()
        tasks = [asyncio.create_task(box.watch()) for box in boxes]
        await asyncio.gather(*(box.ready.wait() for box in boxes))
        print(f"{mailboxes} mailboxes, {name}: all watched after {time.perf_counter() - start:.1f} s")
        await asyncio.sleep(3)
        print(f"figure 6: memory of an idle mailbox, {name}: {(resident() - before) / mailboxes / 1000:.1f} kB")
        with server.paused():
            print(f"figure 7: CPU while nothing comes, {name}: {await busy(5):.2%}")
        await asyncio.sleep(interval)
        print(f"figure 7: CPU at {mailboxes / interval:.0f} keep-alives/s, {name}: {await busy(2 * interval):.2%}")
        await delays(server, boxes, name)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        start = time.perf_counter()
        await asyncio.gather(*(box.connector.aclose() for box in boxes))
        print(f"closing {mailboxes} mailboxes, {name}: {time.perf_counter() - start:.1f} s")


async def busy(seconds: float) -> float:
    """The share of a CPU that this process takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


async def delays(server: Dovecot, boxes: list[Box], name: str) -> None:
    sent: dict[str, list[float]] = {}
    begin = time.perf_counter()
    for number in range(MAILS_PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, begin + number / MAILS_PER_SECOND - time.perf_counter()))
        box = boxes[number * 7919 % len(boxes)]
        sent.setdefault(box.user, []).append(time.time())
        server.deliver(box.user, letter(number))
    await asyncio.sleep(3)
    late = sorted(seen - at for box in boxes for at, seen in zip(sent.get(box.user, []), box.seen, strict=True))
    p99 = late[len(late) * 99 // 100]
    print(
        f"figure 8: delivery to message read at {MAILS_PER_SECOND} mails/s over {len(boxes)} mailboxes, {name}:"
        f" median {late[len(late) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"
        f" (server's notice + {(p99 - DOVECOTS_NOTICE) * 1000:.0f} ms), {len(late)} of {sum(map(len, sent.values()))}"
    )


async def lost_wake_ups(secured: bool) -> None:
    """Mail that arrives between FETCH and IDLE comes glued to `+ idling`."""

    async def glued(client: Client, tag: str, _: str) -> None:
        client.server.mail["INBOX"].append(letter(len(client.server.mail["INBOX"])).decode())
        await client.send(f"+ idling\r\n* {len(client.server.mail['INBOX'])} EXISTS\r\n")
        await client.line()
        await client.send(f"{tag} OK done\r\n")

    with tempfile.TemporaryDirectory() as folder:
        context, settings = None, dict[str, Any]()
        if secured:
            authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            authority.cert_pem.write_to_path(f"{folder}/ca.pem")
            settings = {"security": "tls", "ca_file": f"{folder}/ca.pem"}
        async with ScriptedImap({"IDLE": glued}, tls=context) as server:
            connector = server.connector(**settings)
            cursor = (await every(connector, None))[-1].cursor
            lost = 0
            for _ in range(LOST_WAKE_UPS):
                lost += not await connector.wait(1)
                cursor = (await every(connector, cursor))[-1].cursor
            await connector.aclose()
    print(f"figure 9: lost wake-ups of {LOST_WAKE_UPS}, {'TLS' if secured else 'plain'}: {lost}")


async def measured(kind: str, mailboxes: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    await idle_boxes(mailboxes, kind == "tls")
    await lost_wake_ups(kind == "tls")


def main() -> None:
    match sys.argv[1:]:
        case [("plain" | "tls") as kind, mailboxes]:
            asyncio.run(measured(kind, int(mailboxes)))
        case rest:
            for kind in ("plain", "tls"):  # a process each: memory that one gave back would hide what the other takes
                command = [sys.executable, "-m", "tests.benchmarks.imap_idle", kind, rest[0] if rest else "1000"]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
