"""The Graph connector keeps the contract against a double of Exchange Online over real HTTPS, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inboxwatch.testing import ConnectorContract, Mailbox, bounce, ids, invitation, letter, polled, taken
from tests.api_mailboxes import GraphMailbox
from tests.doubles.graph import Graph as GraphServer


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
