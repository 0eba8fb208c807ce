"""Our own mail in watched mailboxes, and what strangers answer to it, starts no clock and makes no lead (rule 36)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import MailboxId, MessageId
from inboxwatch.notify import NoticeType
from inboxwatch.notify.email import Email
from inboxwatch.store.records import DeliveryState
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.notices import notice

HOUR = timedelta(hours=1)
MAIL = "{type: email, host: 127.0.0.1, port: 9, security: none, sender: watch@pager.test}"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """Its notices leave from an address that is not of its own domain: the harder case."""
    daemon = InProcessDaemon(tmp_path)
    configure(daemon, daemon.path.read_text().replace("{type: console}", MAIL))
    daemon.lead("bo@buyer.test", owner="ana")
    yield daemon
    daemon.close()


def configure(daemon: InProcessDaemon, text: str) -> None:
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()})


def page(daemon: InProcessDaemon, key: str = "c1/1/1/ana") -> tuple[str, str]:
    """The Message-ID and the headers of an escalation mail as it leaves."""
    channel = daemon.config.channels["desk"].connect()
    assert isinstance(channel, Email)
    message = message_from_bytes(channel.compose(notice(), "sales@acme.test", None, key))
    own = {"Message-ID", "From", "To", "Date", "Subject"}
    return channel.message_id(key), "\r\n".join(
        f"{name}: {value}" for name, value in message.items() if name not in own
    )


def deliver(daemon: InProcessDaemon, sender: str, **how: Any) -> str:
    """A message to the shared mailbox, where unknown senders become leads."""
    return daemon.mail(sender, "sales@acme.test", mailbox="sales", after=HOUR, **how)


def leads(daemon: InProcessDaemon) -> set[str]:
    with daemon.store.reading() as tx:
        return {str(lead.id) for lead in tx.leads.all()}


def waits(daemon: InProcessDaemon) -> int:
    with daemon.store.reading() as tx:
        return len(tx.clocks.running())


def test_an_escalation_mail_that_lands_in_a_watched_mailbox_is_nobodys_message(daemon: InProcessDaemon) -> None:
    message_id, extra = page(daemon)
    deliver(daemon, "watch@pager.test", extra=extra, message_id=message_id)
    deliver(daemon, "watch@pager.test", extra="X-Nothing: 1", message_id=message_id)
    assert (leads(daemon), waits(daemon)) == ({"bo@buyer.test"}, 0)
    with daemon.store.reading() as tx:
        assert tx.mail.thread_of(message_id) is None
        assert tx.unfiled.read([MessageId(message_id)], "sales") == {message_id}


def test_it_is_known_even_without_its_marks(daemon: InProcessDaemon) -> None:
    """A list manager or forwarder may strip `Auto-Submitted`: the Message-ID is enough."""
    message_id, _ = page(daemon)
    deliver(daemon, "watch@pager.test", message_id=message_id)
    assert (leads(daemon), waits(daemon)) == ({"bo@buyer.test"}, 0)


def test_a_strangers_answer_to_our_own_mail_is_left_alone(daemon: InProcessDaemon) -> None:
    message_id, extra = page(daemon)
    deliver(daemon, "watch@pager.test", extra=extra, message_id=message_id)
    deliver(daemon, "ana.at.home@gmail.test", parent=message_id, subject="Re: Reply owed to Bo")
    deliver(daemon, "ben.at.home@gmail.test", extra=f"References: <x@y.test> <{message_id}>")
    assert (leads(daemon), waits(daemon)) == ({"bo@buyer.test"}, 0)


def test_a_strangers_first_mail_is_not(daemon: InProcessDaemon) -> None:
    deliver(daemon, "new@stranger.test")
    assert (leads(daemon), waits(daemon)) == ({"bo@buyer.test", "new@stranger.test"}, 1)


def test_a_buyer_is_heard_whatever_he_answers(daemon: InProcessDaemon) -> None:
    """An escalation that somebody forwarded: the buyer's own words must not be lost for what they refer to."""
    message_id, _ = page(daemon)
    deliver(daemon, "bo@buyer.test", parent=message_id)
    assert waits(daemon) == 1


def test_an_answer_that_quotes_us_further_up_is_heard(daemon: InProcessDaemon) -> None:
    message_id, _ = page(daemon)
    deliver(daemon, "new@stranger.test", extra=f"References: <{message_id}> <x@y.test>")
    assert "new@stranger.test" in leads(daemon)


def test_mail_sent_under_an_older_config_is_known_by_the_outbox(daemon: InProcessDaemon) -> None:
    """The sender has changed since: only the reference of what was sent remains."""
    message_id, _ = page(daemon)
    with daemon.store.transaction() as tx:
        rows = daemon.engine.rules.notices.notice(NoticeType.DIGEST, "x", ["ana"], daemon.at, title="x")
        tx.deliveries.enqueue(rows)
        tx.deliveries.settle(
            [row.id for row in tx.deliveries.claim("desk", daemon.at, HOUR)],
            DeliveryState.SENT,
            daemon.at,
            reference=message_id,
        )
    configure(daemon, daemon.path.read_text().replace("watch@pager.test", "watch@other.test"))
    deliver(daemon, "ana.at.home@gmail.test", parent=message_id)
    assert (leads(daemon), waits(daemon)) == ({"bo@buyer.test"}, 0)


def test_a_made_up_id_of_our_form_deceives_nobody(daemon: InProcessDaemon) -> None:
    forged = f"inboxwatch.{'a' * 40}@evil.test"
    deliver(daemon, "new@stranger.test", parent=forged)
    deliver(daemon, "other@elsewhere.test", message_id=forged.replace("a", "b", 1))
    assert leads(daemon) == {"bo@buyer.test", "new@stranger.test", "other@elsewhere.test"}


def test_a_vacation_reply_of_ours_to_a_page_still_says_who_is_away(daemon: InProcessDaemon) -> None:
    message_id, _ = page(daemon)
    daemon.mail(
        "ana@acme.test",
        "watch@pager.test",
        parent=message_id,
        subject="Out of office: Reply owed to Bo",
        extra="Auto-Submitted: auto-replied\r\nX-Autoreply: yes",
    )
    with daemon.store.reading() as tx:
        assert list(tx.absences.at(daemon.at)) == ["ana"]
    assert daemon.config.mailboxes[MailboxId("ana")].owner == "ana"
