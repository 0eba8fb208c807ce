"""Kinds: each rule by a mail that we wrote for it, and the mail that must not fall under it."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Kind, Message, Part
from tests.support.messages import mail, ours, take


def kind(extra: str = "", **more: object) -> Kind:
    return classify(mail("m1", extra=extra, **more)).kind  # type: ignore[arg-type]  # the builder's own arguments


@pytest.mark.parametrize(
    "extra",
    [
        "",
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
        "Precedence: normal",
        "X-Spam-Flag: NO",
        "X-Autoreply: no",
        "Return-Path: <prvs=123456=bea@buyer.test>",
    ],
)
def test_people_stay_people(extra: str) -> None:
    verdict = classify(mail("m1", extra=extra))
    assert (verdict.kind, verdict.owes_reply) == (Kind.HUMAN, True)
    assert verdict.signal


@pytest.mark.parametrize(
    "subject",
    [
        "Automatically power on at night",
        "Re: Cy is out of the office",
        "Re: Automatic reply: Prices",
        "Fwd: Undeliverable: Prices",
        "AW: Abwesenheitsnotiz",
        "Re: Returned mail: see transcript",
        "Vacation rental brochure",
        "Delivery of the lathe",
    ],
)
def test_words_of_machines_in_a_persons_subject_prove_nothing(subject: str) -> None:
    assert kind(subject=subject) is Kind.HUMAN


@pytest.mark.parametrize(
    "extra",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
        "X-MS-Exchange-Organization-MessageClass: IPM.Note.Rules.OofTemplate.Microsoft",
        "X-Autorespond: Prices",
        "Auto-Submitted: auto-generated\nIn-Reply-To: <q1@acme.test>",
    ],
)
def test_headers_of_automatic_answers(extra: str) -> None:
    assert kind(extra, subject="Re: Prices") is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Prices",
        "Automatische Antwort: Prices",
        "Réponse automatique : Prices",
        "Out of Office: Prices",
        "Out of Office AutoReply: Prices",
        "Abwesenheitsnotiz: Prices",
        "自动回复: Prices",
        "Cy Doe is out of the office.",
        "Autosvar: Prices",
        "Respuesta automática: Prices",
        "Thank you for contacting Buyer Ltd",
        "My email address has changed",
    ],
)
def test_subject_forms_of_automatic_answers_without_any_header(subject: str) -> None:
    assert kind(subject=subject) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "extra",
    [
        "List-Id: <news.buyer.test>",
        "List-Unsubscribe: <https://buyer.test/u>",
        "Precedence: bulk",
        "Feedback-ID: 1:2:spring-campaign:esp",
        "Auto-Submitted: auto-generated",
        "X-GitHub-Reason: mention",
        "X-Spam-Flag: YES",
        "Return-Path: <owner-news@buyer.test>",
    ],
)
def test_headers_of_mail_to_many(extra: str) -> None:
    assert kind(extra) is Kind.BULK


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@buyer.test",
        "do-not-reply@buyer.test",
        "Buyer <notifications@buyer.test>",
        "newsletter@buyer.test",
        "x@news.buyer.test",
        "The Daily Lathe <editor@buyer.test>",
        "bounce+4711@buyer.test",
    ],
)
def test_shapes_of_senders_behind_which_sits_a_program(sender: str) -> None:
    assert kind(sender=sender) is Kind.BULK


@pytest.mark.parametrize(
    "sender",
    [
        "orders@buyer.test",
        "info@buyer.test",
        "bea.newsome@buyer.test",
        "Bea via Sales <sales@lists.buyer.test>",
        "office@mail.buyer.test",
    ],
)
def test_names_that_small_companies_read_by_hand_are_people(sender: str) -> None:
    assert kind(sender=sender) is Kind.HUMAN


def test_a_list_that_carries_a_colleague_to_us_personally_is_no_bulk() -> None:
    """Our own shared address may be a list, and every buyer's mail bears its marks."""
    to_us = mail(
        "m1",
        to="sales@acme.test",
        extra="List-Id: <sales.acme.test>\nList-Post: <mailto:sales@acme.test>\nPrecedence: list",
    )
    to_many = mail(
        "m2", to="lathes@forum.test", extra="List-Id: <lathes.forum.test>\nList-Post: <mailto:lathes@forum.test>"
    )
    newsletter = mail("m3", extra="List-Id: <news.shop.test>\nList-Unsubscribe: <https://shop.test/u>")
    found = take(to_us, to_many, newsletter)
    assert [found[name].verdict.kind for name in ("m1", "m2", "m3")] == [Kind.HUMAN, Kind.BULK, Kind.BULK]


def test_a_standard_letter_of_ours_is_an_answer() -> None:
    text = (
        "Thank you for your e-mail. We have received your request and will respond within two "
        "days. If you have questions, call 555-1234."
    )
    found = take(mail("q1", 0), ours("a1", 30, subject="Re: Prices", answers="q1", text=text))
    assert found["a1"].verdict.kind is Kind.HUMAN


def test_an_answer_seconds_after_ours_was_written_by_a_program() -> None:
    found = take(
        ours("a1", 0),
        mail("m1", 0.1, subject="Re: Prices", answers="a1"),
        mail("m2", 5, subject="Re: Prices", answers="a1"),
    )
    assert (found["m1"].verdict.kind, found["m2"].verdict.kind) == (Kind.AUTO_REPLY, Kind.HUMAN)
    assert "after ours" in found["m1"].verdict.signal


STATUS = b"Reporting-MTA: dns; mx.buyer.test\n\nFinal-Recipient: rfc822; Bea@buyer.test\nAction: %s\nStatus: %s\n"
RETURNED = b"From: ana@acme.test\nMessage-ID: <a1@acme.test>\nSubject: Prices\n"


def notice(action: bytes, status: bytes, returned: bytes = RETURNED) -> Message:
    parts = (
        Part("text/plain", 10),
        Part("message/delivery-status", 90, STATUS % (action, status)),
        Part("text/rfc822-headers", 60, returned),
    )
    return mail(
        "b1",
        5,
        sender="MAILER-DAEMON@mx.buyer.test",
        subject="Notice",
        parts=parts,
        extra="Content-Type: multipart/report; report-type=delivery-status",
    )


@pytest.mark.parametrize(
    ("action", "status"),
    [(b"failed", b"5.1.1"), (b"delayed", b"4.4.7"), (b"relayed", b"2.0.0"), (b"delivered", b"2.0.0")],
)
def test_a_delivery_status_tells_its_action_its_message_and_its_recipient(action: bytes, status: bytes) -> None:
    delivery = classify(notice(action, status)).delivery
    assert delivery is not None
    assert (delivery.action, delivery.of) == (action.decode(), "a1@acme.test")
    assert delivery.recipients == {"bea@buyer.test"}


def test_of_several_fates_the_failed_ones_count() -> None:
    both = (
        STATUS % (b"delivered", b"2.0.0") + b"\nFinal-Recipient: rfc822; cy@buyer.test\nAction: failed\nStatus: 5.1.1\n"
    )
    parts = (Part("message/delivery-status", 90, both), Part("message/rfc822", 60, RETURNED))
    delivery = classify(mail("b1", parts=parts)).delivery
    assert delivery is not None
    assert (delivery.action, delivery.recipients) == ("failed", frozenset({"cy@buyer.test"}))


def test_a_bounce_hangs_on_the_message_of_ours_that_failed() -> None:
    found = take(ours("a1@acme.test", 0), notice(b"failed", b"5.1.1"))
    assert found["b1"].match.parent == "a1@acme.test"
    assert found["b1"].match.thread == found["a1@acme.test"].match.thread


@pytest.mark.parametrize(
    ("subject", "extra", "action"),
    [
        ("Undeliverable: Prices", "", "failed"),
        ("failure notice", "Return-Path: <>", "failed"),
        ("Warning: could not send message for past 4 hours", "Return-Path: <>", "delayed"),
        ("Unzustellbar: Prices", "", "failed"),
        ("Prices", "X-Failed-Recipients: cy@buyer.test", "failed"),
        ("Delivery Status Notification (Delay)", "", "delayed"),
    ],
)
def test_older_forms_of_bounces(subject: str, extra: str, action: str) -> None:
    verdict = classify(mail("b1", sender="Mail Delivery System <postmaster@buyer.test>", subject=subject, extra=extra))
    assert verdict.kind is Kind.BOUNCE
    assert verdict.delivery is not None
    assert verdict.delivery.action == action


@pytest.mark.parametrize(
    ("path", "proven"), [("", False), ("\nReturn-Path: <x@evil.test>", False), ("\nReturn-Path: <>", True)]
)
def test_a_mail_with_failed_recipients_claims_to_be_a_mail_systems_and_is_believed_where_one_wrote_it(
    path: str, proven: bool
) -> None:
    found = classify(mail("b1", subject="hello", extra=f"X-Failed-Recipients: cy@buyer.test{path}"))
    assert found.kind is Kind.BOUNCE
    assert found.delivery is not None
    assert found.delivery.proven is proven


def test_a_person_may_write_of_mail_that_came_back() -> None:
    assert kind("", subject="Re: Undelivered Mail Returned to Sender") is Kind.HUMAN


@pytest.mark.parametrize(
    ("extra", "parts", "proven"),
    [
        ("Return-Path: <>", None, True),
        (
            "",
            (Part("message/delivery-status", 90, STATUS % (b"failed", b"5.1.1")), Part("message/rfc822", 60, RETURNED)),
            True,
        ),
        ("Return-Path: <x@evil.test>", (Part("message/delivery-status", 90, STATUS % (b"failed", b"5.1.1")),), False),
        (
            "Return-Path: <x@evil.test>",
            (Part("message/delivery-status", 90, STATUS % (b"failed", b"5.1.1")), Part("message/rfc822", 60, RETURNED)),
            True,
        ),
        ("", (Part("message/delivery-status", 90, STATUS % (b"failed", b"5.1.1")),), True),
        ("", None, False),
        ("Return-Path: <x@evil.test>\nX-Failed-Recipients: cy@buyer.test", None, False),
    ],
)
def test_a_mail_system_shows_itself_by_a_null_path_or_by_a_part_that_names_our_message(
    extra: str, parts: tuple[Part, ...] | None, proven: bool
) -> None:
    sender = "Mail Delivery System <mailer-daemon@relay.test>"
    found = mail("b1", sender=sender, subject="Undelivered Mail", answers="a1@acme.test", extra=extra, parts=parts)
    delivery = classify(found).delivery
    assert delivery is not None
    assert delivery.proven is proven


def test_read_receipts_are_receipts() -> None:
    assert (
        kind("Content-Type: multipart/report; report-type=disposition-notification", subject="Read: Prices")
        is Kind.RECEIPT
    )
    assert kind("Return-Path: <>", subject="Gelesen: Prices") is Kind.RECEIPT
    assert kind(subject="Read: this book") is Kind.HUMAN


def test_feedback_reports_are_bulk() -> None:
    assert kind("Content-Type: multipart/report; report-type=feedback-report") is Kind.BULK


@pytest.mark.parametrize(
    ("method", "status", "effect", "owes"),
    [
        ("REPLY", "ACCEPTED", "meeting_accepted", False),
        ("REPLY", "DECLINED", "meeting_answered", True),
        ("REPLY", "TENTATIVE", "meeting_answered", False),
        ("COUNTER", "TENTATIVE", "meeting_answered", True),
        ("REQUEST", "NEEDS-ACTION", None, True),
    ],
)
def test_an_accepted_meeting_owes_no_reply_and_a_declined_or_moved_one_does(
    method: str, status: str, effect: str | None, owes: bool
) -> None:
    payload = (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n"
        f"ATTENDEE;PARTSTAT={status}:mailto:bea@buyer.test\r\nEND:VEVENT\r\nEND:VCALENDAR"
    ).encode()
    verdict = classify(mail("c1", parts=(Part(f"text/calendar; method={method.lower()}", 10, payload),)))
    assert (verdict.kind, verdict.effect, verdict.owes_reply) == (Kind.CALENDAR, effect, owes)


def test_an_acceptance_with_words_of_the_buyers_owes_a_reply_where_text_may_be_read() -> None:
    payload = b"METHOD:REPLY\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bea@buyer.test"
    part = (Part("text/calendar; method=reply", 10, payload),)
    assert classify(
        mail("c1", parts=part, text="Fine. Could we start half an hour later, though, and bring our engineer?")
    ).owes_reply
    assert not classify(mail("c1", parts=part, text="Bea Buyer has accepted this invitation.")).owes_reply


@pytest.mark.parametrize(
    "text",
    [
        (
            "Thank you for your e-mail. Due to the high volume of messages we cannot answer each "
            "one. If you have a question, please visit our website at www.buyer.test."
        ),
        "*** This is an automated response ***\nThank you for contacting Buyer Ltd. Your request has been received.",
        (
            "Dear customer, thank you for writing. We have received your message and will respond "
            "within two business days. If you need help, call 555-1234."
        ),
    ],
)
def test_acknowledgements_without_any_header_are_known_by_their_text(text: str) -> None:
    assert kind(text=text) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your e-mail, Ana. Tuesday works for us; please bring the contract.",
        "Hi Ana, thanks for sending the offer. If you can do 10 % less, we have a deal. Bea",
        "The system is automatically generated from your template, can you check the numbers?",
        "I will be out of the office next week, so let us talk on Friday.",
        "Please remove the second item and send a new offer. Our subscription ends in May.",
    ],
)
def test_people_who_use_such_words_stay_people(text: str) -> None:
    assert kind(text=text) is Kind.HUMAN


def test_a_mailing_without_list_headers_is_known_by_the_way_out_of_it() -> None:
    assert (
        kind(
            text=(
                "Our spring offers! Click here.\nYou are receiving this newsletter because you signed "
                "up. Unsubscribe: https://x.test/u"
            )
        )
        is Kind.BULK
    )
    assert kind(subject="Re: Prices", text="Please unsubscribe me from this newsletter.") is Kind.HUMAN


def test_every_verdict_names_its_signal() -> None:
    for extra in ("", "List-Id: <x.test>", "Auto-Submitted: auto-replied", "X-Failed-Recipients: a@b.test"):
        assert classify(mail("m1", extra=extra)).signal
