"""What mail systems give back, and what people write of deliveries."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Kind, Part
from inboxwatch.mime import machine_parts, text_of
from tests.support.messages import mail, ours, take

ASKS = "Hello Ana,\n\nwhat does the small press cost?\n\nBea"


def kind(extra: str = "", **more: object) -> Kind:
    return classify(mail("m1", extra=extra, **more)).kind  # type: ignore[arg-type]  # the builder's own arguments


@pytest.mark.parametrize(
    "subject",
    [
        "Delivery failed: pallet 12",
        "Failed delivery of our order",
        "Cannot deliver before Easter?",
        "Invalid address on the invoice",
        "Mailbox full of weeds: garden service",
        "Devolução de peças",
        "Recapito per la consegna",
        "返送のお願い",
        "Returned message board, please quote",
        "Returned mail order goods",
        "Unknown user in our account",
    ],
)
@pytest.mark.parametrize("extra", ["", "Return-Path: <bea@buyer.test>"])
def test_goods_that_were_not_delivered_are_no_bounce(subject: str, extra: str) -> None:
    assert kind(extra, subject=subject) is Kind.HUMAN
    assert kind(extra, subject=subject, sender="bea@buyer.test", text=ASKS) is Kind.HUMAN


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Undeliverable goods", "Your parcel came back as undeliverable. What now?", Kind.HUMAN),
        ("Delivery failed - parcel 12", "The carrier says that delivery failed. Please send it again.", Kind.HUMAN),
        ("Unzustellbar", "Die Palette war unzustellbar und steht im Lager. Wann holen Sie sie ab?", Kind.HUMAN),
        ("Undeliverable goods", "Your message to cy@far.test was undeliverable.", Kind.BOUNCE),
        ("Delivery failed", "Delivery failed: 550 5.1.1 user unknown", Kind.BOUNCE),
        ("Unzustellbar", "Ihre Nachricht an den Empfänger war unzustellbar.", Kind.BOUNCE),
    ],
)
def test_a_text_gives_back_mail_where_it_tells_of_mail(subject: str, text: str, expected: Kind) -> None:
    assert kind(subject=subject, sender="bea@buyer.test", text=text) is expected


@pytest.mark.parametrize(
    ("subject", "sender", "extra"),
    [
        ("Delivery failed: pallet 12", "postmaster@buyer.test", ""),
        ("Delivery failed: pallet 12", "bea@buyer.test", "Return-Path: <>"),
        ("Delivery problem", "System Administrator <postmaster@buyer.test>", ""),
        ("Undeliverable: Prices", "mx@buyer.test", ""),
        ("Nicht zugestellt", "mx@buyer.test", "Auto-Submitted: auto-generated"),
        ("Prices", "System Administrator <mx@buyer.test>", "Return-Path: <>"),
        ("Non remis : Prix", "mx@buyer.test", ""),
        ("No se puede entregar: Precio", "mx@buyer.test", ""),
    ],
)
def test_a_mail_system_stays_one(subject: str, sender: str, extra: str) -> None:
    assert kind(extra, subject=subject, sender=sender) is Kind.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        "Não é possível entregar: Preços",
        "Ikke leverbar: Priser",
        "Niedostarczalne: Ceny",
        "Не удается доставить: Цены",
        "Ei toimitettavissa: Hinnat",
        "Nelivrabil: Prețuri",
        "传递失败: 价格",
        "배달되지 않음: 가격",
    ],
)
def test_a_postmaster_gives_back_in_many_languages_and_others_write_of_goods(subject: str) -> None:
    assert kind(subject=subject, sender="postmaster@buyer.test") is Kind.BOUNCE
    assert kind("Return-Path: <>", subject=subject) is Kind.BOUNCE
    assert kind(subject=subject) is Kind.HUMAN


def test_a_new_subject_about_a_delivery_reopens_no_answered_wait() -> None:
    found = take(
        mail("b0", 0),
        ours("a0", 30, answers="b0", subject="Re: Prices"),
        mail("b1", 60, answers="a0", subject="Delivery problem with the press"),
    )
    assert found["b1"].verdict.kind is Kind.HUMAN


RETURNED = b"Message-ID: <a1>\nFrom: Ana <ana@acme.test>\nTo: bea@buyer.test\nSubject: Prices\n"


@pytest.mark.parametrize(
    ("sender", "extra", "text", "expected"),
    [
        ("no-reply@cell.test", "Return-Path: <>", "The box has no room.", Kind.BOUNCE),
        ("no-reply@cell.test", "", "Your message could not be delivered.", Kind.BOUNCE),
        ("Bea Buyer <bea@buyer.test>", "Return-Path: <bea@buyer.test>", "Is this offer still valid?", Kind.HUMAN),
        ("no-reply@cell.test", "", "See the attached message.", Kind.BULK),
    ],
)
def test_our_own_message_given_back_by_a_program(sender: str, extra: str, text: str, expected: Kind) -> None:
    parts = (Part("text/plain", 10), Part("message/rfc822", 90, RETURNED))
    verdict = classify(mail("m1", sender=sender, extra=extra, text=text, parts=parts, subject="Note"))
    assert verdict.kind is expected
    if expected is Kind.BOUNCE:
        assert verdict.delivery is not None
        assert verdict.delivery.of == "a1"


@pytest.mark.parametrize(
    ("sender", "submitted", "subject", "disposition", "expected"),
    [
        ("postmaster@buyer.test", "auto-replied (rejected)", "Rejected: Prices", b"automatic", Kind.BOUNCE),
        ("postmaster@buyer.test", "auto-replied", "Automatically rejected mail", b"automatic", Kind.BOUNCE),
        ("bea@buyer.test", "auto-replied", "Not read: Prices", b"automatic", Kind.RECEIPT),
    ],
)
def test_a_refusal_dressed_as_a_receipt(
    sender: str, submitted: str, subject: str, disposition: bytes, expected: Kind
) -> None:
    told = (
        b"Final-Recipient: rfc822; bea@buyer.test\nOriginal-Message-ID: <a1>\n"
        b"Disposition: " + disposition + b"-action/MDN-sent-automatically; deleted\n"
    )
    extra = (
        f"Auto-Submitted: {submitted}\nContent-Type: multipart/report; report-type=disposition-notification\n"
        "Return-Path: <>"
    )
    parts = (Part("text/plain", 9), Part("message/disposition-notification", 99, told))
    verdict = classify(mail("m1", sender=sender, subject=subject, extra=extra, parts=parts))
    assert verdict.kind is expected
    if expected is Kind.BOUNCE:
        assert verdict.delivery is not None
        assert (verdict.delivery.action, verdict.delivery.of) == ("failed", "a1")
        assert verdict.delivery.recipients == {"bea@buyer.test"}


def test_parts_whose_boundary_lost_its_leading_space_are_found() -> None:
    raw = (
        b'From: postmaster@cell.test\nContent-Type: multipart/mixed; boundary="u1"\n\n--u1\n'
        b'Content-Type: multipart/alternative;\nboundary="u2"\n\n--u2\nContent-Type: text/plain\n\n'
        b"550 - unknown recipient\n--u2--\n--u1--\n"
    )
    assert "unknown recipient" in text_of(raw)
    assert [part.content_type for part in machine_parts(raw)] == ["text/plain"]


def test_a_boundary_that_is_missing_is_read_off_the_parts() -> None:
    head = b"From: bea@buyer.test\nContent-Type: multipart/mixed\n\n"
    body = b"--u1\nContent-Type: text/plain\n\nWhat does it cost?\n--u1\nContent-Type: text/html\n\n<p>x</p>\n--u1--\n"
    assert [part.content_type for part in machine_parts(head + body)] == ["text/plain", "text/html"]
    assert text_of(head + body).strip() == "What does it cost?"
    signed = b"From: bea@buyer.test\n\nHello\n--Bea\nContent-Type is a header\n"
    assert text_of(signed) == "Hello\n--Bea\nContent-Type is a header\n"


def test_a_program_s_words_alone_give_a_message_back() -> None:
    said = "Your message could not be delivered to bea@buyer.test: the address was not found."
    program = "Mail Filter <no-reply@filter.test>"
    assert kind("Return-Path: <>", sender=program, text=said) is Kind.BOUNCE
    assert kind("Return-Path: <no-reply@filter.test>", sender=program, text=said) is Kind.BULK
    assert kind("Return-Path: <>", text=said) is Kind.HUMAN
    assert kind(text=said) is Kind.HUMAN


@pytest.mark.parametrize("sender", ["postmaster@mx.test", "post_master@mx.test", "post.master@mx.test"])
def test_a_postmaster_is_written_in_three_ways(sender: str) -> None:
    assert classify(mail("m1", sender=sender, subject="Prices", text="550 unknown user")).kind is Kind.BOUNCE
