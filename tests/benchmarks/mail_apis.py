"""Gmail, Graph and EWS against their doubles: requests and memory of a backfill and of increments, one line a figure.

The double runs in a process of its own, so that memory and processor time are the connector's.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from connectors.mail.ews import Ews, EwsSettings
from connectors.mail.gmail import Gmail, GmailSettings
from connectors.mail.graph import Graph, GraphSettings
from inboxwatch import now as instant
from inboxwatch.connector import Context, Cursor, MailConnector, Reading
from inboxwatch.testing import bounce, every, letter
from tests.doubles.ews import EwsServer
from tests.doubles.gmail import GmailServer
from tests.doubles.graph import GraphServer
from tests.doubles.https_server import ca_file
from tests.support.api_mailboxes import EwsMailbox, GmailMailbox, GraphMailbox

BACKFILL, INCREMENTS = 5_000, 200
ROUTING = b"".join(
    b"Received: from mx%d.buyer.test by mx.acme.test; Thu, 12 Nov 2026 10:00:00 +0000\r\n" % n for n in range(8)
)
"""Headers as long as real ones."""


def main() -> None:
    for name in ("graph basic", "graph read", "gmail metadata", "gmail readonly", "ews"):
        process = get_context("spawn")
        ours, theirs = process.Pipe()
        child = process.Process(target=serve, args=(name, theirs), daemon=True)
        child.start()
        address, settings, authority = ours.recv()
        settings["ca_file"] = authority
        asyncio.run(measure(name, address, settings, ours))
        ours.send("end")
        child.join(10)


def connect(name: str, settings: dict[str, Any], context: Context) -> MailConnector:
    kinds: dict[str, Callable[[], MailConnector]] = {
        "graph": lambda: Graph(GraphSettings.model_validate(settings), context),
        "gmail": lambda: Gmail(GmailSettings.model_validate(settings), context),
        "ews": lambda: Ews(EwsSettings.model_validate(settings), context),
    }
    return kinds[name.split()[0]]()


async def measure(name: str, address: str, settings: dict[str, Any], server: Connection) -> None:
    connector = connect(name, settings, Context("ana", address, Reading(since=instant.now() - timedelta(days=30))))
    warm = connect(name, settings, Context("ana", address, Reading(since=instant.now() + timedelta(days=1))))
    await every(warm, None)  # imports, TLS, tokens
    await warm.aclose()
    said(server, "reset")
    before, began, cpu = resident(), time.perf_counter(), time.process_time()
    count, peak = 0, 0
    cursor: Cursor | None = None
    async for batch in connector.poll(None):
        count += len(batch.messages)
        cursor = batch.cursor
        peak = max(peak, resident())
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = f"{count} messages in {seconds:.1f} s, {cpu / count * 1e6:.0f} us CPU each, +{(peak - before) / 1024:.0f} MB"
    print(f"{name}: backfill: {told}; requests {said(server, 'report')}; cursor {len(cursor or '')} bytes")
    found = 0
    for number in range(INCREMENTS):
        server.send(("deliver", number))
        server.recv()
        batches = await every(connector, cursor)
        found += sum(len(batch.messages) for batch in batches)
        cursor = batches[-1].cursor
    print(f"{name}: {INCREMENTS} increments: {found} messages; requests {said(server, 'report')}")
    for _ in range(20):
        cursor = (await every(connector, cursor))[-1].cursor
    print(f"{name}: 20 polls without news: requests {said(server, 'report')}")
    await connector.aclose()


def said(server: Connection, command: str) -> str:
    server.send(command)
    return str(server.recv())


def resident() -> int:
    """KiB of this process now; its peak would count what was before."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024


def serve(name: str, pipe: Connection) -> None:
    """The other process."""
    kind, _, mode = name.partition(" ")
    server: GraphServer | GmailServer | EwsServer
    mailbox: GraphMailbox | GmailMailbox | EwsMailbox
    if kind == "graph":
        server = GraphServer()
        mailbox = GraphMailbox(server, mode)
    elif kind == "gmail":
        server = GmailServer()
        mailbox = GmailMailbox(server, mode)
    else:
        server = EwsServer()
        os.environ["NTLM_USER_FILE"] = server.users_file
        mailbox = EwsMailbox(server, auth="ntlm")
    now = instant.now()
    for number in range(BACKFILL):
        raw = bounce(number) if number % 100 == 0 else ROUTING + letter(number)
        mailbox.deliver(raw, sent=number % 3 == 0, when=now - timedelta(minutes=BACKFILL - number))
    pipe.send((mailbox.address, mailbox.settings, str(ca_file())))
    while (command := pipe.recv()) != "end":
        if isinstance(command, tuple):
            mailbox.deliver(ROUTING + letter(BACKFILL + command[1]), sent=command[1] % 3 == 0)
            pipe.send("done")
            continue
        counted = ", ".join(f"{count} {what}" for what, count in sorted(server.server.requests.items()))
        total = server.server.requests.total()
        units = ""
        if isinstance(server, GmailServer):
            units = f"; {server.units.total()} quota units"
            server.units.clear()
        server.server.requests.clear()
        pipe.send(f"{total} ({counted}){units}")
    server.close()


if __name__ == "__main__":
    main()
