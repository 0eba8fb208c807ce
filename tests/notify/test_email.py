"""The e-mail channel against a real SMTP server (aiosmtpd): what the mail says, how it threads, what failures mean."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from pydantic import ValidationError

from inboxwatch.notify import ChannelError, NoticeType, Recipient
from inboxwatch.notify.actions import Actions
from inboxwatch.notify.email import Email, EmailSettings
from inboxwatch.notify.links import Links
from tests.doubles.smtp_sink import SmtpSink, smtp_sink
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, MAX, clock, notice

KEY = b"sixteen bytes and some more"


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as sink:
        yield sink


def channel(sink: SmtpSink, **settings: Any) -> Email:
    base = {"host": "127.0.0.1", "port": sink.port, "security": "none", "sender": "inboxwatch@acme.test"}
    return Email(EmailSettings.model_validate({**base, **settings}), "mail")


async def sent(sink: SmtpSink, *args: Any, person: Recipient | None = ANA, **kwargs: Any) -> EmailMessage:
    what = args[0] if args else notice()
    await channel(sink).send(what, "ana@acme.test", person, kwargs.pop("key", "k1"), **kwargs)
    return sink.mails[-1]


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def refused(sink: SmtpSink, what: str, answer: str) -> ChannelError:
    getattr(sink, what).append(answer)
    with pytest.raises(ChannelError) as caught:
        await channel(sink).send(notice(), "ana@acme.test", ANA, "k1")
    return caught.value


async def test_the_mail_says_in_plain_text_and_html_who_waits_and_what_is_next(sink: SmtpSink) -> None:
    mail = await sent(sink)
    assert mail["Subject"] == "Reply owed to Bo Buyer (Buyer Ltd): Offer for 40 seats"
    assert mail["To"] == "Ana Diaz <ana@acme.test>"
    assert mail["From"] == "inboxwatch <inboxwatch@acme.test>"
    assert mail["Importance"] == "high"
    for body in parts(mail):
        assert "Bo Buyer (Buyer Ltd) has waited 1 h 05 min for Ana Diaz: overdue by 5 min" in body
        assert "Tue 3 Nov 10:00 GMT" in body
        assert "http://127.0.0.1:9842/clocks/c1" in body
    assert sink.recipients == [["ana@acme.test"]]


async def test_no_robot_answers_it_and_it_is_seven_bit(sink: SmtpSink) -> None:
    mail = await sent(sink, notice(clock(lead_name="Zoë Straße")))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Precedence"] == "bulk"
    assert abs(mail["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    assert max(sink.raw[0]) < 128
    assert "Zoë Straße" in parts(mail)[1]


async def test_a_retry_bears_the_same_message_id_and_another_key_another_one(sink: SmtpSink) -> None:
    first, again, other = await sent(sink), await sent(sink), await sent(sink, key="k2")
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["Message-ID"].endswith("@acme.test>")
    receipt = await channel(sink).send(notice(), "ana@acme.test", ANA, "k1")
    assert f"<{receipt.reference}>" == first["Message-ID"]


async def test_what_is_told_of_one_wait_is_one_thread(sink: SmtpSink) -> None:
    first = await sent(sink, notice(clock(reason="warning")))
    before = first["Message-ID"].strip("<>")
    repeat = await sent(sink, notice(), key="k2", earlier=before)
    resolved = await sent(sink, notice(clock(**ANSWERED), kind=NoticeType.RESOLVED), key="k3", earlier=before)
    other = await sent(sink, notice(thread_key="c2"), key="k4")
    root = first["References"]
    assert "In-Reply-To" not in first
    for mail in (repeat, resolved):
        assert mail["In-Reply-To"] == first["Message-ID"]
        assert mail["References"] == f"{root} {first['Message-ID']}"
        assert mail["Subject"] == f"Re: {first['Subject']}"
    assert other["References"] != root


async def test_a_reference_that_is_no_message_id_makes_no_header(sink: SmtpSink) -> None:
    mail = await sent(sink, notice(thread_key=""), earlier="x>\r\nBcc: victim@buyer.test")
    assert "In-Reply-To" not in mail
    assert "Bcc" not in mail


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_is_shown_as_text_and_adds_no_header_or_recipient(sink: SmtpSink, text: str) -> None:
    fields = {"lead_name": text, "company": text, "subject": text, "tier": text, "lead": text}
    reader = Recipient("ana", text, "ana@acme.test")
    mail = await sent(sink, notice(clock(**fields), error=text, thread_key=text), person=reader, key=text)
    expected = {"From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "Precedence"}
    expected |= {"X-Auto-Response-Suppress", "Importance", "MIME-Version", "Content-Type"}
    assert set(mail.keys()) == expected
    assert sink.recipients == [["ana@acme.test"]]
    assert len(mail["To"].addresses) == 1
    assert_harmless(mail["Subject"])
    assert len(mail["Subject"]) <= 160
    assert len(sink.raw[0]) < 40_000
    plain, html = parts(mail)
    assert_harmless(plain, lines=True)
    assert_harmless(html, lines=True)
    for tag in ("<script", "<img", 'onmouseover="'):
        assert tag not in html


async def test_one_click_links_are_in_both_bodies_for_the_person_only(sink: SmtpSink) -> None:
    links = Links(KEY, "https://watch.acme.test")
    mail = channel(sink)
    await mail.start(cast("Actions", None), links)
    await mail.send(notice(), "ana@acme.test", ANA, "k1")
    await mail.send(notice(), "it@acme.test", None, "k2")
    for body in parts(sink.mails[0]):
        assert "I have it" in body
        token = body.split("https://watch.acme.test/a/")[1].split()[0].split('"')[0]
        grant = links.verify(token, datetime.now(UTC))
        assert (grant.clock, grant.action, grant.person) == ("c1", "acknowledge", "ana")
    for body in parts(sink.mails[1]):
        assert "/a/" not in body


async def test_temporary_refusals_may_be_tried_again_and_permanent_ones_may_not(sink: SmtpSink) -> None:
    busy = await refused(sink, "data_answers", "451 4.3.0 try again later")
    assert not busy.permanent
    assert "451 4.3.0 try again later" in str(busy)
    assert not (await refused(sink, "rcpt_answers", "450 4.2.1 greylisted")).permanent
    unknown = await refused(sink, "rcpt_answers", "550 5.1.1 <ana@acme.test> no such user")
    assert unknown.permanent
    assert "550 5.1.1" in str(unknown)
    assert "ana@acme.test" not in str(unknown)
    assert (await refused(sink, "data_answers", "554 5.7.1 looks like spam")).permanent
    assert sink.mails == []


async def test_a_connection_cut_before_the_answer_may_be_tried_again_under_the_same_id(sink: SmtpSink) -> None:
    assert not (await refused(sink, "data_answers", "cut")).permanent
    assert not (await refused(sink, "data_answers", "keep and cut")).permanent
    await sent(sink)
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1


async def test_a_server_that_is_silent_or_gone_may_be_tried_again(sink: SmtpSink) -> None:
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    for _ in range(2):
        with pytest.raises(ChannelError) as caught:
            await channel(sink, port=port, timeout="1s").send(notice(), "ana@acme.test", ANA, "k1")
        assert not caught.value.permanent
        silent.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_goes_over_tls_to_a_server_whose_certificate_is_trusted(
    authority: trustme.CA, tmp_path: Path, security: str
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with smtp_sink(tls=server_tls(authority), starttls=security == "starttls") as sink:
        trusting = channel(sink, security=security, ca_file=str(tmp_path / "ca.pem"))
        await trusting.send(notice(), "ana@acme.test", ANA, "k1")
        assert len(sink.mails) == 1
        with pytest.raises(ChannelError, match=r"(?i)certificate"):
            await channel(sink, security=security).send(notice(), "ana@acme.test", ANA, "k1")
        assert len(sink.mails) == 1


async def test_a_certificate_of_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with smtp_sink(tls=server_tls(authority, "other.test")) as sink:
        with pytest.raises(ChannelError, match=r"(?i)certificate"):
            await channel(sink, security="tls", ca_file=str(tmp_path / "ca.pem")).probe()


async def test_starttls_is_never_skipped_where_the_server_does_not_offer_it(sink: SmtpSink) -> None:
    with pytest.raises(ChannelError, match="STARTTLS"):
        await channel(sink, security="starttls").send(notice(), "ana@acme.test", ANA, "k1")
    assert sink.mails == []


async def test_the_login_is_used_and_a_wrong_password_is_permanent_and_not_printed() -> None:
    async with smtp_sink(auth=True) as sink:
        await channel(sink, username="watch", password="right").send(notice(), "ana@acme.test", ANA, "k1")
        assert sink.logins == [("watch", "right")]
        assert "logged in" in await channel(sink, username="watch", password="right").probe()
        wrong = channel(sink, username="watch", password="wr0ng-password")
        with pytest.raises(ChannelError, match="535") as caught:
            await wrong.send(notice(), "ana@acme.test", ANA, "k1")
        assert caught.value.permanent
        assert "wr0ng" not in str(caught.value)
    assert len(sink.mails) == 1


@pytest.mark.parametrize("written", ["max@m\u00fcller.test", "max@xn--mller-kva.test"])
async def test_an_address_is_reached_in_either_spelling_of_its_domain(sink: SmtpSink, written: str) -> None:
    mail = channel(sink)
    max_ode = Recipient("max", "Max Ode", written)
    assert mail.reaches(max_ode) == "max@xn--mller-kva.test"
    assert mail.accepts(written) is None
    await mail.send(notice(), written, max_ode, "k1")
    assert sink.recipients == [["max@xn--mller-kva.test"]]
    await mail.aclose()


async def test_people_and_destinations_without_a_sendable_address_are_told_early(sink: SmtpSink) -> None:
    mail = channel(sink)
    assert mail.reaches(MAX) == "max@acme.test"
    assert mail.reaches(Recipient("x", "X", "")) is None
    assert mail.accepts("it@acme.test") is None
    for wrong in ("", "it", "it@", "a@b@c", "it@acme.test\r\nDATA", "<it@acme.test>", "ä@acme.test", "a b@acme.test"):
        assert mail.accepts(wrong)
        with pytest.raises(ChannelError) as caught:
            await mail.send(notice(), wrong, None, "k1")
        assert caught.value.permanent
    assert sink.mails == []
    await mail.aclose()


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"host": "mail.acme.test", "security": "none"}, "loopback"),
        ({"username": "watch"}, "username and password"),
        ({"sender": "nobody"}, "no mail address"),
        ({"sender": "a@acme.test\r\nBcc: b@acme.test"}, "must be one line"),
        ({"reply_to": "nobody"}, "no mail address"),
        ({"timeout": "0s"}, "wall time"),
        ({"port": 70000}, "port"),
        ({"hots": "x"}, "hots"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], problem: str) -> None:
    base = {"host": "127.0.0.1", "security": "none", "sender": "inboxwatch@acme.test"}
    with pytest.raises(ValidationError, match=problem):
        EmailSettings.model_validate({**base, **wrong})
