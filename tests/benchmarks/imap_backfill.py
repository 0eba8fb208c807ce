"""Figures 1 to 4 and 10: reading a large IMAP mailbox, beside a raw socket, mbsync and neomutt, on one Dovecot.

python -m tests.benchmarks.imap_backfill [MESSAGES]
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.folder_roles import WantedFolders
from connectors.mail.imap import Imap, ImapSettings
from connectors.mail.imap.connection import ImapServer
from connectors.mail.imap.login import PasswordLogin
from connectors.mail.imap.mailbox import ImapMailbox
from connectors.mail.imap.reader import ImapReader
from connectors.mail.imap.session import ImapSession
from inboxwatch import config as configuration
from inboxwatch.commands import backfill as backfill_command
from inboxwatch.connector import Context, MailboxError, Reading, Secret
from inboxwatch.core.model import Lead, LeadId, MailboxId
from inboxwatch.daemon.gc_tuning import collect_seldom
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.ingest import ingest_history
from inboxwatch.store import Store
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.support.engine import Engine
from tests.support.figures import Figure, note
from tests.support.in_process_daemon import CONFIG

BATCH = 500
BUYERS = 2000
NOW = datetime.now(UTC)


def message(number: int) -> bytes:
    """One of a five-message thread between a buyer and ana, with the headers that relays add."""
    thread, place = divmod(number, 5)
    buyer = f"p{thread % BUYERS}@buyer{thread % 97}.test"
    ours = place % 2 == 1
    sender, to = ("Ana Diaz <ana@acme.test>", buyer) if ours else (f"Pat {thread % BUYERS} <{buyer}>", "ana@acme.test")
    ids = [f"<m{thread}.{one}@{'acme.test' if one % 2 else 'buyer.test'}>" for one in range(place + 1)]
    when = format_datetime(NOW - timedelta(days=20) + timedelta(seconds=number * 10))
    references = f"In-Reply-To: {ids[-2]}\r\nReferences: {' '.join(ids[:-1])}\r\n" if place else ""
    return (
        f"Return-Path: <{buyer}>\r\nDelivered-To: ana@acme.test\r\n"
        f"Received: from mx{number % 7}.buyer.test (mx.buyer.test [192.0.2.{number % 250}])\r\n"
        f"\tby mail.acme.test (Postfix) with ESMTPS id {number:010X}\r\n\tfor <ana@acme.test>; {when}\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=buyer.test; s=s1;\r\n\th=from:to:subject:date;"
        f" bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\r\n\tb={'A' * 60}\r\n\t {'B' * 70}\r\n\t {'C' * 70}\r\n"
        f"Message-ID: {ids[-1]}\r\n{references}Date: {when}\r\nFrom: {sender}\r\nTo: {to}\r\n"
        f"Subject: {'Re: ' if place else ''}Offer {thread}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="b{number}"\r\n\r\n'
        f"--b{number}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{'words and words ' * 20}\r\n"
        f"--b{number}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{'words and words ' * 20}</p>\r\n"
        f"--b{number}--\r\n"
    ).encode()


def raw(server: Dovecot, items: str, messages: int) -> float:
    """Seconds to read and discard the same FETCH answers."""
    with socket.create_connection(("127.0.0.1", server.port)) as wire:

        def ask(tag: bytes, command: str) -> None:
            wire.sendall(tag + b" " + command.encode() + b"\r\n")
            tail = b"\r\n"
            while b"\r\n" + tag + b" OK" not in tail:
                tail = tail[-100:] + wire.recv(256 * 1024)

        wire.recv(4096)
        ask(b"l", f"LOGIN ana {PASSWORD}")
        ask(b"e", "EXAMINE INBOX")
        start = time.perf_counter()
        for low in range(1, messages + 1, BATCH):
            ask(b"f%d" % low, f"UID FETCH {low}:{min(low + BATCH - 1, messages)} {items}")
        return time.perf_counter() - start


def reader(server: Dovecot, items: str, messages: int) -> float:
    """Seconds that the connector's thin path takes for the same."""
    session = ImapSession.open(where(server), login())
    session.examine("INBOX")
    start = time.perf_counter()
    for low in range(1, messages + 1, BATCH):
        assert session.fetch(range(low, min(low + BATCH, messages + 1)), items)
    seconds = time.perf_counter() - start
    session.close()
    return seconds


