"""A Dovecot, the team's mailboxes on it or in Maildirs, and what a webhook was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.dovecot import Dovecot
from tests.doubles.webhook_sink import WebhookSink
from tests.support.team_mail import ANA, MAX, ImapTeamMail, MaildirTeamMail, TeamMail


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server with the mailbox `ana` for the tests of a module."""
    with Dovecot.start(["ana"]) as server:
        yield server


@pytest.fixture(params=["imap", "maildir"])
def team_mail(request: pytest.FixtureRequest, tmp_path: Path) -> TeamMail:
    if request.param == "imap":
        return ImapTeamMail(request.getfixturevalue("dovecot"), [ANA, MAX])
    return MaildirTeamMail(tmp_path / "mail", [ANA, MAX])


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as sink:
        yield sink
