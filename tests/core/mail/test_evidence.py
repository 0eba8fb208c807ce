"""Weighed evidence: one weak sign makes no machine, signs for a person outweigh it, and machines stay machines."""

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
    "extra",
    [
        "Feedback-ID: k77aa01:Postkasten",
        "Feedback-ID: 815:user:letterbox",
        "Feedback-ID: 1.eu-west-3.q8=:relay",
        "Feedback-ID: a1:b2:c3:Webpost\nX-Mailer: Webpost",
        "X-Report-Abuse: write to abuse@hoster.test",
        "X-Report-Abuse-To: abuse@hoster.test",
        "X-SES-Outgoing: 2026.03.02-1\nFeedback-ID: 1.eu-west-3.q8=:relay",
        "X-Complaints-To: abuse@hoster.test",
    ],
)
@pytest.mark.parametrize("text", [None, ASKS])
def test_what_a_provider_stamps_on_all_mail_proves_nothing(extra: str, text: str | None) -> None:
    verdict = classify(mail("m1", extra=extra, text=text))
    assert (verdict.kind, verdict.owes_reply) == (Kind.HUMAN, True)
    assert verdict.machine
    assert verdict.machine[0] in verdict.signal


@pytest.mark.parametrize(
    ("extra", "sender", "text"),
    [
        ("Feedback-ID: 1:2:summer-campaign:mailer", "Shop <hello@shop.test>", None),
        ("Feedback-ID: 1:2:3:esp", "Shop <hello@em.shop.test>", None),
        ("Feedback-ID: 1:2:3:esp", "Shop <hello@shop.test>", "New boots! Unsubscribe: see our page."),
        ("X-Report-Abuse: abuse@esp.test", "Shop Alerts <shop@email.shop.test>", None),
        ("List-Unsubscribe: <https://shop.test/u>\nFeedback-ID: 1:2:3:esp", "Shop <hello@shop.test>", None),
    ],
)
def test_weak_signs_in_company_make_a_mailing(extra: str, sender: str, text: str | None) -> None:
    verdict = classify(mail("m1", extra=extra, sender=sender, text=text))
    assert verdict.kind is Kind.BULK


@pytest.mark.parametrize(
    "sender",
    [
        "Kim Robot <kim.robot@buyer.test>",
        "Lee Bot <l.bot@buyer.test>",
        "Ann Root <aroot@buyer.test>",
        "Autoteile Meier <auto-meier@mail.test>",
        "Max News <max.news@buyer.test>",
        "Bea (Automated Welding Ltd) <bea@buyer.test>",
        "Gwen Daily <gwen.daily@buyer.test>",
        "Ada Jenkins <jenkins@buyer.test>",
        "a.jenkins@buyer.test",
        "Otto Mailer <o.mailer@buyer.test>",
        "Arno Reply <arno.reply@buyer.test>",
        "Bea Buyer <bea@mailing.test>",
        "Bea Buyer <bea@e.college.test>",
        "Bea Buyer <b.buyer@email.college.test>",
        "Bea Buyer <bea.buyer@news.com.zz>",
        "Bea Buyer <bea@alerts.test>",
        "Vera Smith <x7f2k9-a81bb2-c3d4@duck.com>",
    ],
)
@pytest.mark.parametrize("answers", ["", "a1"])
def test_surnames_trades_and_hosts_are_no_machines(sender: str, answers: str) -> None:
    assert kind(sender=sender, answers=answers) is Kind.HUMAN


@pytest.mark.parametrize(
    "sender",
    [
        "News <news@shop.test>",
        "Build Bot <build.bot@ci.test>",
        "Offers <offers@shop.test>",
        "Root <root@db7.shop.test>",
        "No Reply <no.reply@shop.test>",
        "Weekly <weekly-news@shop.test>",
        "Shop <shop@newsletter.shop.test>",
        "Shop <shop@news.shop.co.zz>",
        "Nagios <nagios@shop.test>",
        "Jenkins <jenkins@ci.shop.test>",
        "Shop Bot <bot@shop.test>",
        "Mailer <mailer@shop.test>",
        "Shop <x@bounces.shop.test>",
        "Alerts <alerts@shop.test>",
        "Groups <confirm-77-ana=acme.test@groups.test>",
        "Garden <roses@e.garden.test>",
        "garden@em.garden.test",
        "auto-confirm@shop.test",
        "Tips <body_216095411795471888@host.shop.test>",
        "Shop <list@shop.test>",
    ],
)
def test_boxes_behind_which_nobody_sits_stay_machines(sender: str) -> None:
    assert kind(sender=sender) is Kind.BULK


@pytest.mark.parametrize(
    "path",
    [
        "SRS0=Zz9y=QW=buyer.test=bea@relay.test",
        "SRS1=Ab12=first.test==Zz9y=QW=buyer.test=bea@second.test",
        "bounces+SRS=Q1w2e=R3@tenant.test",
        "old.desk+caf_=ana=acme.test@webmail.test",
        "bea=buyer.test@bounce.filter.test",
        "bounce-9-bea=buyer.test@filter.test",
        "relay+SRS0=Zz9y=QW=buyer.test=bea@relay.test",
        "desk-srs=Q1w2e=R3@tenant.test",
        "prvs=0012ab=bea@buyer.test",
    ],
)
def test_the_envelope_of_a_forwarder_says_nothing_of_the_author(path: str) -> None:
    assert kind(f"Return-Path: <{path}>") is Kind.HUMAN


@pytest.mark.parametrize(
    "path",
    [
        "SRS0=Zz9y=QW=shop.test=bounces@relay.test",
        "b.19-ana=acme.test@bounce.shop.test",
        "bounces+22-ana=acme.test@shop.test",
        "owner-club@groups.test",
        "dev-null@shop.test",
        "shop@mailer7.shop.test",
    ],
)
def test_the_envelope_of_a_mailing_stays_one_forwarded_or_not(path: str) -> None:
    assert kind(f"Return-Path: <{path}>", sender="Shop <hello@shop.test>") is Kind.BULK


@pytest.mark.parametrize("piece", ["a=", "a-", "srs0=", "b=b.test"])
def test_an_endless_envelope_costs_no_more_than_a_long_one(piece: str) -> None:
    """Without a limit each of these is compared with itself at every character."""
    verdict = classify(mail("m1", extra=f"Return-Path: <{piece * 900}@x.test>"))
    assert verdict.signal


@pytest.mark.parametrize(
    ("path", "to", "kept"),
    [
        ("club-bounces@groups.test", "club@groups.test", Kind.BULK),
        ("owner-club@groups.test", "club@groups.test", Kind.BULK),
        ("club-return-9@groups.test", "club@groups.test", Kind.BULK),
        ("77-ab.bounce@crm.test", "ana@acme.test", Kind.HUMAN),
    ],
)
def test_a_list_without_list_headers_is_known_by_its_own_envelope(path: str, to: str, kept: Kind) -> None:
    assert kind(f"Return-Path: <{path}>", to=to, subject="Re: Summer fair") is kept


def test_a_list_that_is_a_box_of_ours_carries_buyers() -> None:
    found = take(mail("m1", to="sales@acme.test", extra="Return-Path: <sales-bounces@acme.test>"))
    assert found["m1"].verdict.kind is Kind.HUMAN


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


def test_a_new_subject_about_a_delivery_reopens_no_answered_wait() -> None:
    found = take(
        mail("b0", 0),
        ours("a0", 30, answers="b0", subject="Re: Prices"),
        mail("b1", 60, answers="a0", subject="Delivery problem with the press"),
    )
    assert found["b1"].verdict.kind is Kind.HUMAN


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ("Bea Buyer, System Administrator <bea@buyer.test>", "Please quote 5 seats.\n--\nScanned for viruses: clean."),
        ("exchange@buyer.test", "Our mailbox is full, and mail was rejected. Do you sell archives?"),
        ("Bea Buyer (Mail Administrator) <bea@buyer.test>", "Two messages were blocked yesterday. Can you help?"),
    ],
)
def test_administrators_buy_too(sender: str, text: str) -> None:
    assert kind(sender=sender, text=text) is Kind.HUMAN


@pytest.mark.parametrize(
    "text",
    [
        "Hi, I am out of the office on leave, but we need a price for the automatic mail feeder by Friday.",
        "Ich bin ab Freitag im Urlaub. Können Sie das Angebot für die automatische Nachrichtenanlage schicken?",
        "Jag är på semester men vill gärna ha ett pris på linjen som packar automatiskt.",
        "Jestem na urlopie, proszę o ofertę na prasę, która podaje automatycznie.",
        "Thank you for your e-mail. We have received your offer. Would you take five percent off within two weeks?",
        "Hello,\n\nI run three of your presses. Does the drive acknowledge a stop? See https://acme.test/p",
        "Hello,\n\nI would appreciate your opinion on our drawing: is the pitch right? Your feedback decides.",
    ],
)
def test_who_asks_for_something_waits_for_an_answer(text: str) -> None:
    assert kind(text=text) is Kind.HUMAN


@pytest.mark.parametrize(
    "text",
    [
        "This is an automatic reply. I am out of the office until Monday.",
        "Automatische Antwort: Ich bin bis zum 12.3. nicht im Büro.",
        "Diese Nachricht wurde automatisch erstellt. Vielen Dank für Ihre Anfrage, sie ist bei uns eingegangen.",
        (
            "Dear customer, thank you for contacting us. We have received your request, ticket number 12. "
            "We will answer within two days. Questions? See our website www.buyer.test."
        ),
    ],
)
def test_programs_that_answer_stay_programs(text: str) -> None:
    assert kind(text=text) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply lever, price?",
        "Auto reply module: how much?",
        "Out of office chairs: quote",
        "Automatic reply for shops: price",
        "Vacation reply function: price",
        "Thank you for your message - two questions",
        "We got your parcel, where is the invoice?",
        "Confirmation of receipt? Order 12",
        "New email address for orders, and a request",
        "Vielen Dank für Ihre Anfrage - Rückfrage",
        "外出用ケース: 価格",
        "Out of office on Monday - can we sign before?",
    ],
)
def test_words_of_automatic_answers_in_a_first_mail_prove_nothing(subject: str) -> None:
    assert kind(subject=subject, text=ASKS) is Kind.HUMAN


@pytest.mark.parametrize(
    "subject",
    [
        "EXTERNAL: Automatic reply: Prices",
        "[EXT]: Out of Office: Prices",
        "[EXTERNAL] CAUTION: Abwesenheitsnotiz: Prices",
        "(External) Out of office: Prices",
        "*** EXTERNAL MAIL *** Automatic reply: Prices",
        "Extern - Automatische Antwort: Preise",
        "Samodejni odgovor: Cene",
        "Automaatvastus: Hinnad",
        "Automatinis atsakymas: Kainos",
        "Automātiska atbilde: Cenas",
        "Автоматичен отговор: Цени",
        "Аутоматски одговор: Цене",
        "Odpowiedź automatyczna: Ceny",
        "Balasan automatik: Harga",
        "Sjálfvirkt svar: Verð",
        "Erantzun automatikoa: Prezioak",
        "自动答复: 价格",
        "پاسخ خودکار: قیمت",
        "الرد التلقائي: الأسعار",
        "Automatic reply from Bea Buyer: Prices",
        "[Auto-Reply] Prices",
        "Out of Office reply",
        "AUTO: Bea Buyer is out of the office (returning 09/03/2026)",
        "AUTO: Bea Buyer ist außer Haus (Rückkehr am 09.03.2026)",
    ],
)
@pytest.mark.parametrize("extra", ["", "Auto-Submitted: auto-generated"])
def test_prefixes_of_automatic_answers_in_all_locales_and_behind_tags(subject: str, extra: str) -> None:
    verdict = classify(mail("m1", subject=subject, extra=extra, text="Hello, I answer later."))
    assert (verdict.kind, verdict.vacation) == (Kind.AUTO_REPLY, True)


@pytest.mark.parametrize(
    "subject", ["EXTERNAL: Re: Automatic reply: Prices", "EXTERNAL: Prices", "Warning: the press leaks", "[EXT] Prices"]
)
def test_a_gateways_tag_makes_no_automatic_answer(subject: str) -> None:
    assert kind(subject=subject) is Kind.HUMAN


@pytest.mark.parametrize(
    "subject",
    [
        "We have received your request",
        "Thank you for your inquiry: 4711",
        "Ihre Anfrage ist eingegangen",
        "Thank you for contacting Buyer Ltd",
    ],
)
def test_a_subject_that_only_acknowledges_is_an_automatic_answer(subject: str) -> None:
    assert kind(subject=subject) is Kind.AUTO_REPLY


