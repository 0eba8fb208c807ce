"""A Dovecot, the team's mailboxes on it or in Maildirs, and what a webhook was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.dovecot import Dovecot
from tests.doubles.webhook_sink import Sink
from tests.support.team_mail import ANA, MAX, ImapPeer, MaildirPeer, Peer


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server with the mailbox `ana` for the tests of a module."""
    with Dovecot.start(["ana"]) as server:
        yield server


@pytest.fixture(params=["imap", "maildir"])
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Peer:
    if request.param == "imap":
        return ImapPeer(request.getfixturevalue("dovecot"), [ANA, MAX])
    return MaildirPeer(tmp_path / "mail", [ANA, MAX])


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink
