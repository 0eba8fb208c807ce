"""The Graph connector keeps the contract against a double of Exchange Online over real HTTPS, and what is its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mail.graph import Graph, GraphSettings
from connectors.mail.header_block import header_block
from inboxwatch import now as instant
from inboxwatch.connector import Context, Cursor, MailboxError, Reading, Reason
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.model import FolderRole, Privacy
from inboxwatch.extras import command
from inboxwatch.testing import (
    ConnectorContract,
    Mailbox,
    bounce,
    every,
    ids,
    invitation,
    letter,
    message_id,
    polled,
    taken,
)
from tests.doubles.entra import PRINCIPAL, SECRET, certificate
from tests.doubles.graph import GraphServer
from tests.doubles.https_server import Fault
from tests.support.api_mailboxes import GraphMailbox


@pytest.fixture(scope="module")
def server() -> Iterator[GraphServer]:
    running = GraphServer()
    yield running
    running.close()


class TestGraphRead(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GraphServer) -> Mailbox:
        return GraphMailbox(server, "read")


class TestGraphBasic(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GraphServer, request: pytest.FixtureRequest) -> Mailbox:
        whole = "privacy_mode_text" in request.node.name or "nothing_in_the_mailbox" in request.node.name
        return GraphMailbox(server, "read" if whole else "basic")

    async def test_what_machines_wrote_is_read_and_what_people_wrote_is_not(self, mailbox: Mailbox) -> None:
        """Mail.ReadBasic hides parts: of a bounce they are not seen, a meeting answer is told by its type."""
        for raw in (bounce(1), invitation(2), letter(3)):
            mailbox.deliver(raw)
        report, event, human = sorted(taken(await polled(mailbox)), key=lambda one: ids([one]))
        assert report.parts is None
        assert human.parts is None
        assert b"report-type=delivery-status" in report.header
        assert [part.content_type for part in event.parts or ()] == ["text/calendar; method=reply"]
        assert b"PARTSTAT=ACCEPTED" in ((event.parts or ())[0].payload or b"")
        assert b"WRITTEN BY A PERSON" not in repr((report, event, human)).encode()


def connector(server: GraphServer, permission: str = "basic", **settings: Any) -> tuple[GraphMailbox, Graph]:
    mailbox = GraphMailbox(server, permission, **settings)
    return mailbox, mailbox.connector(Reading())


async def failing(one: Graph) -> MailboxError:
    with pytest.raises(MailboxError) as caught:
        await every(one, None)
    await one.aclose()
    assert SECRET not in f"{caught.value!r}{caught.value.hint}"
    return caught.value


ANSWER = (
    b"From: ana@acme.test\r\nTo: pat@buyer.test\r\nSubject: Re: Offer 1\r\nMessage-ID: <answer@acme.test>\r\n"
    b"In-Reply-To: <0001@buyer.test>\r\nReferences: <0001@buyer.test>\r\n\r\nWRITTEN BY A PERSON\r\n"
)


async def test_answers_in_sent_items_bear_no_headers_but_the_conversation_of_the_question(server: GraphServer) -> None:
    mailbox, _ = connector(server)
    mailbox.deliver(letter(1))
    mailbox.deliver(ANSWER, sent=True)
    question, answer = (parse(one) for one in taken(await polled(mailbox)))
    assert answer.in_reply_to == ()
    assert answer.id == "answer@acme.test"
    assert [one.email for one in answer.to] == ["pat@buyer.test"]
    assert answer.provider_thread == question.provider_thread
    assert question.web_link.startswith("https://outlook.office365.com/owa/?ItemID=")
    assert answer.thread_index is not None
    assert question.thread_index is not None
    assert answer.thread_index[:22] == question.thread_index[:22]
    assert len(answer.thread_index) > len(question.thread_index)


async def test_with_mail_read_the_headers_of_answers_come_by_extended_properties(server: GraphServer) -> None:
    mailbox, _ = connector(server, "read")
    mailbox.deliver(ANSWER, sent=True)
    ((answer,),) = [batch.messages for batch in await polled(mailbox)]
    assert parse(answer).in_reply_to == ("0001@buyer.test",)
    assert b"WRITTEN BY A PERSON" not in repr(answer).encode()


async def test_mail_sent_as_the_shared_mailbox_names_its_author_and_its_sender(server: GraphServer) -> None:
    mailbox, _ = connector(server)
    mailbox.deliver(ANSWER.replace(b"From: ana", b"Sender: ana@acme.test\r\nFrom: sales"), sent=True)
    ((answer,),) = [batch.messages for batch in await polled(mailbox)]
    assert parse(answer).sender.email == "sales@acme.test"
    assert b"Sender: <ana@acme.test>" in answer.header


def test_no_value_of_an_api_can_write_a_header_of_its_own() -> None:
    block = header_block([("Subject", "x\r\nX-Loop: yes"), ("Bad name\r\n", "y"), ("To", "a\x00b\nc")])
    assert block == b"Subject: x X-Loop: yes\r\nTo: a b c\r\n\r\n"


async def test_one_token_serves_all_mailboxes_of_an_application() -> None:
    server = GraphServer()
    try:
        connectors = [GraphMailbox(server).connector(Reading()) for _ in range(5)]
        await asyncio.gather(*(every(one, None) for one in connectors))
        assert server.entra.server.requests["POST token"] == 1
        server.entra.revoke()
        await asyncio.gather(*(every(one, None) for one in connectors))
        assert server.entra.server.requests["POST token"] == 2
        for one in connectors:
            await one.aclose()
    finally:
        server.close()


async def test_a_certificate_proves_the_application_too(server: GraphServer) -> None:
    pem = certificate()
    server.entra.certificate = pem.encode()
    mailbox = GraphMailbox(server)
    del mailbox.settings["client_secret"], mailbox.settings["secret_expires"]
    mailbox.settings["certificate"] = pem
    mailbox.deliver(letter(1))
    assert ids(taken(await polled(mailbox))) == [message_id(1)]
    mailbox.settings["certificate"] = certificate()  # another one
    assert "AADSTS700027" in str(await failing(mailbox.connector(Reading())))
    mailbox.settings["certificate"] = "no PEM at all"
    assert (await failing(mailbox.connector(Reading()))).reason is Reason.CLIENT


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"client_secret": "s3cr3t~of~somebody"}, "AADSTS7000215"),
        ({"client_id": "another"}, "AADSTS700016"),
        ({"tenant": "nobody.test"}, "AADSTS90002"),
    ],
)
async def test_entras_own_code_is_told(server: GraphServer, settings: dict[str, str], code: str) -> None:
    error = await failing(connector(server, **settings)[1])
    assert error.reason is Reason.AUTH
    assert code in str(error)
    assert "Trace ID" not in str(error)
    assert error.hint
    assert error.permanent


async def test_a_missing_client_library_names_its_extra(server: GraphServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msal", None)
    server.entra.revoke()
    error = await failing(connector(server)[1])
    assert (str(error), error.hint, error.permanent) == (
        "the package msal is missing", command("graph"), True
    )  # fmt: skip


async def test_graphs_own_code_is_told_with_what_to_do(server: GraphServer) -> None:
    mailbox, one = connector(server)
    server.users[mailbox.address].may = ""
    error = await failing(one)
    assert error.reason is Reason.AUTH
    assert "erroraccessdenied" in str(error)
    assert "Application Mail.ReadBasic" in error.hint
    stranger = await failing(connector(server, user="nobody@acme.test")[1])
    assert (stranger.reason, "address" in stranger.hint) == (Reason.CLIENT, True)


async def test_a_server_with_another_certificate_is_refused_with_a_hint(server: GraphServer) -> None:
    mailbox = GraphMailbox(server)
    del mailbox.settings["ca_file"]
    error = await failing(mailbox.connector(Reading()))
    assert error.reason is Reason.CLIENT
    assert "ca_file" in error.hint


async def test_throttling_is_waited_for_and_told_when_it_lasts_longer() -> None:
    server = GraphServer()
    try:
        mailbox = GraphMailbox(server)
        mailbox.deliver(letter(1))
        answers = iter([Fault(429, "", {"Retry-After": "0"})] * 2)
        server.server.fault = lambda request: next(answers, None)
        assert ids(taken(await polled(mailbox))) == [message_id(1)]
        server.server.fault = lambda request: Fault(429, "", {"Retry-After": "77"})
        error = await failing(mailbox.connector(Reading()))
        assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 77.0)
    finally:
        server.close()


async def test_a_throttled_tenant_is_not_asked_by_its_other_mailboxes_either() -> None:
    server = GraphServer()
    try:
        first, second = (GraphMailbox(server).connector(Reading()) for _ in range(2))
        body = '{"error": {"code": "ApplicationThrottled", "message": "slow down"}}'
        await every(first, None)
        server.server.fault = lambda request: Fault(429, body, {"Retry-After": "60"})
        asked = server.server.requests.total()
        for one in (first, second):
            with pytest.raises(MailboxError) as caught:
                await every(one, None)
            assert caught.value.reason is Reason.RATE_LIMITED
        assert server.server.requests.total() == asked + 1
        await asyncio.gather(first.aclose(), second.aclose())
    finally:
        server.close()


async def test_a_server_that_refuses_to_select_the_meeting_type_is_read_without_it() -> None:
    server = GraphServer()
    server.refuses_meeting_type = True
    try:
        mailbox = GraphMailbox(server)
        mailbox.deliver(invitation(1))
        ((event,),) = [batch.messages for batch in await polled(mailbox)]
        assert event.parts is None
    finally:
        server.close()


async def test_a_server_that_refuses_to_count_is_read_without_telling_how_much_remains() -> None:
    server = GraphServer()
    server.refuses_count = True
    try:
        mailbox = GraphMailbox(server)
        for number in range(9):
            mailbox.deliver(letter(number))
        batches = await polled(mailbox, batch_size=3)
        assert sorted(ids(taken(batches))) == [message_id(number) for number in range(9)]
        assert {batch.remaining for batch in batches} == {None}
        server.refuses_count = False
        assert [batch.remaining for batch in await polled(mailbox, batch_size=3)] == [6, 3, None]
    finally:
        server.close()


async def test_mail_deleted_while_history_is_paged_costs_no_other_message(server: GraphServer) -> None:
    mailbox, one = connector(server)
    start = instant.now() - timedelta(hours=1)
    for number in range(12):
        mailbox.deliver(letter(number), when=start + timedelta(minutes=number))
    read: list[str] = []
    small = mailbox.connector(Reading(batch_size=3))
    async for batch in small.poll(None):
        read += ids(batch.messages)
        for name, message in list(mailbox.store.messages.items()):
            if message.message_id.strip("<>") in read:
                mailbox.store.delete(name)
    assert sorted(read) == [message_id(number) for number in range(12)]
    await asyncio.gather(one.aclose(), small.aclose())


async def test_more_messages_of_one_second_than_a_page_holds_are_all_read(server: GraphServer) -> None:
    mailbox, _ = connector(server)
    at = instant.now() - timedelta(hours=1)
    for number in range(25):
        mailbox.deliver(letter(number), when=at)
    batches = await polled(mailbox, batch_size=4)
    assert sorted(ids(taken(batches))) == [message_id(number) for number in range(25)]


async def test_a_mailbox_of_more_messages_than_a_filtered_delta_tells_is_read_whole() -> None:
    server = GraphServer()
    try:
        mailbox = GraphMailbox(server)
        start = instant.now() - timedelta(days=20)
        for number in range(5_300):
            mailbox.deliver(letter(number), when=start + timedelta(seconds=number))
        assert len(taken(await polled(mailbox, since=start))) == 5_300
    finally:
        server.close()


async def test_folders_that_rules_fill_are_read_when_named_and_told_when_not(server: GraphServer) -> None:
    mailbox, one = connector(server)
    user = server.users[mailbox.address]
    user.folders |= {"AAMdeals": "Posteingang/Deals", "AAMold": "Archiv"}
    mailbox.store.deliver(letter(1), "AAMdeals")
    assert any("Posteingang/Deals" in warning for warning in (await one.probe()).warnings)
    mailbox.settings["folders"] = ["Posteingang/*", "Nichts"]
    other = mailbox.connector(Reading())
    probe = await other.probe()
    assert "no folder matches 'Nichts' in `folders`" in probe.warnings
    assert probe.folders[FolderRole.OTHER] == "Posteingang/Deals"
    (message,) = taken(await every(other, None))
    assert message.role is FolderRole.OTHER
    await asyncio.gather(one.aclose(), other.aclose())


async def test_no_link_in_a_cursor_makes_the_token_leave_for_another_server(server: GraphServer) -> None:
    mailbox, one = connector(server)
    mailbox.deliver(letter(1))
    cursor = (await every(one, None))[-1].cursor
    stolen = Cursor(cursor.replace(server.server.url, "https://evil.test"))
    batches = await every(one, stolen)
    assert batches[0].resynced
    assert ids(taken(batches)) == [message_id(1)]
    await one.aclose()


async def test_single_messages_are_read_again_by_the_refs_of_the_census(server: GraphServer) -> None:
    mailbox, one = connector(server)
    for number in range(3):
        mailbox.deliver(letter(number), sent=number == 2)
    refs = [ref async for ref, its in one.census(instant.now() - timedelta(days=1)) if its != message_id(0)]
    assert sorted(ids(await one.recover([*refs, "gone"]))) == [message_id(1), message_id(2)]
    await one.aclose()


async def test_text_mode_needs_more_than_mail_readbasic(server: GraphServer) -> None:
    one = GraphMailbox(server).connector(Reading(Privacy.TEXT))
    error = await failing(one)
    assert (error.reason, error.permanent) == (Reason.CLIENT, True)
    assert "permission: read" in error.hint


async def test_a_good_grant_is_told_without_warnings(server: GraphServer) -> None:
    mailbox, one = connector(server)
    mailbox.deliver(letter(1))
    server.entra.revoke()
    probe = await one.probe()
    assert probe.folders == {FolderRole.INBOX: "Posteingang", FolderRole.SENT: "Gesendete Elemente"}
    facts = dict(probe.facts)
    assert facts["tenant-wide permissions"] == "none, so access comes from a role with a scope"
    assert facts["needs"].startswith("RBAC for Applications: Application Mail.ReadBasic")
    assert probe.warnings == ()
    await one.aclose()


async def test_a_grant_that_can_write_or_send_is_warned_of_with_the_commands_for_a_smaller_one() -> None:
    server = GraphServer()
    server.entra.roles = ["Mail.ReadWrite", "Mail.Send", "User.Read.All"]
    try:
        mailbox, one = connector(server)
        writing, beyond = (await one.probe()).warnings
        assert "Mail.ReadWrite, Mail.Send" in writing
        assert (
            f"New-ManagementRoleAssignment -App {PRINCIPAL} -Role 'Application Mail.ReadBasic' "
            "-CustomResourceScope inboxwatch"
        ) in writing
        assert f"Test-ServicePrincipalAuthorization -Identity {PRINCIPAL} -Resource {mailbox.address}" in writing
        assert "{ $_.Value -eq 'Mail.ReadWrite' -or $_.Value -eq 'Mail.Send' }" in writing
        assert "Remove-MgServicePrincipalAppRoleAssignment" in writing
        assert "User.Read.All" in beyond
        await one.aclose()
    finally:
        server.close()


async def test_whole_messages_that_can_be_had_though_the_config_says_no_are_warned_of(server: GraphServer) -> None:
    mailbox, one = connector(server)
    server.users[mailbox.address].may = "read"
    mailbox.deliver(letter(1))
    (warning,) = (await one.probe()).warnings
    assert "Application Mail.ReadBasic" in warning
    await one.aclose()


@pytest.mark.parametrize(
    ("cloud", "host"), [("us_government", "graph.microsoft.us"), ("global", "graph.microsoft.com")]
)
def test_a_national_cloud_has_its_own_servers(cloud: str, host: str) -> None:
    settings = {"tenant": "acme.test", "client_id": "c", "client_secret": "s", "cloud": cloud}
    one = Graph(GraphSettings.model_validate(settings), Context("ana", "ana@acme.test"))
    assert one.client.base == f"https://{host}/v1.0"


@pytest.mark.parametrize(
    "settings",
    [
        {"client_secret": None},
        {"certificate": "both"},
        {"graph_url": "http://graph.test"},
        {"graph_url": "https://graph.test/v1.0"},
        {"tenant": "acme/../x"},
        {"cloud": "mars"},
    ],
)
def test_settings_that_cannot_be_right_are_refused(server: GraphServer, settings: dict[str, Any]) -> None:
    given = {name: value for name, value in (GraphMailbox(server).settings | settings).items() if value is not None}
    with pytest.raises(ValidationError):
        GraphSettings.model_validate(given)
