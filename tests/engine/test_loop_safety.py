"""Our own mail in watched mailboxes, and what strangers answer to it, starts no clock and makes no lead (rule 36)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import MailboxId
from inboxwatch.notify import NoticeType
from inboxwatch.notify.email import Email
from inboxwatch.store.records import DeliveryState
from tests.support.in_process import House
from tests.support.notices import notice

HOUR = timedelta(hours=1)
MAIL = "{type: email, host: 127.0.0.1, port: 9, security: none, sender: watch@pager.test}"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Its notices leave from an address that is not of its own domain: the harder case."""
    house = House(tmp_path)
    configure(house, house.path.read_text().replace("{type: console}", MAIL))
    house.lead("bo@buyer.test", owner="ana")
    yield house
    house.close()


def configure(house: House, text: str) -> None:
    house.path.write_text(text)
    house.config = configuration.load(house.path)
    house.engine.reload(house.config, {name: one.connect() for name, one in house.config.channels.items()})


def page(house: House, key: str = "c1/1/1/ana") -> tuple[str, str]:
    """The Message-ID and the headers of an escalation mail as it leaves."""
    channel = house.config.channels["desk"].connect()
    assert isinstance(channel, Email)
    message = channel.compose(notice(), "sales@acme.test", None, key)
    own = {"Message-ID", "From", "To", "Date", "Subject"}
    return channel.message_id(key), "\r\n".join(
        f"{name}: {value}" for name, value in message.items() if name not in own
    )


def deliver(house: House, sender: str, **how: str) -> str:
    """A message to the shared mailbox, where unknown senders become leads."""
    return house.mail(sender, "sales@acme.test", mailbox="sales", after=HOUR, **how)  # type: ignore[arg-type]  # texts


def leads(house: House) -> set[str]:
    with house.store.reading() as tx:
        return {str(lead.id) for lead in tx.leads.all()}


def waits(house: House) -> int:
    with house.store.reading() as tx:
        return len(tx.clocks.running())


def test_an_escalation_mail_that_lands_in_a_watched_mailbox_is_nobodys_message(house: House) -> None:
    message_id, extra = page(house)
    deliver(house, "watch@pager.test", extra=extra, message_id=message_id)
    deliver(house, "watch@pager.test", extra="X-Nothing: 1", message_id=message_id)
    assert (leads(house), waits(house)) == ({"bo@buyer.test"}, 0)
    with house.store.reading() as tx:
        assert tx.mail.thread_of(message_id) is None
        assert tx.mail.witnessed("sales", [message_id]) == {message_id}


def test_it_is_known_even_without_its_marks(house: House) -> None:
    """A list manager or forwarder may strip `Auto-Submitted`: the Message-ID is enough."""
    message_id, _ = page(house)
    deliver(house, "watch@pager.test", message_id=message_id)
    assert (leads(house), waits(house)) == ({"bo@buyer.test"}, 0)


def test_a_strangers_answer_to_our_own_mail_is_left_alone(house: House) -> None:
    message_id, extra = page(house)
    deliver(house, "watch@pager.test", extra=extra, message_id=message_id)
    deliver(house, "ana.at.home@gmail.test", parent=message_id, subject="Re: Reply owed to Bo")
    deliver(house, "ben.at.home@gmail.test", extra=f"References: <x@y.test> <{message_id}>")
    assert (leads(house), waits(house)) == ({"bo@buyer.test"}, 0)


def test_a_strangers_first_mail_is_not(house: House) -> None:
    deliver(house, "new@stranger.test")
    assert (leads(house), waits(house)) == ({"bo@buyer.test", "new@stranger.test"}, 1)


def test_a_buyer_is_heard_whatever_he_answers(house: House) -> None:
    """An escalation that somebody forwarded: the buyer's own words must not be lost for what they refer to."""
    message_id, _ = page(house)
    deliver(house, "bo@buyer.test", parent=message_id)
    assert waits(house) == 1


def test_an_answer_that_quotes_us_further_up_is_heard(house: House) -> None:
    message_id, _ = page(house)
    deliver(house, "new@stranger.test", extra=f"References: <{message_id}> <x@y.test>")
    assert "new@stranger.test" in leads(house)


def test_mail_sent_under_an_older_config_is_known_by_the_outbox(house: House) -> None:
    """The sender has changed since: only the reference of what was sent remains."""
    message_id, _ = page(house)
    with house.store.transaction() as tx:
        rows = house.engine.rules.notices.notice(NoticeType.DIGEST, "x", ["ana"], house.at, title="x")
        tx.deliveries.owe(rows)
        tx.deliveries.settle(
            [row.id for row in tx.deliveries.claim("desk", house.at, HOUR)],
            DeliveryState.SENT,
            house.at,
            reference=message_id,
        )
    configure(house, house.path.read_text().replace("watch@pager.test", "watch@other.test"))
    deliver(house, "ana.at.home@gmail.test", parent=message_id)
    assert (leads(house), waits(house)) == ({"bo@buyer.test"}, 0)


def test_a_made_up_id_of_our_form_deceives_nobody(house: House) -> None:
    forged = f"inboxwatch.{'a' * 40}@evil.test"
    deliver(house, "new@stranger.test", parent=forged)
    deliver(house, "other@elsewhere.test", message_id=forged.replace("a", "b", 1))
    assert leads(house) == {"bo@buyer.test", "new@stranger.test", "other@elsewhere.test"}


def test_a_vacation_reply_of_ours_to_a_page_still_says_who_is_away(house: House) -> None:
    message_id, _ = page(house)
    house.mail(
        "ana@acme.test",
        "watch@pager.test",
        parent=message_id,
        subject="Out of office: Reply owed to Bo",
        extra="Auto-Submitted: auto-replied\r\nX-Autoreply: yes",
    )
    with house.store.reading() as tx:
        assert list(tx.absences.at(house.at)) == ["ana"]
    assert house.config.mailboxes[MailboxId("ana")].owner == "ana"