def test_an_automatic_prefix_before_a_mailing_is_one() -> None:
    text = "Boots at half price. You opted to receive our newsletter; to unsubscribe: https://boots.test/unsubscribe"
    assert kind(subject="[Auto-Reply] boots", text=text) is Kind.BULK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Click this link to confirm your account: https://x.test/1\nIf you did not request it, ignore us.", Kind.BULK),
        ("Somebody has entered your address.\nTo activate it visit https://x.test/2", Kind.BULK),
        ("Here is your new password.\nIf you did not request this password, open the link below.", Kind.BULK),
        ("Our licence has expired, can you renew it?\n--\nIf you are not the addressee, delete this.", Kind.HUMAN),
        ("Please confirm the order. If you did not get the drawing, tell me. Bea", Kind.HUMAN),
    ],
)
def test_account_mail_denies_and_asks_for_a_step(text: str, expected: Kind) -> None:
    assert kind(text=text) is expected


def _built(body: str, content_type: str) -> str:
    raw = f"From: Shop <hello@shop.test>\nSubject: Roses\nContent-Type: {content_type}\n\n{body}"
    return text_of(raw.encode())


def test_a_stub_of_plain_text_sends_the_reader_to_the_html() -> None:
    plants = "".join(f"<p>Rose {n}, strong and easy to keep, now for {n}.90.</p>" for n in range(30))
    html = f"<html><body>{plants}<p><a href='https://shop.test/unsubscribe'>here</a> newsletter</p></body></html>"
    body = (
        f"--k\nContent-Type: text/plain\n\nYour program shows no HTML.\n--k\nContent-Type: text/html\n\n{html}\n--k--\n"
    )
    text = _built(body, 'multipart/alternative; boundary="k"')
    assert kind(sender="Shop <hello@shop.test>", text=text) is Kind.BULK
    letter = (
        "--k\nContent-Type: text/plain\n\nHello Ana, what is the price?\n"
        "--k\nContent-Type: text/html\n\n<p>Hello Ana, what is the price?</p>\n--k--\n"
    )
    text = _built(letter, 'multipart/alternative; boundary="k"')
    assert text.strip() == "Hello Ana, what is the price?"


def test_an_ornament_is_no_quotation() -> None:
    text = "> Today only <\nRoses for 3.90. Unsubscribe from our newsletter: https://shop.test/unsubscribe"
    assert kind(sender="Shop <hello@shop.test>", text=text) is Kind.BULK


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


@pytest.mark.parametrize(
    ("extra", "sender", "subject", "text"),
    [
        ("", "Acme offers <offers@acme.test>", "Re: Prices", None),
        ("", "Acme news <news@acme.test>", "The price", None),
        ("List-Unsubscribe: <mailto:out@tool.test>", "Ana <ana@acme.test>", "Re: Prices", None),
        ("", "Ana <ana@acme.test>", "Thank you for your message", "Dear Bea, it costs 90. Shall I send two?"),
    ],
)
def test_our_answer_from_a_box_of_any_name_is_one(extra: str, sender: str, subject: str, text: str | None) -> None:
    found = take(
        mail("q1", 0),
        ours("a1", 30, answers="q1", sender=sender, subject=subject, extra=extra, text=text),
    )
    assert found["a1"].verdict.kind is Kind.HUMAN


def test_our_own_machines_answer_nobody() -> None:
    found = take(
        mail("q1", 0),
        ours("a1", 1, answers="q1", sender="no-reply@acme.test", subject="Re: Prices"),
        ours("a2", 2, answers="q1", subject="Re: Prices", extra="Auto-Submitted: auto-replied"),
        ours("a3", 3, subject="Spring news", extra="List-Unsubscribe: <mailto:out@tool.test>"),
        ours("a4", 1, answers="q1", subject="We have received your request"),
    )
    kinds = [found[name].verdict.kind for name in ("a1", "a2", "a3", "a4")]
    assert kinds == [Kind.BULK, Kind.AUTO_REPLY, Kind.BULK, Kind.AUTO_REPLY]
