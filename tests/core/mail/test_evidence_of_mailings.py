"""What goes to many without the headers of a list."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Kind
from inboxwatch.mime import text_of
from tests.support.messages import mail


def kind(extra: str = "", **more: object) -> Kind:
    return classify(mail("m1", extra=extra, **more)).kind  # type: ignore[arg-type]  # the builder's own arguments


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


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        (
            "Please view this in an HTML mail client.",
            "<p>Roses from 3.90, save 20%</p><p>You receive this as you signed up. <a href='#'>Unsubscribe</a></p>",
            Kind.BULK,
        ),
        ("Could you send the HTML manual?", "<p>Could you send the HTML manual?</p>", Kind.HUMAN),
        ("Hello Ana, what is the price?", "<p>Hello Ana, what is the price?</p><p>Unsubscribe</p>", Kind.HUMAN),
    ],
)
def test_a_short_plain_part_that_names_html_is_read_with_it(plain: str, html: str, expected: Kind) -> None:
    body = f"--k\nContent-Type: text/plain\n\n{plain}\n--k\nContent-Type: text/html\n\n{html}\n--k--\n"
    text = _built(body, 'multipart/alternative; boundary="k"')
    assert kind(sender="Shop <hello@shop.test>", text=text) is expected


def test_an_ornament_is_no_quotation() -> None:
    text = "> Today only <\nRoses for 3.90. Unsubscribe from our newsletter: https://shop.test/unsubscribe"
    assert kind(sender="Shop <hello@shop.test>", text=text) is Kind.BULK


@pytest.mark.parametrize(
    "text",
    [
        "Your security code is 771204. If you didn't request it, you can ignore this mail.",
        "A new device was used. If that was you, all is well. If not, protect your account: https://portal.test/p",
        "Somebody (you, we hope) has asked to add your address to the club. To confirm it open https://club.test/j",
        "Ihr Anmeldecode lautet 4711. Falls Sie diese Anmeldung nicht angefordert haben, löschen Sie die Nachricht.",
    ],
)
def test_codes_and_sign_ins_are_account_mail(text: str) -> None:
    assert classify(mail("m1", subject="Portal", text=text)).kind is Kind.BULK


@pytest.mark.parametrize(
    "text",
    [
        "The security code of the gate is 771204. Could you tell your driver?",
        "Bob asked me to send your address to the bank; see https://buyer.test/bank for the form.",
        "If that was you on the phone, thanks. If not, who was it?",
    ],
)
def test_people_write_of_codes_and_addresses(text: str) -> None:
    assert classify(mail("m1", subject="Gate", text=text)).kind is Kind.HUMAN


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Confirm your e-mail address", Kind.BULK),
        ("Your verification code", Kind.BULK),
        ("Security code: 481516", Kind.BULK),
        ("481516 is your one-time code", Kind.BULK),
        ("Security code lock: price", Kind.HUMAN),
        ("Security link fence, 40 m", Kind.HUMAN),
        ("Password reset", Kind.BULK),
        ("Please confirm your order of 40 presses", Kind.HUMAN),
        ("Re: Password reset", Kind.HUMAN),
        ("Ihr Sicherheitscode", Kind.BULK),
        ("Sicherheitscode am Tor", Kind.HUMAN),
        ("Confirmez votre adresse", Kind.BULK),
        ("Código de verificación: 481516", Kind.BULK),
        ("Código de seguridad de la puerta", Kind.HUMAN),
        ("Kod weryfikacyjny", Kind.BULK),
        ("Din säkerhetskod", Kind.BULK),
        ("Код подтверждения 481516", Kind.BULK),
        ("認証コード:481516", Kind.BULK),
        ("Your password list for the presses", Kind.HUMAN),
    ],
)
def test_without_text_the_subject_of_account_mail_tells_it(subject: str, expected: Kind) -> None:
    assert classify(mail("m1", subject=subject)).kind is expected


@pytest.mark.parametrize(
    ("sender", "extra", "expected"),
    [
        ("replies@offers.test", "", Kind.BULK),
        ("club-reply@offers.test", "X-Mailer: AspMail 4", Kind.BULK),
        ("bea@buyer.test", "Errors-To: bea@buyer.test\nPrecedence: normal", Kind.BULK),
        ("bea@buyer.test", "X-Mailer: PHPMailer 6.9", Kind.HUMAN),
        ("bea@buyer.test", "Precedence: normal", Kind.HUMAN),
        ("club-reply@offers.test", "", Kind.HUMAN),
    ],
)
def test_programs_that_send_weigh_little_alone(sender: str, extra: str, expected: Kind) -> None:
    assert classify(mail("m1", sender=sender, extra=extra)).kind is expected


@pytest.mark.parametrize(
    ("sender", "text", "expected"),
    [
        ("Bea <bea@news.buyer.test>", "Could you send us your prices for 20 presses?", Kind.HUMAN),
        ("Bea <bea@news.buyer.test>", "Our presses are on sale now.", Kind.BULK),
        ("Bea <bea@news.buyer.test>", "Could you use one more press? Unsubscribe: https://buyer.test/u", Kind.BULK),
        ("Bea <noreply@news.buyer.test>", "Could you use one more press?", Kind.BULK),
        ("bea@buyer.test", "We need a newsletter tool. Can our users unsubscribe? Please quote.", Kind.HUMAN),
        ("bea@buyer.test", "Our newsletter. Why not subscribe? Unsubscribe at https://buyer.test/u", Kind.BULK),
    ],
)
def test_who_asks_for_something_sends_no_mailing(sender: str, text: str, expected: Kind) -> None:
    assert classify(mail("m1", sender=sender, text=text)).kind is expected


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("Return-Path: <b.7f3a91-{to}@bounce.buyer.test>", Kind.BULK),
        ("Return-Path: <bounces+481516-7f3a-{to}@buyer.test>", Kind.BULK),
        ("Feedback-ID: 1:campaign:2:shop", Kind.BULK),
        ("Return-Path: <SRS0=hhh9=tt=buyer.test=bea@forward.test>", Kind.HUMAN),
        ("Return-Path: <bea@buyer.test>", Kind.HUMAN),
    ],
)
def test_what_a_mail_asks_for_does_not_outweigh_how_it_was_sent(extra: str, expected: Kind) -> None:
    """Tools for sales letters ask as buyers do; they make an envelope for each recipient."""
    of_us = "sales=acme.test"
    told = mail(
        "m1",
        sender="Bea <bea@buyer.test>",
        to="sales@acme.test",
        extra=extra.format(to=of_us),
        text="Please send us a quotation for 40 pumps, delivery in June.",
    )
    assert classify(told).kind is expected


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("X-CSA-Complaints: csa-complaints@eco.test", Kind.HUMAN),
        ("X-CSA-Complaints: csa-complaints@eco.test\nList-Unsubscribe: <https://shop.test/u>", Kind.BULK),
        ("X-CSA-Complaints: csa-complaints@eco.test\nFeedback-ID: 1:campaign:2:shop", Kind.BULK),
    ],
)
def test_what_a_certified_service_stamps_on_all_it_sends_makes_no_mailing(extra: str, expected: Kind) -> None:
    assert classify(mail("m1", extra=extra)).kind is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Aby zrezygnować: https://x.test/r Otrzymujesz ten biuletyn, bo jesteś klientem.", Kind.BULK),
        ("Avregistrera dig: https://x.test/a Du får detta nyhetsbrev som kund.", Kind.BULK),
        ("Отписаться: https://x.test/o Вы получили это письмо, так как подписаны.", Kind.BULK),
        ("配信停止: https://x.test/s このメールマガジンは会員の方にお送りしています。", Kind.BULK),
        ("Din verifieringskod är 481516. Om du inte har begärt den, bortse från detta.", Kind.BULK),
        ("Twój kod weryfikacyjny: 481516. Jeśli to nie ty, nic nie rób.", Kind.BULK),
        ("Ваш код подтверждения: 481516. Если вы не запрашивали его, ничего не делайте.", Kind.BULK),
        ("認証コードは481516です。心当たりがない場合は破棄してください。", Kind.BULK),
        ("Rezygnujemy z jednej prasy. Czy cena się zmieni?", Kind.HUMAN),
        ("Kod do bramy to 7712. Czy kierowca może zadzwonić?", Kind.HUMAN),
        ("Skicka ert nyhetsbrev till vår chef också.", Kind.HUMAN),
        ("Если вы не против, заберём станок в пятницу.", Kind.HUMAN),
    ],
)
def test_mailings_and_account_mail_are_known_in_further_languages(text: str, expected: Kind) -> None:
    assert classify(mail("m1", subject="Prasa", text=text)).kind is expected
