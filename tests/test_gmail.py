"""The Gmail connector keeps the contract against a double that Google's own description checks, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inboxwatch.testing import ConnectorContract, Mailbox, bounce, ids, invitation, letter, polled, taken
from tests.api_mailboxes import GmailMailbox
from tests.doubles.gmail import Gmail as GmailServer


@pytest.fixture(scope="module")
def server() -> Iterator[GmailServer]:
    running = GmailServer()
    yield running
    running.close()


class TestGmailReadonly(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GmailServer) -> Mailbox:
        return GmailMailbox(server, "readonly")


class TestGmailMetadata(ConnectorContract):
    @pytest.fixture
    def mailbox(self, server: GmailServer, request: pytest.FixtureRequest) -> Mailbox:
        whole = "privacy_mode_text" in request.node.name or "nothing_in_the_mailbox" in request.node.name
        return GmailMailbox(server, "readonly" if whole else "metadata")

    async def test_what_machines_wrote_is_read_and_what_people_wrote_is_not(self, mailbox: Mailbox) -> None:
        """gmail.metadata knows headers only: no part is seen."""
        for raw in (bounce(1), invitation(2), letter(3)):
            mailbox.deliver(raw)
        report, event, human = sorted(taken(await polled(mailbox)), key=lambda one: ids([one]))
        assert [report.parts, event.parts, human.parts] == [None] * 3
        assert b"report-type=delivery-status" in report.header
        assert b"WRITTEN BY A PERSON" not in repr((report, event, human)).encode()
