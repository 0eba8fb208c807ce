"""The Gmail connector keeps the contract against a double that Google's own description checks, and what is its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mail.gmail import Gmail, GmailSettings
from connectors.mail.gmail.quota import RateLimiter, project_quota
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reading, Reason
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.model import FolderRole, Privacy
from inboxwatch.testing import (
    ConnectorContract,
    Mailbox,
    bounce,
    every,
    ids,
    invitation,
    letter,
    message_id,
    message_of,
    polled,
    taken,
)
from tests.doubles.gmail import METADATA, GmailAnswer, GmailServer
from tests.doubles.google_tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tests.support.api_mailboxes import GmailMailbox


@pytest.fixture(scope="module")
def server() -> Iterator[GmailServer]:
    running = GmailServer()
    yield running
    running.close()


class TestGmailReadonly(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GmailServer) -> Mailbox:
        return GmailMailbox(server, "readonly", push=server.pubsub.settings)


class TestGmailMetadata(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GmailServer, request: pytest.FixtureRequest) -> Mailbox:
        whole = "privacy_mode_text" in request.node.name or "nothing_in_the_mailbox" in request.node.name
        return GmailMailbox(server, "readonly" if whole else "metadata", push=server.pubsub.settings)

    async def test_what_machines_wrote_is_read_and_what_people_wrote_is_not(self, mailbox: Mailbox) -> None:
        """gmail.metadata knows headers only: no part is seen."""
        for raw in (bounce(1), invitation(2), letter(3)):
            mailbox.deliver(raw)
        report, event, human = sorted(taken(await polled(mailbox)), key=lambda one: ids([one]))
        assert [report.parts, event.parts, human.parts] == [None] * 3
        assert b"report-type=delivery-status" in report.header
        assert b"WRITTEN BY A PERSON" not in repr((report, event, human)).encode()


def connector(server: GmailServer, scope: str = "metadata", **settings: Any) -> tuple[GmailMailbox, Gmail]:
    mailbox = GmailMailbox(server, scope, **settings)
    return mailbox, mailbox.connector(Reading())


async def failing(one: Gmail) -> MailboxError:
    with pytest.raises(MailboxError) as caught:
        await every(one, None)
    shown = f"{caught.value!r}{caught.value.hint}"
    assert not any(secret in shown for secret in (CLIENT_SECRET, REFRESH_TOKEN, "PRIVATE KEY"))
    return caught.value


async def test_answers_bear_their_headers_and_gmails_thread(server: GmailServer) -> None:
    mailbox, _ = connector(server)
    mailbox.deliver(letter(1), when=instant.now() - timedelta(hours=1))
    mailbox.deliver(letter(2).replace(b"Date:", b"In-Reply-To: <0001@buyer.test>\r\nDate:"), sent=True)
    question, answer = (parse(one) for one in taken(await polled(mailbox)))
    assert answer.in_reply_to == (question.id,)
    assert answer.provider_thread == question.provider_thread


async def test_drafts_spam_and_excluded_labels_are_left_alone(server: GmailServer) -> None:
    mailbox, _ = connector(server, exclude=["SPAM", "Private", "Nowhere"])
    for number, label in enumerate(("INBOX", "DRAFT", "SPAM", "TRASH", "Label_1", "CHAT", "Label_2")):
        mailbox.store.deliver(letter(number), label)
    one = mailbox.connector(Reading())
    batches = await every(one, None)
    found = {message_of(message.header): message.role for message in taken(batches)}
    assert found == {
        message_id(0): FolderRole.INBOX,
        message_id(3): FolderRole.OTHER,  # TRASH is not excluded here
        message_id(6): FolderRole.OTHER,  # archived by a filter
    }
    for number, label in enumerate(("DRAFT", "SPAM", "Label_1"), 10):
        mailbox.store.deliver(letter(number), label)
    assert taken(await every(one, batches[-1].cursor)) == []
    assert "no label is called 'Nowhere' in `exclude`" in (await one.probe()).warnings


async def test_a_draft_is_read_when_it_is_sent_and_spam_when_it_is_none(server: GmailServer) -> None:
    mailbox, one = connector(server)
    draft = mailbox.store.deliver(letter(1), "DRAFT")
    spam = mailbox.store.deliver(letter(2), "SPAM")
    cursor = (await every(one, None))[-1].cursor
    mailbox.store.move(draft.id, "SENT")
    mailbox.store.move(spam.id, "INBOX")
    assert sorted(ids(taken(await every(one, cursor)))) == [message_id(1), message_id(2)]


@pytest.mark.parametrize("inline", [True, False])
async def test_calendar_parts_are_read_wherever_gmail_puts_their_bytes(server: GmailServer, inline: bool) -> None:
    server.calendar_inline = inline
    mailbox, _ = connector(server, "readonly")
    mailbox.deliver(invitation(1))
    ((event,),) = [batch.messages for batch in await polled(mailbox)]
    kinds = {part.content_type: part.payload for part in event.parts or ()}
    assert b"PARTSTAT=ACCEPTED" in (kinds["text/calendar; method=reply"] or b"")
    assert kinds["text/plain"] is None
    assert b"WRITTEN BY A PERSON" not in repr(event).encode()


async def test_a_users_own_consent_is_a_login_too(server: GmailServer) -> None:
    mailbox, _ = connector(server)
    del mailbox.settings["service_account"]
    mailbox.settings["oauth"] = server.tokens.consent(mailbox.address, {METADATA})
    mailbox.settings["token_url"] = f"{server.tokens.server.url}/token"
    mailbox.deliver(letter(1))
    one = mailbox.connector(Reading())
    assert ids(taken(await every(one, None))) == [message_id(1)]
    assert (await one.probe()).warnings == ()
    server.tokens.consents[f"{REFRESH_TOKEN}/{mailbox.address}"][1].add("https://mail.google.com/")
    (warning,) = (await one.probe()).warnings
    assert "full access" in warning
    assert "gcloud auth application-default login" in warning
    del server.tokens.consents[f"{REFRESH_TOKEN}/{mailbox.address}"]
    error = await failing(mailbox.connector(Reading()))
    assert error.reason is Reason.AUTH
    assert "invalid_grant" in str(error)
    assert "consent is gone" in error.hint


async def test_a_token_that_is_revoked_or_expired_is_renewed(server: GmailServer) -> None:
    mailbox, one = connector(server)
    cursor = (await every(one, None))[-1].cursor
    for number in range(3):
        mailbox.deliver(letter(number))
        server.tokens.revoke()
        batches = await every(one, cursor)
        assert ids(taken(batches)) == [message_id(number)]
        cursor = batches[-1].cursor


@pytest.mark.parametrize(
    ("spoil", "words", "hint"),
    [
        (lambda server, box: server.tokens.delegated.clear(), "unauthorized_client", "domainwidedelegation"),
        (lambda server, box: server.tokens.users.discard(box.address), "Invalid email", "`address`"),
    ],
)
async def test_googles_own_code_is_told_with_what_to_do(
    server: GmailServer, spoil: Callable[[GmailServer, GmailMailbox], None], words: str, hint: str
) -> None:
    mailbox, one = connector(server)
    spoil(server, mailbox)
    error = await failing(one)
    assert (error.reason, error.permanent) == (Reason.AUTH, True)
    assert words in str(error)
    assert hint in error.hint


@pytest.mark.parametrize("key", ["no JSON", '{"client_email": "x"}', '{"client_email": "x", "private_key": "no key"}'])
async def test_a_key_that_is_none_is_refused_by_name(server: GmailServer, key: str) -> None:
    error = await failing(connector(server, service_account=key)[1])
    assert (error.reason, error.permanent) == (Reason.CLIENT, True)
    assert "service_account" in str(error)


async def test_quota_refusals_are_throttling_not_failures() -> None:
    server = GmailServer()
    try:
        mailbox, one = connector(server, retry_for="0.1s")
        mailbox.deliver(letter(1))
        server.units_per_minute = 3
        error = await failing(one)
        assert error.reason is Reason.RATE_LIMITED
        assert "userratelimitexceeded" in str(error)
    finally:
        server.close()


async def test_parts_of_a_batch_that_are_refused_are_asked_for_again() -> None:
    server = GmailServer()
    try:
        mailbox, one = connector(server, retry_for="5s")
        for number in range(30):
            mailbox.deliver(letter(number))
        refused: set[str] = set()

        def fault(user: str, name: str) -> GmailAnswer | None:
            if name in refused or len(refused) >= 20:
                return None
            refused.add(name)
            return GmailAnswer(
                429, {"error": {"code": 429, "errors": [{"reason": "rateLimitExceeded"}], "message": ""}}
            )

        server.inner_fault = fault
        assert len(taken(await every(one, None))) == 30
        assert server.server.requests["POST batch"] == 2
    finally:
        server.close()


async def test_all_mailboxes_of_a_project_keep_to_its_quota_together() -> None:
    shared = project_quota("a project of this test", per_minute=6_000, user_per_minute=60_000)
    first, second = RateLimiter(60_000, shared), RateLimiter(60_000, shared)
    bucket = shared.bucket
    await first.take(600, longest=0)
    await second.take(600, longest=0)  # what may be used at once is used up
    assert bucket.take(100) == pytest.approx(1.0, abs=0.2)  # 100 units a second
    assert project_quota("a project of this test", per_minute=1, user_per_minute=1).bucket is bucket
    with pytest.raises(MailboxError) as caught:
        await first.take(6_000, longest=30)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.retry_after == pytest.approx(61, abs=0.5)
    assert bucket.take(0) == pytest.approx(1.0, abs=0.2), "what is not used is not charged"


async def test_mailboxes_that_start_at_once_spend_no_more_than_the_projects_quota() -> None:
    server = GmailServer()
    try:
        minute, mailboxes = 60_000, [
            GmailMailbox(server, units_per_minute=30_000, project_units_per_minute=60_000) for _ in range(24)
        ]  # fmt: skip
        for mailbox in mailboxes:
            for number in range(30):
                mailbox.deliver(letter(number))
        began = time.monotonic()
        connectors = [mailbox.connector(Reading()) for mailbox in mailboxes]
        results = await asyncio.gather(*[every(one, None) for one in connectors])
        assert [len(taken(batches)) for batches in results] == [30] * 24
        assert server.units.total() <= minute / 6 + (time.monotonic() - began) * minute / 60
    finally:
        server.close()


async def test_the_horizon_is_found_without_reading_what_lies_before_it() -> None:
    server = GmailServer()
    try:
        mailbox, one = connector(server)
        now = instant.now()
        for number in range(1_500):
            mailbox.deliver(letter(number), when=now - timedelta(days=number / 10))
        one = mailbox.connector(Reading(since=now - timedelta(days=30)))
        assert len(taken(await every(one, None))) == 300
        # 300 messages, a day's slack, some steps of halving: never the 1,500
        assert server.units[mailbox.address] < 20 * (300 + 10 + 15) + 50
    finally:
        server.close()


async def test_single_messages_are_read_again_by_the_refs_of_the_census(server: GmailServer) -> None:
    mailbox, one = connector(server)
    for number in range(3):
        mailbox.deliver(letter(number), sent=number == 2)
    refs = [ref async for ref, its in one.census(instant.now() - timedelta(days=1)) if its != message_id(0)]
    assert sorted(ids(await one.recover([*refs, "gone"]))) == [message_id(1), message_id(2)]


async def test_a_good_delegation_is_told_without_warnings(server: GmailServer) -> None:
    _, one = connector(server)
    server.tokens.delegated = {METADATA}
    probe = await one.probe()
    assert probe.warnings == ()
    assert dict(probe.facts)["scope"] == METADATA
    assert dict(probe.facts)["needs"] == "delegation of gmail.metadata"


async def test_a_delegation_that_can_write_or_send_is_warned_of_with_the_smaller_one(server: GmailServer) -> None:
    _, one = connector(server)
    server.tokens.delegated = {
        METADATA, "https://www.googleapis.com/auth/gmail.modify", "https://www.googleapis.com/auth/gmail.send"
    }  # fmt: skip
    (warning,) = (await one.probe()).warnings
    assert "gmail.modify, gmail.send" in warning
    assert (
        f"clientIdToAdd={CLIENT_ID}&clientScopeToAdd=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fgmail.metadata"
        in warning
    )


async def test_text_mode_needs_more_than_metadata(server: GmailServer) -> None:
    error = await failing(GmailMailbox(server).connector(Reading(Privacy.TEXT)))
    assert (error.reason, error.permanent) == (Reason.CLIENT, True)
    assert "scope: readonly" in error.hint


async def test_a_large_message_is_not_read_whole_in_text_mode(server: GmailServer) -> None:
    mailbox, _ = connector(server, "readonly")
    mailbox.deliver(letter(1) + b"x" * 3_000_000)
    ((message,),) = [batch.messages for batch in await polled(mailbox, privacy=Privacy.TEXT)]
    assert message.text is None
    assert [part.content_type for part in message.parts or ()] == ["text/plain"]


@pytest.mark.parametrize("settings", [{"oauth": "both"}, {"service_account": None}, {"gmail_url": "http://gmail.test"}])
def test_settings_that_cannot_be_right_are_refused(server: GmailServer, settings: dict[str, Any]) -> None:
    given = {name: value for name, value in (GmailMailbox(server).settings | settings).items() if value is not None}
    with pytest.raises(ValidationError):
        GmailSettings.model_validate(given)