def where(server: Dovecot) -> ImapServer:
    return ImapServer("127.0.0.1", server.port, "none")


def login() -> PasswordLogin:
    return PasswordLogin("ana", Secret(PASSWORD, "the benchmark"))


def connector(server: Dovecot) -> Imap:
    given = {"host": "127.0.0.1", "port": server.port, "security": "none", "password": PASSWORD}
    reading = Reading(since=NOW - timedelta(days=30), batch_size=backfill_command.BATCH)
    return Imap(ImapSettings.model_validate(given), Context("ana", "ana", reading))


def opened(folder: Path) -> tuple[Store, Engine]:
    """An empty store, and an engine that knows the buyers."""
    text = CONFIG.replace("STORE", f"sqlite:///{folder / 'store.db'}").replace("WEB", "").replace("FOLLOW_UP", "")
    (folder / "inboxwatch.yaml").write_text(text)
    config = configuration.load(folder / "inboxwatch.yaml")
    store = Store(config.store_url.reveal())
    engine = Engine(store, config, {})
    people = (f"p{number}@buyer{number % 97}.test" for number in range(BUYERS))
    engine.learn("known", [Lead(LeadId(one), domain=one.partition("@")[2]) for one in people], NOW)
    collect_seldom()
    return store, engine


async def backfill(server: Dovecot, folder: Path) -> tuple[float, float, int]:
    """Fetch, parse, classify, thread, match, store: seconds, CPU seconds, messages."""
    store, engine = opened(folder)
    worker, box = Writer(store), connector(server)
    cursor = engine.begin_history(MailboxId("ana"), NOW - timedelta(days=30), NOW).cursor
    read = 0
    start, cpu = time.perf_counter(), time.process_time()
    async for batch in box.poll(None):
        read += (await worker.write(ingest_history, engine.rules, MailboxId("ana"), batch, cursor, NOW)).read
        cursor = batch.cursor
    spent = time.perf_counter() - start, time.process_time() - cpu
    await box.aclose()
    worker.close()
    store.close()
    return *spent, read


async def polled(server: Dovecot) -> tuple[float, str]:
    """The connector alone: seconds for all batches, and the cursor after them."""
    box = connector(server)
    start = time.perf_counter()
    cursor = ""
    async for batch in box.poll(None):
        cursor = batch.cursor
    seconds = time.perf_counter() - start
    await box.aclose()
    return seconds, cursor


def unchanged(server: Dovecot, cursor: str) -> tuple[float, float]:
    """Seconds to connect and log in, then to find that a mailbox has nothing new."""
    mailbox = ImapMailbox(lambda: ImapSession.open(where(server), login()), WantedFolders(), None)
    start = time.perf_counter()
    mailbox.session()
    opened = time.perf_counter()
    assert not mailbox.survey(cursor).pending
    done = time.perf_counter()
    mailbox.close()
    return opened - start, done - opened


def reconnected(server: Dovecot, cursor: str) -> float:
    """Seconds to come back after the connection was lost, and to find nothing new."""
    mailbox = ImapMailbox(lambda: ImapSession.open(where(server), login()), WantedFolders(), None)
    mailbox.survey(cursor)
    mailbox.session().abort()
    start = time.perf_counter()
    assert not mailbox.survey(cursor).pending
    seconds = time.perf_counter() - start
    mailbox.close()
    return seconds


def mbsync(server: Dovecot, folder: Path) -> float:
    """Seconds that mbsync takes to pull the same mailbox (whole messages: it has no mode for headers)."""
    (folder / "far").mkdir()
    rules = folder / "mbsyncrc"
    rules.write_text(
        f"IMAPAccount a\nHost 127.0.0.1\nPort {server.port}\nUser ana\nPass {PASSWORD}\n"
        f"SSLType None\nAuthMechs LOGIN\n\n"
        f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {folder}/far/\nInbox {folder}/far/INBOX\n\n"
        f"Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nSync Pull\nCreate Near\nSyncState *\n"
    )
    start = time.perf_counter()
    subprocess.run(["mbsync", "-q", "-c", str(rules), "c"], check=True)
    return time.perf_counter() - start


