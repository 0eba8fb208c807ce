"""The EWS connector keeps the contract against a double of Exchange Server with NTLM, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inboxwatch.testing import ConnectorContract, Mailbox
from tests.api_mailboxes import EwsMailbox
from tests.doubles.ews import Ews as EwsServer


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
        return EwsMailbox(server, auth="ntlm")
