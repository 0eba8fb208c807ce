"""Connecting and logging in to IMAP servers: what goes wrong is told in the provider's words, and never hangs."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.testing import every
from tests.doubles.scripted_imap import PASSWORD, Answer, Client, ScriptedImap
from tests.support.imap_sessions import certified, failing, read, says
from tests.support.waiting import PATIENCE


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        ("TAG NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n", Reason.AUTH, "Invalid credentials"),
        ("TAG NO login refused\r\n", Reason.AUTH, "login refused"),
        ("TAG NO [UNAVAILABLE] Temporary problem\r\n", Reason.UNAVAILABLE, "Temporary problem"),
        ("TAG NO [LIMIT] slow down\r\n", Reason.RATE_LIMITED, "slow down"),
        ("TAG NO [ALERT] Too many simultaneous connections. (Failure)\r\n", Reason.RATE_LIMITED, "simultaneous"),
        ("* BYE Autologout\r\n", Reason.UNAVAILABLE, "Autologout"),
        ("TAG BAD syntax\r\n", Reason.AUTH, "syntax"),
    ],
)
async def test_a_refused_login_is_told_in_the_providers_words(answer: str, reason: Reason, words: str) -> None:
    async with ScriptedImap({"LOGIN": says(answer)}) as server:
        error = await failing(server.connector())
    assert error.reason is reason
    assert words in str(error)


async def test_the_time_that_a_throttling_server_asks_for_is_passed_on() -> None:
    words = "TAG BAD Request is throttled. Suggested Backoff Time: 8500 milliseconds\r\n"
    async with ScriptedImap({"EXAMINE": says(words)}) as server:
        error = await failing(server.connector())
    assert error.reason is Reason.RATE_LIMITED
    assert error.retry_after == 8.5


@pytest.mark.parametrize(("greeting", "on"), [(None, {}), ("* OK hi\r\n", {"LOGIN": says("")}), ("", {})])
async def test_a_server_that_falls_silent_is_given_up_in_time(greeting: str | None, on: dict[str, Answer]) -> None:
    async with ScriptedImap(on, greeting=greeting) as server:
        async with asyncio.timeout(PATIENCE):
            error = await failing(server.connector(connect_timeout="0.2s", read_timeout="0.2s"))
    assert error.reason is Reason.TIMEOUT


async def test_a_server_that_falls_silent_while_leaving_idle_is_given_up_in_time() -> None:
    async def deaf(client: Client, _tag: str, _: str) -> None:
        await client.send("+ idling\r\n")
        await asyncio.Event().wait()

    async with ScriptedImap({"IDLE": deaf}) as server:
        connector = server.connector(read_timeout="2s")
        cursor = (await every(connector, None))[-1].cursor
        while "IDLE" not in server.commands:
            assert not await connector.wait(0.1)
        with pytest.raises(MailboxError) as caught:
            async with asyncio.timeout(PATIENCE):
                await every(connector, cursor)
        assert caught.value.reason is Reason.TIMEOUT
        await connector.aclose()


async def test_a_greeting_of_bye_is_told() -> None:
    async with ScriptedImap(greeting="* BYE [UNAVAILABLE] overloaded\r\n") as server:
        error = await failing(server.connector())
    assert error.reason is Reason.UNAVAILABLE
    assert "overloaded" in str(error)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context, _ = certified(tmp_path)
    async with ScriptedImap(tls=context) as server:
        error = await failing(server.connector(security="tls"))
    assert error.reason is Reason.CLIENT
    assert "ca_file" in error.hint


async def test_starttls_that_is_not_offered_is_never_passed_over() -> None:
    async with ScriptedImap() as server:
        error = await failing(server.connector(security="starttls"))
        assert not [command for command in server.commands if command.startswith("LOGIN")]
    assert "STARTTLS" in str(error)


async def test_passwords_beyond_ascii_go_through_plain() -> None:
    seen: list[str] = []

    async def authenticate(client: Client, tag: str, _: str) -> None:
        await client.send("+ \r\n")
        seen.append(base64.b64decode(await client.line()).decode())
        await client.send(f"{tag} OK [CAPABILITY IMAP4rev1] in\r\n")

    async with ScriptedImap({"AUTHENTICATE": authenticate}, capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        await read(server.connector(password="schlüssel"))
        await read(server.connector(master_user="root"))
    assert seen == ["\0ana@acme.test\0schlüssel", f"ana@acme.test\0root\0{PASSWORD}"]