def neomutt(server: Dovecot, folder: Path) -> float:
    """Seconds that neomutt takes to open the same mailbox sorted by threads, without a cache, and to quit."""
    rules, url = folder / "neomuttrc", f"imap://127.0.0.1:{server.port}/"
    rules.write_text(
        f"set folder={url} spoolfile={url}INBOX record='' postponed=''\n"
        f"set imap_user=ana imap_pass={PASSWORD} imap_authenticators=login ssl_starttls=no ssl_force_tls=no\n"
        "set sort=threads read_inc=0 net_inc=0 quit=yes timeout=1 sleep_time=0\n"
        "unset header_cache imap_passive wait_key\n"
    )
    # -R opens with EXAMINE.
    command = ["neomutt", "-n", "-R", "-F", str(rules), "-f", f"{url}INBOX"]
    screen, terminal = pty.openpty()
    threading.Thread(target=_watch_screen, args=(screen,), daemon=True).start()
    start = time.perf_counter()
    subprocess.run(
        [*command, "-e", "push <quit>"],
        env=os.environ | {"TERM": "xterm", "HOME": str(folder)},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        check=True,
        timeout=600,
    )
    seconds = time.perf_counter() - start
    os.close(terminal)
    return seconds


def _watch_screen(screen: int) -> None:
    with contextlib.suppress(OSError):  # the program has ended
        while os.read(screen, 64 * 1024):
            pass
    os.close(screen)


def best(work: Callable[[], float], times: int = 3) -> float:
    return min(work() for _ in range(times))


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with Dovecot.start(["ana"]) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(messages):
            server.deliver("ana", message(number), when=NOW - timedelta(days=20) + timedelta(seconds=number * 10))
        mailbox = ImapMailbox(lambda: ImapSession.open(where(server), login()), WantedFolders(), None)
        items = ImapReader(mailbox, Reading())._items()
        mailbox.close()
        with IMAPClient("127.0.0.1", server.port, ssl=False) as person:  # whose mail program moves mail from new to cur
            person.login("ana", PASSWORD)
            person.select_folder("INBOX")
        raw(server, items, messages)  # warms Dovecot
        base = best(lambda: raw(server, items, messages))
        print(f"raw socket: {messages / base:.0f} messages/s")
        ours = best(lambda: reader(server, items, messages))
        print(f"figure 1: FETCH reader: {messages / ours:.0f} messages/s, {base / ours:.2f} of raw")
        cpu = time.process_time()
        seconds, cursor = asyncio.run(polled(server))
        cpu = (time.process_time() - cpu) / messages * 1e6
        print(f"connector alone: {messages / seconds:.0f} messages/s, {base / seconds:.2f} of raw, {cpu:.0f} us of CPU")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, cpu, read = asyncio.run(backfill(server, folder))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert read == messages
        print(
            f"figure 2: backfill end to end: {messages / seconds:.0f} messages/s, {base / seconds:.3f} of raw,"
            f" {cpu / messages * 1e6:.0f} us of CPU a message"
        )
        note(
            Figure("IMAP backfill (share of a raw socket)", base / seconds, more_is_better=True),
            Figure("IMAP backfill (us of CPU a message)", cpu / messages * 1e6),
            Figure("IMAP backfill (MB over idle)", (after - before) / 1000),
        )
        print(f"figure 4: memory: {before / 1000:.0f} MB before, {after / 1000:.0f} MB at most")
        for peer, goal in ((mbsync, 0.5), (neomutt, 0.4)):
            if shutil.which(peer.__name__) is None:
                print(f"figure 3: {peer.__name__} is not installed: not measured")
                continue
            its = peer(server, folder)
            print(
                f"figure 3: {peer.__name__}: {messages / its:.0f} messages/s; ours is {its / seconds:.2f} of it"
                f" (goal {goal})"
            )
            note(Figure(f"IMAP backfill (share of {peer.__name__})", its / seconds, more_is_better=True))
        times = sorted(unchanged(server, cursor) for _ in range(20))
        opened, found = times[10]
        print(
            f"figure 10: unchanged mailbox: connect, log in, list {opened * 1e3:.1f} ms; compare {found * 1e3:.2f} ms"
        )
        back = sorted(reconnected(server, cursor) for _ in range(20))[10]
        print(f"figure 10: unchanged mailbox, connection lost: all of it {back * 1e3:.1f} ms")


if __name__ == "__main__":
    try:
        main()
    except MailboxError as error:
        sys.exit(f"{error}. {error.hint}")
