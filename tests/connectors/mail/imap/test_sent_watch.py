"""News of sent mail: by NOTIFY, a second IDLE or the poll; a second connection never costs the mailbox anything."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.mail.imap import Imap, ImapSettings
from connectors.mail.imap.limits import ImapLimits
from inboxwatch.connector import Context, Cursor, MailboxError, Probe, Reason
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.doubles.scripted_imap import Answer, Client, ScriptedImap
from tests.support.waiting import PATIENCE

WITHOUT_NOTIFY = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE ESEARCH LIST-EXTENDED SPECIAL-USE\n"


@contextlib.asynccontextmanager
async def closing(connector: Imap) -> AsyncIterator[Imap]:
    try:
        yield connector
    finally:
        await connector.aclose()


@contextlib.asynccontextmanager
async def waiting(server: ScriptedImap, **settings: Any) -> AsyncIterator[tuple[Imap, asyncio.Task[bool]]]:
    """A connector whose mailbox was polled and is waited for, with both connections idle."""
    async with closing(server.connector(sent_watch="idle", **settings)) as connector, asyncio.timeout(PATIENCE):
        await every(connector, None)
        wait = asyncio.create_task(connector.wait(60))
        await server.saw("IDLE", times=2)
        yield connector, wait
        wait.cancel()
        await asyncio.gather(wait, return_exceptions=True)


def sent_says(*segments: str, then: str = "") -> Answer:
    """An answer to IDLE: these segments on the folder of sent mail, silence on the inbox."""

    async def answer(client: Client, tag: str, _: str) -> None:
        await client.send(*(segments if client.folder == "Out" else ("+ idling\r\n",)))
        if client.folder == "Out" and then == "eof":
            client.writer.write_eof()
        elif client.folder == "Out" and then == "close":
            client.hang_up()
        await client.line()
        await client.send(f"{tag} OK done\r\n")

    return answer


def refused_from(number: int, words: str = "NO [ALERT] Too many simultaneous connections. (Failure)") -> Answer:
    """An answer to LOGIN: that many connections are one too many."""

    async def answer(client: Client, tag: str, _: str) -> None:
        if client.server.open >= number:
            await client.send(f"{tag} {words}\r\n")
        else:
            await client.send(f"{tag} OK [CAPABILITY {client.server.capabilities}] in\r\n")

    return answer


def told(log: list[Any]) -> list[str]:
    return [entry["event"] for entry in log if "second connection" in entry["event"]]


async def test_a_second_idle_tells_of_sent_mail_again_and_again() -> None:
    async with ScriptedImap() as server, waiting(server) as (connector, wait):
        cursor: Cursor | None = None
        for number in (1, 2, 3):
            server.mail["Out"].append(letter(number).decode())
            await server.idlers["Out"].send(f"* {number} EXISTS\r\n")
            assert await wait
            batches = await every(connector, cursor)
            cursor = batches[-1].cursor
            assert message_id(number) in ids(taken(batches))
            wait = asyncio.create_task(connector.wait(60))
            await server.saw("IDLE", times=2 + number)
        wait.cancel()
        assert server.connections == 2
        assert not [command for command in server.commands if command.startswith("SELECT")]


async def test_what_the_poll_has_seen_already_is_no_news() -> None:
    async with ScriptedImap() as server, waiting(server) as (connector, wait):
        server.mail["Out"].append(letter(1).decode())
        await server.idlers["Out"].send("* 1 EXISTS\r\n")
        assert await wait
        await every(connector, None)
        assert not await connector.wait(0.1)


@pytest.mark.parametrize(
    "segments",
    [
        ("+ idling\r\n* 1 EXISTS\r\n",),
        ("+ idling\r\n* 1 EXI", "STS\r\n"),
        ("+ idl", "ing\r\n* 1", " EXISTS\r\n"),
        ("* 1 EXISTS\r\n+ idling\r\n",),
    ],
    ids=["glued", "split", "everything split", "untagged first"],
)
async def test_no_wake_up_of_the_second_idle_is_lost(segments: tuple[str, ...]) -> None:
    async with ScriptedImap({"IDLE": sent_says(*segments)}) as server, waiting(server) as (_, wait):
        assert await wait


async def test_mail_sent_between_the_poll_and_the_second_idle_is_told() -> None:
    async def examine(client: Client, tag: str, name: str) -> None:
        if "Out" in name:
            server.mail["Out"].append(letter(1).decode())
        await server._examine(client, tag, name)

    async with ScriptedImap() as server, closing(server.connector(sent_watch="idle")) as connector:
        await every(connector, None)
        server.on["EXAMINE"] = examine
        async with asyncio.timeout(PATIENCE):
            assert await connector.wait(60)


@pytest.mark.parametrize(
    "answer",
    [
        sent_says("+ idling\r\n", "* BYE [UNAVAILABLE] Maintenance\r\n"),
        sent_says("+ idling\r\n", then="eof"),
        sent_says("+ idling\r\n* 1 EXI", then="close"),
    ],
    ids=["BYE", "half-closed", "cut within a line"],
)
async def test_a_second_connection_that_ends_is_a_hint_and_is_opened_again_without_a_tight_loop(answer: Answer) -> None:
    async with ScriptedImap({"IDLE": answer}) as server, waiting(server) as (connector, wait):
        with capture_logs() as log:
            assert await wait  # what came at its end was perhaps not told
            cursor = (await every(connector, None))[-1].cursor
            del server.on["IDLE"]
            for _ in range(3):
                await connector.wait(0.1)
                await every(connector, cursor)
            wait = asyncio.create_task(connector.wait(60))
            await server.until(lambda: "Out" in server.idlers)
            await server.idlers["Out"].send("* 1 EXISTS\r\n")
            assert await wait
        _, second, third = server.connected_at
        assert third - second >= 0.7, "a pause of a second, give or take"
        assert told(log) == []


async def test_the_second_idle_is_renewed_on_its_connection() -> None:
    async with ScriptedImap() as server, waiting(server, limits=ImapLimits(idle=0.05)) as (_, wait):
        await server.saw("IDLE", times=8)
        server.mail["Out"].append(letter(1).decode())  # told by no line: renewal finds it
        assert await wait
        assert server.connections == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("NO [ALERT] Too many simultaneous connections. (Failure)", "rate_limited"),
        ("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded", "rate_limited"),
        ("NO denied", "auth"),
    ],
)
async def test_a_refused_second_connection_is_said_once_and_sent_mail_is_polled(words: str, reason: str) -> None:
    async with ScriptedImap({"LOGIN": refused_from(2, words)}) as server:
        async with closing(server.connector(sent_watch="idle")) as connector:
            with capture_logs() as log:
                cursor = (await every(connector, None))[-1].cursor
                while not told(log):
                    assert not await connector.wait(0.05)
                for _ in range(5):
                    assert not await connector.wait(0.05)
                    await every(connector, cursor)
                server.mail["Out"].append(letter(1).decode())
                assert await connector.wait(60)
                assert ids(taken(await every(connector, cursor))) == [message_id(1)]
        assert server.connections == 2
    assert told(log) == ["no second connection: sent mail is polled"]
    assert log[0]["mailbox"] == "ana"
    assert log[0]["reason"] == reason


async def test_the_second_connection_gives_way_where_the_poll_is_refused_for_too_many() -> None:
    async with ScriptedImap() as server, waiting(server) as (connector, wait):
        server.on["LOGIN"] = refused_from(2)
        server.idlers["INBOX"].hang_up()
        with pytest.raises(MailboxError):
            await wait
        with pytest.raises(MailboxError, match="simultaneous") as caught:
            await every(connector, None)
        assert caught.value.reason is Reason.RATE_LIMITED
        await server.until(lambda: not server.open)
        await every(connector, None)
        assert server.open == 1


async def test_an_idle_that_ends_each_time_is_left_alone_for_longer_and_longer() -> None:
    asked: list[float] = []

    async def bye(client: Client, _tag: str, _: str) -> None:
        asked.append(time.monotonic())
        await client.send("+ idling\r\n* BYE bye\r\n")
        client.hang_up()

    async with ScriptedImap({"IDLE": bye}) as server, closing(server.connector()) as connector:
        cursor = (await every(connector, None))[-1].cursor
        with pytest.raises(MailboxError):
            await connector.wait(60)
        for _ in range(3):
            assert not await connector.wait(0.05)
            await every(connector, cursor)
        assert all(later - earlier >= 0.7 for earlier, later in pairwise(asked)), "a second, give or take, then more"
        assert len(asked) <= 2
        assert server.connections == 1 + len(asked)


async def test_closing_ends_both_connections() -> None:
    async with ScriptedImap() as server, closing(server.connector(sent_watch="idle")) as connector:
        await every(connector, None)
        wait = asyncio.create_task(connector.wait(60))
        async with asyncio.timeout(PATIENCE):
            await server.saw("IDLE", times=2)
            await connector.aclose()
            await server.until(lambda: not server.open)
        await asyncio.gather(wait, return_exceptions=True)


async def probed(server: ScriptedImap, **settings: Any) -> Probe:
    async with closing(server.connector(**settings)) as connector:
        return await connector.probe()


async def test_check_says_how_sent_mail_is_watched() -> None:
    on = {"FETCH": sent_says()}
    async with ScriptedImap(on) as server:
        assert "poll" in dict((await probed(server)).facts)["sent mail watched by"]
        assert dict((await probed(server, sent_watch="idle")).facts)["sent mail watched by"] == "a second IDLE"
        server.on["LOGIN"] = refused_from(2)
        probe = await probed(server, sent_watch="idle")
        assert dict(probe.facts)["sent mail watched by"] == "the poll"
        assert any("Too many simultaneous" in warning for warning in probe.warnings)
    async with ScriptedImap(on, capabilities="IMAP4rev1 IDLE NOTIFY CONDSTORE QRESYNC") as server:
        probe = await probed(server, sent_watch="idle")
        assert dict(probe.facts)["sent mail watched by"].startswith("NOTIFY")
        assert {"CONDSTORE", "QRESYNC"} <= set(dict(probe.facts)["extensions"].split())
        assert server.connections == 1


def test_a_second_idle_without_push_is_refused() -> None:
    with pytest.raises(ValueError, match="sent_watch"):
        ImapSettings.model_validate({"host": "h", "password": "p", "push": "off", "sent_watch": "idle"})


def dovecots(server: Dovecot, **settings: Any) -> Imap:
    given = {"host": "127.0.0.1", "port": server.port, "security": "none", "password": PASSWORD} | settings
    return Imap(ImapSettings.model_validate(given), Context("ana", "ana"))


async def test_dovecot_without_notify_tells_of_sent_mail_by_a_second_idle() -> None:
    with Dovecot.start(["ana"], extra=WITHOUT_NOTIFY) as server:
        async with closing(dovecots(server, sent_watch="idle")) as connector:
            assert dict((await connector.probe()).facts)["sent mail watched by"] == "a second IDLE"
            before = server.snapshot("ana")
            cursor = (await every(connector, None))[-1].cursor
            wait = asyncio.create_task(connector.wait(60))
            async with asyncio.timeout(PATIENCE):
                while server.doveadm("who", "-1", "ana").count("imap") < 2:  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.05)
                assert server.snapshot("ana") == before
                server.deliver("ana", letter(1), folder="Sent")
                assert await wait
            assert ids(taken(await every(connector, cursor))) == [message_id(1)]


async def test_dovecot_that_allows_one_connection_serves_the_poll() -> None:
    with Dovecot.start(["ana"], extra=WITHOUT_NOTIFY + "mail_max_userip_connections = 1\n") as server:
        with capture_logs() as log:
            async with closing(dovecots(server, sent_watch="idle")) as connector:
                cursor = (await every(connector, None))[-1].cursor
                async with asyncio.timeout(PATIENCE):
                    while not told(log):
                        await connector.wait(0.1)
                server.deliver("ana", letter(1), folder="Sent")
                assert ids(taken(await every(connector, cursor))) == [message_id(1)]
        assert told(log) == ["no second connection: sent mail is polled"]
