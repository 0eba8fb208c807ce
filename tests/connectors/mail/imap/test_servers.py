"""IMAP servers as they are: what each of them does wrong or differently costs no message and no wake-up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.mail.imap.limits import ImapLimits
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import FolderRole
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.scripted_imap import Answer, Client, ScriptedImap, uids_of
from tests.support.imap_sessions import certified, failing, read, says
from tests.support.waiting import PATIENCE


def header(number: int) -> str:
    return letter(number).decode().partition("\r\n\r\n")[0] + "\r\n\r\n"


def idle(*segments: str, then: str = "") -> Answer:
    """An answer to IDLE: these segments; `then` is `eof` or nothing."""

    async def answer(client: Client, tag: str, _: str) -> None:
        await client.send(*segments)
        if then == "eof":
            client.writer.write_eof()
        elif then == "close":
            client.hang_up()
        await client.line()
        await client.send(f"{tag} OK done\r\n")

    return answer


@pytest.mark.parametrize(
    "segments",
    [
        ("+ idling\r\n* 1 EXISTS\r\n",),
        ("+ idling\r\n* 1 EXI", "STS\r\n"),
        ("+ idling\r\n* 1 EXISTS\r", "\n"),
        ("+ idl", "ing\r\n* 1", " EXISTS\r\n"),
        ("* OK soon\r\n* 1 RECENT\r\n+ idling\r\n", "* 1 EXISTS\r\n"),
        ("+ idling\r\n", "* OK still here\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* 1 EXISTS\r\n"),
        ("+ idling\r\n", "* 1 exists\r\n"),
    ],
    ids=["glued", "split", "split before the line feed", "everything split", "untagged first", "noise", "lower case"],
)
@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
async def test_no_wake_up_is_lost_however_the_line_arrives(
    segments: tuple[str, ...], secured: bool, tmp_path: Path
) -> None:
    context, settings = certified(tmp_path) if secured else (None, {})
    async with ScriptedImap({"IDLE": idle(*segments)}, tls=context) as server:
        connector = server.connector(**settings)
        await every(connector, None)
        async with asyncio.timeout(PATIENCE):
            assert await connector.wait(60)
        await connector.aclose()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (idle("+ idling\r\n", "* BYE [UNAVAILABLE] Maintenance\r\n"), "Maintenance"),
        (idle("+ idling\r\n", then="eof"), "closed"),
        (idle("+ idling\r\n* 1 EXI", then="close"), "closed"),
    ],
    ids=["BYE", "half-closed", "cut within a line"],
)
async def test_a_connection_that_ends_while_idle_is_told_at_once(answer: Answer, words: str) -> None:
    async with ScriptedImap({"IDLE": answer}) as server:
        connector = server.connector()
        await every(connector, None)
        with pytest.raises(MailboxError, match=words) as caught:
            async with asyncio.timeout(PATIENCE):
                await connector.wait(60)
        assert caught.value.reason is Reason.UNAVAILABLE
        await connector.aclose()


async def test_idle_is_renewed_before_firewalls_forget_and_costs_no_wake_up() -> None:
    async with ScriptedImap() as server:
        connector = server.connector(limits=ImapLimits(idle=0.05))
        await every(connector, None)
        waiting = asyncio.create_task(connector.wait(60))
        async with asyncio.timeout(PATIENCE):
            await server.saw("IDLE", times=3)
            server.mail["INBOX"].append(header(1))
            assert await waiting
        assert server.connections == 1
        await connector.aclose()


async def test_where_notify_is_offered_news_of_sent_mail_come_on_the_same_connection() -> None:
    async def idle_with_status(client: Client, tag: str, _: str) -> None:
        await client.send('+ idling\r\n* STATUS "Out" (MESSAGES 0 UIDNEXT 1)\r\n')  # what the poll has seen
        await client.line()
        await client.send(f"{tag} OK done\r\n")

    on = {"NOTIFY": says("TAG OK done\r\n"), "IDLE": idle_with_status}
    async with ScriptedImap(on, capabilities="IMAP4rev1 IDLE NOTIFY") as server:
        connector = server.connector()
        cursor = (await every(connector, None))[-1].cursor
        assert not await connector.wait(0.1)
        on = server.on
        on["IDLE"] = idle("+ idling\r\n", '* STATUS "Out" (MESSAGES 1 UIDNEXT 2)\r\n')
        await every(connector, cursor)
        async with asyncio.timeout(PATIENCE):
            assert await connector.wait(60)
        await connector.aclose()
        assert [command for command in server.commands if command.startswith("NOTIFY")] == [
            'NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (MAILBOXES ("Out") (MessageNew MessageExpunge))'
        ]


async def test_mail_between_the_poll_and_idle_is_seen_before_idle_begins() -> None:
    async with ScriptedImap() as server:
        connector = server.connector()
        await every(connector, None)
        server.mail["Out"].append(header(1))
        assert await connector.wait(60)
        assert "IDLE" not in server.commands
        await connector.aclose()


@pytest.mark.parametrize("answer", [None, says("TAG NO not today\r\n")], ids=["not offered", "refused"])
async def test_without_idle_the_poll_is_all_there_is(answer: Answer | None) -> None:
    capabilities = "IMAP4rev1 IDLE" if answer else "IMAP4rev1"
    async with ScriptedImap({"IDLE": answer} if answer else {}, capabilities=capabilities) as server:
        connector = server.connector()
        await every(connector, None)
        if answer:
            with pytest.raises(MailboxError, match="not today"):
                await connector.wait(60)
        else:
            server.commands.clear()
            assert not await connector.wait(0.05)
            assert not server.commands
        await connector.aclose()


async def odd_fetch(client: Client, tag: str, arguments: str) -> None:
    one, two, three = (client.server.mail[client.folder][uid - 1] for uid in uids_of(arguments))
    date = 'internaldate " 1-Nov-2026 10:00:00 +0100"'
    await client.send(
        f"* 1 FETCH (BODY[HEADER]<0> {{{len(one)}}}\r\n{one} {date} UID 1)\r\n",
        "* 2 FETCH (FLAGS (\\Seen))\r\n",
        '* 2 FETCH (BODYSTRUCTURE ("text" "plain" ("name" {13}\r\nUID 99 ("x") \\',
        f' "charset" NIL) NIL NIL "7bit" 4 1) {date} body[header] {{{len(two)}}}\r\n{two} uid 2)\r\n',
    )
    quoted = three.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", " ")
    await client.send(f'* 3 FETCH (UID 3 {date} BODYSTRUCTURE NIL BODY[HEADER]<0> "{quoted}")\r\n{tag} OK done\r\n')


async def test_attributes_come_in_any_order_as_literals_quoted_or_nil() -> None:
    async with ScriptedImap({"UID FETCH": odd_fetch}) as server:
        server.mail["INBOX"] += [header(1), header(2), 'Subject: a "quoted" \\ header\r\nFrom: x\r\n']
        messages = taken(await read(server.connector()))
    assert ids(messages)[:2] == [message_id(1), message_id(2)]
    assert messages[2].header == b'Subject: a "quoted" \\ header From: x '
    assert {message.received_at.hour for message in messages} == {9}


async def test_a_server_that_lists_a_message_and_does_not_give_it_has_it_set_aside() -> None:
    async def fetch(client: Client, tag: str, arguments: str) -> None:
        for uid in uids_of(arguments):
            if uid != 2:
                await client.send(client.server.fetched(client.folder, uid))
        await client.send(f"{tag} OK done\r\n")

    async with ScriptedImap({"UID FETCH": fetch}) as server:
        server.mail["INBOX"] += [header(1), header(2), header(3)]
        (batch,) = await read(server.connector())
    assert ids(batch.messages) == [message_id(1), message_id(3)]
    assert [one.ref for one in batch.quarantined] == ["7.2@INBOX"]


@pytest.mark.parametrize("how", ["NO", "BAD", "garbage", "cut"])
async def test_one_message_that_breaks_the_reading_costs_none_of_the_others(how: str) -> None:
    async def fetch(client: Client, tag: str, arguments: str) -> None:
        for uid in uids_of(arguments):
            if uid == 5:
                if how == "cut":
                    client.hang_up()
                elif how == "garbage":
                    await client.send(f"* 5 FETCH (UID 5 BODY[HEADER] ((\r\n{tag} OK done\r\n")
                else:
                    await client.send(f"{tag} {how} message 5 is broken\r\n")
                return
            await client.send(client.server.fetched(client.folder, uid))
        await client.send(f"{tag} OK done\r\n")

    async with ScriptedImap({"UID FETCH": fetch}) as server:
        server.mail["INBOX"] += [header(number) for number in range(1, 9)]
        connector = server.connector()
        for _ in range(60):  # a connection that is cut without a word is the network's fault at first
            try:
                batches = await every(connector, None)
                break
            except MailboxError as error:
                assert how == "cut"
                assert error.reason is Reason.UNAVAILABLE
        await connector.aclose()
    assert ids(taken(batches)) == [message_id(number) for number in (1, 2, 3, 4, 6, 7, 8)]
    assert [one.ref for batch in batches for one in batch.quarantined] == ["7.5@INBOX"]


async def test_a_uidnext_that_goes_back_means_reading_again() -> None:
    async with ScriptedImap() as server:
        server.mail["INBOX"] += [header(number) for number in range(1, 6)]
        cursor = (await read(server.connector()))[-1].cursor
        del server.mail["INBOX"][2:]
        batches = await read(server.connector(), cursor)
    assert batches[0].resynced
    assert len(taken(batches)) == 2


async def test_an_unchanged_mailbox_costs_no_scan() -> None:
    async with ScriptedImap() as server:
        server.mail["INBOX"] += [header(number) for number in range(1, 6)]
        cursor = (await read(server.connector()))[-1].cursor
        server.commands.clear()
        assert taken(await read(server.connector(), cursor)) == []
        assert not [command for command in server.commands if command.startswith(("UID", "SEARCH", "FETCH"))]


async def test_after_a_lost_connection_the_folders_are_not_listed_again() -> None:
    async with ScriptedImap() as server:
        connector = server.connector()
        cursor = (await every(connector, None))[-1].cursor
        server.cut()
        with pytest.raises(MailboxError):
            await every(connector, cursor)
        server.mail["Out"] += [header(1)]
        assert ids(taken(await every(connector, cursor))) == [message_id(1)]
        await connector.aclose()
    assert [command.split()[0] for command in server.commands].count("LIST") == 1


async def test_the_states_of_many_folders_are_asked_for_in_one_go() -> None:
    async def status(client: Client, tag: str, arguments: str) -> None:
        second, _, rest = (await client.line()).partition(" STATUS ")  # sent before the first is answered
        assert rest
        for its, asked in ((tag, arguments), (second, rest)):
            await client.server._status(client, its, asked)

    listing = r'* LIST () "/" INBOX|* LIST (\sent) "/" Out|* LIST () "/" Deals'
    async with ScriptedImap({"STATUS": status}, folders=listing) as server:
        server.mail["Deals"] = [header(1)]
        async with asyncio.timeout(PATIENCE):
            assert ids(taken(await read(server.connector(folders="Deals")))) == [message_id(1)]


@pytest.mark.parametrize("told", ["* STATUS Out (MESSAGES 0)\r\n", "* STATUS {3}\r\nOut (UIDNEXT 9)\r\n", ""])
async def test_a_server_whose_status_tells_no_uidnext_has_its_folders_opened(told: str) -> None:
    async with ScriptedImap({"STATUS": says(f"{told}TAG OK done\r\n")}) as server:
        connector = server.connector()
        cursor = (await every(connector, None))[-1].cursor
        for number, folder in enumerate(("Out", "INBOX", "Out")):
            server.mail[folder] += [header(number)]
            batches = await every(connector, cursor)
            assert ids(taken(batches)) == [message_id(number)]
            cursor = batches[-1].cursor
        await connector.aclose()


async def test_only_verbs_that_read_are_ever_sent() -> None:
    async with ScriptedImap({"FETCH": says("TAG OK done\r\n")}) as server:
        server.mail["INBOX"] += [header(1)]
        connector = server.connector()
        await connector.probe()
        await every(connector, None)
        await connector.wait(0.01)
        await every(connector, None)
        await connector.aclose()
    verbs = {" ".join(command.split()[: 2 if command.startswith("UID ") else 1]) for command in server.commands}
    assert verbs <= {
        "CAPABILITY", "LOGIN", "LIST", "EXAMINE", "STATUS", "NOOP", "UID SEARCH", "UID FETCH", "FETCH", "IDLE", "LOGOUT"
    }  # fmt: skip
    fetches = [command for command in server.commands if "FETCH" in command]
    assert fetches
    assert all("BODY[" not in command.replace("BODY.PEEK[", "") for command in fetches)


@pytest.mark.parametrize(
    "listing",
    [
        r'* LIST (\sent) "/" Ausgang',
        r'* LIST () "/" "Gesendete Elemente"',
        r'* LIST () "." INBOX.Sent',
        r'* LIST () "/" "[Gmail]/&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"',
        r'* LIST () "/" "&j,CQAU8,i,cwYA-"|* LIST () "/" "&kAFP4W4IMH8wojCkMMYw4A-"',
    ],
    ids=["special use in lower case", "german", "below the inbox", "gmail in russian", "japanese"],
)
async def test_sent_mail_is_found_by_special_use_and_by_names_of_many_languages(listing: str) -> None:
    async with ScriptedImap(folders=r'* LIST () "/" INBOX|' + listing) as server:
        connector = server.connector()
        async with asyncio.timeout(PATIENCE):
            if "STATUS" not in server.on:
                server.on["STATUS"] = says("* STATUS x (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)\r\nTAG OK done\r\n")
            probe = await connector.probe()
        await connector.aclose()
    assert probe.folders[FolderRole.SENT]


async def test_a_mailbox_without_sent_mail_is_refused_loudly() -> None:
    async with ScriptedImap(folders=r'* LIST () "/" INBOX|* LIST () "/" Drafts') as server:
        error = await failing(server.connector())
    assert error.reason is Reason.CLIENT
    assert "Drafts" in str(error)
    assert "`sent`" in error.hint
