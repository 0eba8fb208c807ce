"""Folders of a real Dovecot: patterns, moves, archives on arrival, folders that come and go; reading changes none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.mail.imap import Imap, ImapSettings
from connectors.mail.imap.limits import USUAL, ImapLimits
from inboxwatch.connector import Context, MailboxError, Reading, Reason
from inboxwatch.core.model import FolderRole
from inboxwatch.testing import every, ids, letter, message_id, opened, polled, taken
from tests.doubles.dovecot import MASTER, MASTER_PASSDB, MASTERS, PASSWORD, Dovecot
from tests.support.contract_mailboxes import DovecotMailbox

FOLDERS = {"Sent": r"\Sent", "Everything": r"\All", "Projects.North": "", "Projects.South": "", "Gelöscht": r"\Trash"}
_users = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.start([], folders=FOLDERS) as running:
        yield running


@pytest.fixture
def user(server: Dovecot) -> str:
    user = f"person{next(_users)}"
    for folder in ("INBOX", *FOLDERS):
        server.create(user, folder)
    return user


def connect(
    server: Dovecot, user: str, reading: Reading | None = None, limits: ImapLimits = USUAL, **settings: Any
) -> Imap:
    given = {"host": "127.0.0.1", "port": server.port, "security": "none", "password": PASSWORD} | settings
    return Imap(ImapSettings.model_validate(given), Context(user, user, reading or Reading()), limits=limits)


async def test_further_folders_are_watched_by_pattern_and_by_special_use(server: Dovecot, user: str) -> None:
    for number, folder in enumerate(("INBOX", "Everything", "Projects.North", "Projects.South", "Gelöscht")):
        server.deliver(user, letter(number), folder)
    connector = connect(server, user, folders=[r"\All", "Projects.*", "Nothing*"])
    messages = taken(await every(connector, None))
    probe = await connector.probe()
    await connector.aclose()
    assert sorted(ids(messages)) == [message_id(number) for number in range(4)]
    assert [message.role for message in messages].count(FolderRole.OTHER) == 3
    assert any("Nothing" in warning for warning in probe.warnings)


async def test_names_beyond_ascii_are_read(server: Dovecot, user: str) -> None:
    server.deliver(user, letter(1), "Gelöscht")
    connector = connect(server, user, sent="Gelöscht")
    (message,) = taken(await every(connector, None))
    await connector.aclose()
    assert message.role is FolderRole.SENT
    assert message.ref.endswith("@Gelöscht")


async def test_mail_that_a_rule_archives_on_arrival_is_seen_where_all_mail_is_watched(
    server: Dovecot, user: str
) -> None:
    connector = connect(server, user, folders=r"\All")
    cursor = (await every(connector, None))[-1].cursor
    server.deliver(user, letter(1), "Everything")
    assert ids(taken(await every(connector, cursor))) == [message_id(1)]
    await connector.aclose()


async def test_a_moved_message_is_a_sighting_of_the_same_message_id(server: Dovecot, user: str) -> None:
    server.deliver(user, letter(1))
    connector = connect(server, user, folders="Projects.*")
    first = await every(connector, None)
    server.doveadm("move", "-u", user, "Projects.North", "mailbox", "INBOX", "all")
    moved = await every(connector, first[-1].cursor)
    await connector.aclose()
    assert ids(taken(moved)) == ids(taken(first))
    assert {message.received_at for message in taken(moved)} == {message.received_at for message in taken(first)}
    assert not moved[0].resynced


async def test_a_folder_that_appears_is_read_and_one_that_vanishes_stops_nothing(server: Dovecot, user: str) -> None:
    connector = connect(server, user, limits=ImapLimits(folder_list=0.0), folders="Projects.*")
    cursor = (await every(connector, None))[-1].cursor
    server.doveadm("mailbox", "create", "-u", user, "Projects.East")
    server.deliver(user, letter(1), "Projects.East", when=datetime.now(UTC) - timedelta(hours=1))
    batches = await every(connector, cursor)
    assert ids(taken(batches)) == [message_id(1)]
    server.doveadm("mailbox", "delete", "-u", user, "Projects.East")
    server.deliver(user, letter(2))
    batches = await every(connector, batches[-1].cursor)
    assert ids(taken(batches)) == [message_id(2)]
    await connector.aclose()


async def test_expunged_messages_leave_no_trace_and_no_gap(server: Dovecot, user: str) -> None:
    for number in range(5):
        server.deliver(user, letter(number))
    connector = connect(server, user)
    server.doveadm("expunge", "-u", user, "mailbox", "INBOX", "uid", "2:3")
    batches = await every(connector, None)
    assert ids(taken(batches)) == [message_id(number) for number in (0, 3, 4)]
    server.doveadm("expunge", "-u", user, "mailbox", "INBOX", "all")
    server.deliver(user, letter(5))
    assert ids(taken(await every(connector, batches[-1].cursor))) == [message_id(5)]
    await connector.aclose()


async def test_a_sent_folder_that_the_configuration_names_wrongly_is_refused(server: Dovecot, user: str) -> None:
    connector = connect(server, user, sent="Gesendet")
    with pytest.raises(MailboxError, match="Gesendet") as caught:
        await every(connector, None)
    await connector.aclose()
    assert caught.value.reason is Reason.CLIENT


@pytest.mark.parametrize("capabilities", ["", "imap_capability = IMAP4rev1\n"], ids=["esearch", "windows"])
async def test_large_folders_are_searched_in_answers_that_the_library_can_read(capabilities: str) -> None:
    now = datetime.now(UTC)
    with Dovecot.start(["ana"], extra=capabilities) as server:
        for number in range(40):
            server.deliver("ana", letter(number), when=now - timedelta(days=40 - number))
        server.doveadm("expunge", "-u", "ana", "mailbox", "INBOX", "uid", "20:25")
        reading = Reading(since=now - timedelta(days=30, hours=12))
        connector = connect(server, "ana", reading, ImapLimits(search_window=7))
        messages = taken(await every(connector, None))
        await connector.aclose()
    assert ids(messages) == [message_id(number) for number in range(10, 40) if not 19 <= number <= 24]


async def test_the_probe_proves_that_reading_leaves_no_trace(server: Dovecot, user: str) -> None:
    server.deliver(user, letter(1))
    before = server.snapshot(user)
    connector = connect(server, user)
    probe = await connector.probe()
    await connector.aclose()
    assert dict(probe.facts)["read-only"] == "confirmed"
    assert not [warning for warning in probe.warnings if "flags" in warning]
    assert server.snapshot(user) == before


async def test_a_wrong_password_is_told_as_such(server: Dovecot, user: str) -> None:
    connector = connect(server, user, password="wrong-password")
    with pytest.raises(MailboxError) as caught:
        await every(connector, None)
    await connector.aclose()
    assert caught.value.reason is Reason.AUTH
    assert "wrong-password" not in f"{caught.value!r}{caught.value.hint}"


async def test_a_master_user_reads_for_the_owner_of_a_mailbox(tmp_path: Any) -> None:
    with Dovecot.start(["ana"], passdb=MASTER_PASSDB, files={"masters": MASTERS}) as server:
        server.deliver("ana", letter(1))
        connector = connect(server, "ana", master_user=MASTER)
        assert ids(taken(await every(connector, None))) == [message_id(1)]
        await connector.aclose()


async def test_messages_that_the_census_found_missing_can_be_read_again(server: Dovecot, user: str) -> None:
    for number in range(4):
        server.deliver(user, letter(number), "Sent" if number == 3 else "INBOX")
    server.deliver(user, b"Subject: without an id\r\n\r\n")
    connector = connect(server, user)
    listed = {ref: its async for ref, its in connector.census(datetime.now(UTC) - timedelta(days=1))}
    assert sorted(listed.values()) == [message_id(number) for number in range(4)]
    wanted = [ref for ref, its in listed.items() if its in (message_id(1), message_id(3))]
    messages = await connector.recover([*wanted, "1.1@INBOX", "nonsense"])
    await connector.aclose()
    assert sorted(ids(messages)) == [message_id(1), message_id(3)]


async def test_two_connectors_on_one_mailbox_do_not_disturb_each_other(server: Dovecot) -> None:
    mailbox = DovecotMailbox(server, "none")
    mailbox.deliver(letter(1))
    async with opened(mailbox) as one, opened(mailbox) as other:
        cursor = (await every(one, None))[-1].cursor
        assert ids(taken(await every(other, None))) == [message_id(1)]
        mailbox.deliver(letter(2))
        assert ids(taken(await every(one, cursor))) == [message_id(2)]
    assert len(taken(await polled(mailbox))) == 2
