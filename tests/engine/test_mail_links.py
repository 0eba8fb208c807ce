"""Where the mail of a wait is opened, by the mailbox that holds it; nothing of it where only teams are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, MessageId, RawMessage, ShownFigures
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

BO = "bo@buyer.test"
OUTLOOK = "https://outlook.office365.com/owa/?ItemID=AAMk&exvsurl=1"


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path, store=database)
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    yield daemon
    daemon.close()


def boxes(daemon: InProcessDaemon, **changes: str | None) -> None:
    """Ana's mailbox as another connector would have it."""
    known = daemon.config.mailboxes
    ana = replace(known[MailboxId("ana")], **changes)  # type: ignore[arg-type]
    daemon.config = replace(daemon.config, mailboxes={**known, MailboxId("ana"): ana})


def delivered(daemon: InProcessDaemon, link: str = "", sender: str = BO) -> None:
    """One message as a connector whose API gives links reads it."""
    header = f"Message-ID: <m1@{sender.partition('@')[2]}>\r\nFrom: {sender}\r\nTo: ana@acme.test\r\n"
    header += "Subject: An offer\r\n\r\n"
    raw = RawMessage("inbox/1", FolderRole.INBOX, daemon.at, header.encode(), web_link=link)
    daemon.engine.ingest(MailboxId("ana"), Batch((raw,), Cursor("1"), seen_until=daemon.at), None, daemon.at)


def shown(daemon: InProcessDaemon) -> str:
    with daemon.store.reading() as tx:
        rows = tx.clocks.running()
        (view,) = wait_views(tx, daemon.rules, rows, daemon.at, Detail.BUYER)
    return view.mail_link


@pytest.mark.parametrize(
    ("changes", "given", "link"),
    [
        ({}, "", ""),
        ({}, OUTLOOK, OUTLOOK),
        ({}, "javascript:alert(1)", ""),
        (
            {"connector": "gmail"},
            "",
            "https://mail.google.com/mail/u/?authuser=ana%40acme.test#search/rfc822msgid%3Am1%40buyer.test",
        ),
        ({"open": "https://mail.acme.test/?q={message_id}"}, OUTLOOK, "https://mail.acme.test/?q=m1%40buyer.test"),
    ],
)
def test_a_mail_is_opened_as_its_mailbox_lets_it(
    daemon: InProcessDaemon, changes: dict[str, str], given: str, link: str
) -> None:
    boxes(daemon, **changes)
    delivered(daemon, given)
    assert shown(daemon) == link


def test_of_mail_of_nobodys_no_link_is_kept_until_it_is_a_leads(daemon: InProcessDaemon) -> None:
    delivered(daemon, OUTLOOK, sender="zed@stranger.test")
    with daemon.store.reading() as tx:
        assert tx.unfiled.read([MessageId("m1@stranger.test")]) == {"m1@stranger.test"}
        assert tx.mail_links.of([MessageId("m1@stranger.test")]) == {}


def test_the_pages_show_it_and_in_teams_mode_nothing_leaks(daemon: InProcessDaemon) -> None:
    boxes(daemon, connector="gmail")
    delivered(daemon)
    clock = daemon.only_wait(BO)

    async def pages() -> list[str]:
        async with TestClient(TestServer(make_app(daemon))) as client:
            return [await (await client.get(path)).text() for path in ("/waits", f"/waits/{clock}", f"/leads/{BO}")]

    assert all("rfc822msgid%3Am1%40buyer.test" in page for page in asyncio.run(pages()))
    daemon.config = replace(daemon.config, figures=ShownFigures.TEAMS)
    assert not any("rfc822msgid" in page or "ana%40acme" in page for page in asyncio.run(pages()))
