"""An outage of a mail server is one notice, however many mailboxes it takes along; other faults are a mailbox's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from tests.support.batched_daemon import BatchedDaemon, minutes

BOXES = [MailboxId(f"rep{number}") for number in range(12)]
OTHER = MailboxId("far")
REFUSED = MailboxError(Reason.UNAVAILABLE, "connection refused")


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[BatchedDaemon]:
    """Twelve mailboxes of one server and one of another; IT is the desk."""
    daemon = BatchedDaemon(tmp_path, database)
    hosts = [(name, "imap.acme.test") for name in BOXES] + [(OTHER, "imap.far.test")]
    lines = [
        f"  {name}: {{connector: imap, address: {name}@acme.test, owner: ana, host: {host}, password: x}}"
        for name, host in hosts
    ]
    text = daemon.path.read_text(encoding="utf-8")
    text = text.replace("mailboxes:\n", "mailboxes:\n" + "\n".join(lines) + "\n")
    daemon.path.write_text(text + '\nit_alerts: {notify: ["desk"]}\n', encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.restarts()
    yield daemon
    daemon.close()


def fail(daemon: BatchedDaemon, boxes: list[MailboxId], error: MailboxError = REFUSED, rounds: int = 6) -> None:
    for _ in range(rounds):
        daemon.at += minutes(1)
        for name in boxes:
            daemon.engine.failed(name, error, daemon.at)


def told(daemon: BatchedDaemon) -> list[str]:
    return [row.body["title"] for row in daemon.owed("mailbox")]


def blind(daemon: BatchedDaemon) -> set[Any]:
    with daemon.store.reading() as tx:
        return {row.id for row in tx.mailboxes.all() if row.failing_since is not None}


def test_twelve_mailboxes_of_one_server_are_one_notice_and_one_when_it_is_back(daemon: BatchedDaemon) -> None:
    fail(daemon, BOXES)
    (down,) = told(daemon)
    assert down.startswith("The mail server imap.acme.test cannot be used (unavailable): rep0, rep1")
    for name in BOXES[:-1]:
        daemon.engine.succeeded(name, daemon.at)
    assert (len(told(daemon)), blind(daemon)) == (1, {BOXES[-1]}), "it is over when the last one can be read"
    daemon.engine.succeeded(BOXES[-1], daemon.at)
    assert told(daemon)[1:] == ["The mail server imap.acme.test answers again: its mailboxes can be read."]
    fail(daemon, BOXES)
    assert len(told(daemon)) == 3, "another outage is told"


def test_one_mailbox_alone_a_wrong_password_and_another_server_are_told_by_mailbox(daemon: BatchedDaemon) -> None:
    """Counter-cases: what one mailbox has is not the server's."""
    fail(daemon, [BOXES[0], OTHER])
    assert [title.split()[:2] for title in told(daemon)] == [["Mailbox", "rep0"], ["Mailbox", "far"]]
    fail(daemon, BOXES[1:3], MailboxError(Reason.AUTH, "no", permanent=True), rounds=1)
    assert [title.split()[:2] for title in told(daemon)[2:]] == [["Mailbox", "rep1"], ["Mailbox", "rep2"]]


def test_mailboxes_that_are_noticed_later_join_the_outage_without_a_word(daemon: BatchedDaemon) -> None:
    """Idle mailboxes are read seldom: they meet the outage when it was told already."""
    fail(daemon, BOXES[:3])
    fail(daemon, BOXES)
    assert len(told(daemon)) == 1
