"""pymap, a server of another family than Dovecot: no SPECIAL-USE, no ESEARCH, no NOTIFY, but IDLE and OBJECTID."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.imap import Imap, ImapSettings
from inboxwatch.connector import Context
from inboxwatch.core.model import FolderRole
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.dovecot import PASSWORD
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE


class Pymap:
    """A running server with the mailbox `ana`, and a person's mail program on it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.person = IMAPClient("127.0.0.1", port, ssl=False)
        self.person.login("ana", PASSWORD)

    def deliver(self, number: int, folder: str = "INBOX") -> None:
        self.person.append(folder, letter(number))

    def snapshot(self) -> dict[str, Any]:
        """Counts, UIDs and flags of every folder."""
        found: dict[str, Any] = {}
        for _, _, name in self.person.list_folders():
            state = self.person.select_folder(name, readonly=True)
            found[name] = (state, dict(self.person.fetch(self.person.search(), ["FLAGS"])))
        return found

    def connector(self, **settings: Any) -> Imap:
        given = {"host": "127.0.0.1", "port": self.port, "security": "none", "password": PASSWORD} | settings
        return Imap(ImapSettings.model_validate(given), Context("ana", "ana"))


@pytest.fixture
def pymap() -> Iterator[Pymap]:
    port = free_port()
    program = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    process = subprocess.Popen(
        [*program, "dict", "--demo-user", "ana", "--demo-password", PASSWORD],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Pymap(port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("pymap did not start", pytrace=False)


async def test_sent_mail_is_found_by_its_name_and_read_with_the_inbox(pymap: Pymap) -> None:
    pymap.person.create_folder("Gesendete Elemente")
    pymap.deliver(1)
    pymap.deliver(2, "Gesendete Elemente")
    connector = pymap.connector()
    probe = await connector.probe()
    messages = taken(await every(connector, None))
    await connector.aclose()
    assert probe.folders[FolderRole.SENT] == "Gesendete Elemente"
    assert dict(probe.facts)["sent folder found by"] == "its name"
    assert dict(probe.facts)["read-only"] == "confirmed"
    assert {message.role: ids([message]) for message in messages} == {
        FolderRole.INBOX: [message_id(1)],
        FolderRole.SENT: [message_id(2)],
    }
    assert all(message.provider_thread for message in messages)  # OBJECTID's THREADID


async def test_a_cursor_resumes_where_it_was(pymap: Pymap) -> None:
    pymap.person.create_folder("Sent")
    for number in range(5):
        pymap.deliver(number)
    connector = pymap.connector()
    cursor = (await every(connector, None))[-1].cursor
    await connector.aclose()
    pymap.deliver(5, "Sent")
    pymap.deliver(6)
    connector = pymap.connector()
    assert sorted(ids(taken(await every(connector, cursor)))) == [message_id(5), message_id(6)]
    await connector.aclose()


@pytest.mark.parametrize("folder", ["INBOX", "Sent"])
async def test_idle_tells_of_new_mail_and_a_second_idle_of_sent_mail(pymap: Pymap, folder: str) -> None:
    pymap.person.create_folder("Sent")
    connector = pymap.connector(sent_watch="idle")
    cursor = (await every(connector, None))[-1].cursor
    assert not await connector.wait(0.3)
    pymap.deliver(1, folder)
    async with asyncio.timeout(PATIENCE):
        assert await connector.wait(60)
    assert ids(taken(await every(connector, cursor))) == [message_id(1)]
    await connector.aclose()


async def test_nothing_is_changed_by_reading(pymap: Pymap) -> None:
    pymap.person.create_folder("Sent")
    for number in range(3):
        pymap.deliver(number)
    before = pymap.snapshot()
    connector = pymap.connector()
    await connector.probe()
    await every(connector, None)
    assert not await connector.wait(0.1)
    await connector.aclose()
    assert pymap.snapshot() == before
