"""The EWS connector keeps the contract against a double of Exchange Server with NTLM, and what is its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import exchangelib  # type: ignore[import-untyped]  # it ships no types
import pytest
from exchangelib.transport import AUTH_TYPE_MAP  # type: ignore[import-untyped]  # it ships no types
from pydantic import ValidationError

from connectors.mail.ews import Ews, EwsSettings
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reading, Reason
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.model import FolderRole
from inboxwatch.testing import ConnectorContract, Mailbox, every, ids, letter, message_id, polled, taken
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT, EntraServer
from tests.doubles.ews import PASSWORD, EwsServer
from tests.doubles.https_server import Fault
from tests.support.api_mailboxes import EwsMailbox


@pytest.fixture(scope="module")
def server() -> Iterator[EwsServer]:
    running = EwsServer()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NTLM_USER_FILE", running.users_file)
        yield running
    running.close()


class TestEws(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: EwsServer) -> Mailbox:
        return EwsMailbox(server, auth="ntlm", push="streaming", connections=10)


def connector(server: EwsServer, **settings: Any) -> tuple[EwsMailbox, Ews]:
    mailbox = EwsMailbox(server, **settings)
    return mailbox, mailbox.connector(Reading())


async def failing(one: Ews) -> MailboxError:
    with pytest.raises(MailboxError) as caught:
        await every(one, None)
    assert PASSWORD not in f"{caught.value!r}{caught.value.hint}"
    return caught.value


async def test_answers_bear_their_headers_though_exchange_keeps_no_block_of_them(server: EwsServer) -> None:
    mailbox, one = connector(server)
    mailbox.deliver(letter(1), when=instant.now() - timedelta(hours=1))
    mailbox.deliver(letter(2).replace(b"Date:", b"In-Reply-To: <0001@buyer.test>\r\nDate:"), sent=True)
    question, answer = (parse(message) for message in taken(await every(one, None)))
    assert answer.in_reply_to == (question.id,)
    assert answer.id == message_id(2)
    assert (answer.sender.email, [to.email for to in answer.to]) == ("pat@buyer.test", ["ana@acme.test"])
    assert answer.thread_index is not None


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
async def test_a_wrong_password_is_told_as_such(server: EwsServer, auth: str) -> None:
    error = await failing(connector(server, auth=auth, password="wrong")[1])
    assert error.reason is Reason.AUTH
    assert "`password`" in error.hint


async def test_impersonation_reads_in_the_owners_name_where_it_is_granted() -> None:
    server = EwsServer()
    try:
        mailbox, one = connector(server, auth="basic", access="impersonation")
        mailbox.deliver(letter(1))
        error = await failing(one)
        assert (error.reason, "ErrorImpersonateUserDenied" in str(error)) == (Reason.AUTH, True)
        server.may_impersonate = True
        assert ids(taken(await every(one, None))) == [message_id(1)]
    finally:
        server.close()


async def test_oauth_of_a_hybrid_asks_entra_and_renews_the_token() -> None:
    server, entra = EwsServer(), EntraServer()
    server.bearer = entra.tokens
    try:
        mailbox, one = connector(
            server, auth="oauth", tenant=TENANT, client_id=CLIENT_ID, client_secret=SECRET, login_url=entra.server.url
        )
        mailbox.deliver(letter(1))
        assert ids(taken(await every(one, None))) == [message_id(1)]
        assert entra.server.requests["POST token"] == 1
    finally:
        server.close()
        entra.server.close()


async def test_exchanges_own_code_is_told_with_what_to_do(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    server.users[mailbox.address].rights = ""
    error = await failing(one)
    assert (error.reason, "ErrorAccessDenied" in str(error)) == (Reason.AUTH, True)
    assert "Reviewer" in error.hint
    del server.users[mailbox.address]
    error = await failing(one)
    assert (error.reason, "ErrorNonExistentMailbox" in str(error)) == (Reason.CLIENT, True)


async def test_a_busy_server_is_waited_for_as_long_as_it_asks() -> None:
    server = EwsServer()
    try:
        mailbox, one = connector(server, auth="basic")
        mailbox.deliver(letter(1))
        faults = iter([("ErrorServerBusy", 50), ("ErrorServerBusy", 0)])
        server.soap_fault = lambda operation, user: next(faults, None)
        assert ids(taken(await every(one, None))) == [message_id(1)]
        server.soap_fault = lambda operation, user: ("ErrorServerBusy", 90_000)
        error = await failing(one)
        assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 90.0)
    finally:
        server.close()


async def test_the_librarys_logs_of_whole_requests_and_answers_are_kept_quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = EwsServer()
    try:
        mailbox, one = connector(server, auth="basic", retry_for="0.1s")
        mailbox.deliver(letter(1))
        await every(one, None)
        for answer in ("<html>", "<?xml version='1.0'?><Envelope>Offer 1 of pat@buyer.test</Envelope>"):
            server.server.fault = lambda request, answer=answer: Fault(200, answer)  # type: ignore[misc]
            await failing(mailbox.connector(Reading()))
        server.server.fault = lambda request: Fault(cut=0.7)
        await failing(mailbox.connector(Reading()))
        assert mailbox.address not in caplog.text
        assert "pat@buyer.test" not in caplog.text
    finally:
        server.close()


async def test_streams_leave_a_connection_to_the_polls_of_their_login() -> None:
    server = EwsServer()
    try:
        boxes = [EwsMailbox(server, auth="basic", push="streaming", connections=2) for _ in range(3)]
        connectors = [box.connector(Reading()) for box in boxes]
        for box, one in zip(boxes, connectors, strict=True):
            box.deliver(letter(1))
            assert ids(taken(await every(one, None))) == [message_id(1)]
        assert server.server.requests["POST Subscribe"] == 1
        assert not await connectors[2].wait(0.01)
        for one in connectors:
            await one.aclose()
    finally:
        server.close()


async def test_pinning_a_large_folder_gives_cursors_on_the_way(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    old = instant.now() - timedelta(days=90)
    for _ in range(5_500):
        mailbox.store.deliver(b"Subject: old\r\n\r\n", "inbox", old)
    mailbox.deliver(letter(1))
    recent = mailbox.connector(Reading(since=instant.now() - timedelta(days=30)))
    first = await anext(recent.poll(None))
    assert first.seen_until is None
    rest = await every(recent, first.cursor)
    assert ids(taken(rest)) == [message_id(1)]
    await one.aclose()


async def test_more_messages_of_one_second_than_a_page_holds_are_all_read(server: EwsServer) -> None:
    mailbox, _ = connector(server, auth="basic")
    at = instant.now() - timedelta(hours=1)
    for number in range(25):
        mailbox.deliver(letter(number), when=at)
    batches = await polled(mailbox, batch_size=4)
    assert sorted(ids(taken(batches))) == [message_id(number) for number in range(25)]


async def test_folders_that_rules_fill_are_read_when_named_and_told_when_not(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    server.users[mailbox.address].folders |= {"deals": ("inbox", "Deals"), "trash2": ("deleteditems", "Deals")}
    mailbox.store.deliver(letter(1), "deals")
    assert any("Posteingang/Deals" in warning for warning in (await one.probe()).warnings)
    mailbox.settings["folders"] = ["Posteingang/*", "Nichts"]
    other = mailbox.connector(Reading())
    probe = await other.probe()
    assert "no folder matches 'Nichts' in `folders`" in probe.warnings
    assert probe.folders[FolderRole.OTHER] == "Posteingang/Deals"
    (message,) = taken(await every(other, None))
    assert message.role is FolderRole.OTHER


async def test_single_messages_are_read_again_by_the_refs_of_the_census(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    for number in range(3):
        mailbox.deliver(letter(number), sent=number == 2)
    refs = [ref async for ref, its in one.census(instant.now() - timedelta(days=1)) if its != message_id(0)]
    assert sorted(ids(await one.recover([*refs, f"{mailbox.address}!gone"]))) == [message_id(1), message_id(2)]


async def test_a_login_that_can_only_read_is_told_without_warnings(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    probe = await one.probe()
    assert probe.folders == {FolderRole.INBOX: "Posteingang", FolderRole.SENT: "Gesendete Elemente"}
    assert probe.warnings == ()
    assert dict(probe.facts)["login"] == "basic, delegate"
    assert mailbox.address


async def test_a_login_that_can_write_is_warned_of_with_the_commands_for_a_smaller_right(server: EwsServer) -> None:
    mailbox, one = connector(server, auth="basic")
    server.users[mailbox.address].rights = "owner"
    (warning,) = (await one.probe()).warnings
    assert (
        f"Add-MailboxFolderPermission -Identity '{mailbox.address}:\\Posteingang' -User ACME\\watcher "
        "-AccessRights Reviewer"
    ) in warning
    server.may_impersonate = True
    (warning,) = (await connector_of(mailbox, access="impersonation").probe()).warnings
    assert "-Role ApplicationImpersonation" in warning
    assert "-CustomRecipientWriteScope inboxwatch" in warning
    server.may_impersonate = False


def connector_of(mailbox: EwsMailbox, **settings: Any) -> Ews:
    mailbox.settings |= settings
    return mailbox.connector(Reading())


@pytest.mark.parametrize(
    "url", ["https://outlook.office365.com/EWS/Exchange.asmx", "https://outlook.office.com/ews/exchange.asmx"]
)
def test_exchange_online_is_refused_with_the_reason_and_the_way_out(server: EwsServer, url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        connector(server, url=url)
    assert "blocks EWS since 2026-10-01" in str(refused.value)
    assert "use `graph`" in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [{"url": "http://mail.test/EWS"}, {"username": ""}, {"password": None}, {"auth": "oauth"}, {"connections": 0}],
)
def test_settings_that_cannot_be_right_are_refused(server: EwsServer, settings: dict[str, Any]) -> None:
    given = {name: value for name, value in (EwsMailbox(server).settings | settings).items() if value is not None}
    with pytest.raises(ValidationError):
        EwsSettings.model_validate(given)


async def test_kerberos_without_its_package_names_it(server: EwsServer) -> None:
    if exchangelib.GSSAPI in AUTH_TYPE_MAP:
        pytest.skip("it is installed here")
    error = await failing(connector(server, auth="kerberos")[1])
    assert "exchangelib[kerberos]" in error.hint
