"""What a stranger writes never becomes a header or a body of our own mail, whatever the notice and however encoded."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from inboxwatch.core.mail.headers import unfolded
from inboxwatch.notify import Notice, NoticeType, Recipient, ReportPages
from inboxwatch.notify.email import Email, EmailSettings
from inboxwatch.notify.mail_headers import NotOurs, mailbox, text, written
from inboxwatch.notify.text import clean
from tests.support.hostile_texts import HOSTILE
from tests.support.notices import ANA, ANSWERED, LOST, clock, lost, notice, of_people

FIELDS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "Precedence",
    "MIME-Version", "Content-Type",
}  # fmt: skip
OPTIONAL = {"References", "In-Reply-To", "Importance", "Reply-To"}
SHAPE = ["multipart/alternative", "text/plain", "text/html"]
WORDS = "\r\nReply-To: mallory@evil.test\r\n\r\nSign in at http://evil.test"


def b(value: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(value.encode()).decode()}?="


def q(value: str) -> str:
    return "=?utf-8?q?" + "".join(f"={one:02X}" for one in value.encode()) + "?="


def read(value: str) -> str:
    """A header as our own reader gives it to everything behind it: decoded once."""
    return unfolded(value.encode())


ENCODED = {
    "once": read(b(WORDS)),
    "twice": read(q(b(WORDS))),
    "twice the other way": read(b(q(WORDS))),
    "three times": read(q(q(b(WORDS)))),
    "in two words": read(f"{q(b(WORDS)[:20])} {q(b(WORDS)[20:])}"),
    "with a language": read(q(b(WORDS).replace("utf-8", "utf-8*en"))),
    "another charset": read(q("=?iso-2022-jp?b?Gw0KWDogeQ==?=")),
    "never closed": "=?utf-8?b?" + "A" * 200,
    "plain": WORDS,
}
TEXTS = HOSTILE | ENCODED


def notices(hostile: str) -> Iterator[Notice]:
    """Every type of notice, with the text wherever a stranger can put one."""
    fields: dict[str, Any] = dict.fromkeys(("lead_name", "company", "subject", "tier", "lead"), hostile)
    one = clock(**fields)
    yield notice(one, thread_key=hostile, error=hostile)
    yield notice(one, clock(**fields, id="c2"))
    yield notice(clock(**{**fields, **ANSWERED, "answered_by": hostile}), kind=NoticeType.RESOLVED)
    for kind in (NoticeType.ASSIGNED, NoticeType.UNASSIGNED, NoticeType.COPY):
        yield notice(one, kind=kind)
    yield lost(replace(LOST, lead_name=hostile, company=hostile, subject=hostile, tier=hostile))
    yield notice(one, kind=NoticeType.DIGEST, title=hostile)
    yield of_people(error=hostile, mailbox=hostile)
    page = clean(hostile)
    yield notice(kind=NoticeType.REPORT, report=ReportPages(page, page, page, "report.html", page))


def sent(one: Notice, person: Recipient | None, earlier: str | None = None) -> bytes:
    settings = {"host": "127.0.0.1", "port": 1, "security": "none", "sender": "inboxwatch@acme.test"}
    channel = Email(EmailSettings.model_validate(settings), "mail")
    return channel.compose(one, "ana@acme.test", person, "key", earlier)


def test_every_type_of_notice_is_tried() -> None:
    assert {one.type for one in notices("x")} == set(NoticeType)


@pytest.mark.parametrize("name", TEXTS)
def test_our_mail_has_exactly_our_fields_for_every_type_of_notice(name: str) -> None:
    hostile = TEXTS[name]
    for one in notices(hostile):
        raw = sent(one, Recipient("ana", hostile, "ana@acme.test"), hostile if name == "smtp" else None)
        for rules in (policy.default, policy.compat32):
            mail = message_from_bytes(raw, policy=rules)
            assert FIELDS <= set(mail.keys()) <= FIELDS | OPTIONAL
            assert len(mail.keys()) == len(set(mail.keys()))
            shapes = [part.get_content_type() for part in mail.walk()]
            assert shapes == (SHAPE if one.report is None else ["multipart/mixed", *SHAPE, "text/html"])
        head, _, _ = raw.partition(b"\r\n\r\n")
        assert not any(line and line[:1] not in b" \t" and b":" not in line for line in head.split(b"\r\n"))


@pytest.mark.parametrize("name", ["twice", "three times", "in two words", "never closed"])
def test_a_text_that_looks_encoded_is_shown_as_it_was_given(name: str) -> None:
    assert "=?" in ENCODED[name]
    folded = text(ENCODED[name])
    assert unfolded(folded.encode()) == ENCODED[name]
    assert not any("=?utf-8?q" in line for line in folded.splitlines())


@pytest.mark.parametrize(
    "name", ["Zoë Straße", "Bo, of Buyer <x@y.test>", 'a "b" c', "=?utf-8?q?x?=", "W" * 300, "日本" * 60]
)
def test_a_name_stays_a_name(name: str) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content("x")
    raw = written(mail, [("To", mailbox(name, "ana@acme.test"))])
    to = message_from_bytes(raw, policy=policy.default)["To"]
    assert [one.addr_spec for one in to.addresses] == ["ana@acme.test"]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_mail_that_would_have_another_field_is_not_written() -> None:
    for value in ("x\r\nBcc: victim@buyer.test", "x\r\n\r\nbody", "x\nBcc: a@b.test"):
        mail = EmailMessage(policy=policy.SMTP)
        mail.set_content("x")
        with pytest.raises(NotOurs):
            written(mail, [("Subject", value)])


def test_a_mail_without_a_stranger_in_it_reads_as_before() -> None:
    mail = message_from_bytes(sent(notice(), ANA), policy=policy.default)
    assert mail["Subject"] == "Reply owed to Bo Buyer (Buyer Ltd): Offer for 40 seats"
    assert mail["To"] == "Ana Diaz <ana@acme.test>"
