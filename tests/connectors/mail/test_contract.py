"""Both built-in mail connectors keep the contract, against a real Dovecot and real Maildirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxwatch.testing import ConnectorContract, Mailbox
from tests.doubles.dovecot import Dovecot
from tests.support.contract_mailboxes import DovecotMailbox, MaildirMailbox


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.start([], tls=True) as running:
        yield running


class TestImap(ConnectorContract):
    @pytest.fixture(params=["none", "tls", "starttls"])
    def mailbox(self, server: Dovecot, request: pytest.FixtureRequest) -> Mailbox:
        return DovecotMailbox(server, request.param)


class TestMaildir(ConnectorContract):
    @pytest.fixture
    def mailbox(self, tmp_path: Path) -> Mailbox:
        return MaildirMailbox(tmp_path)
