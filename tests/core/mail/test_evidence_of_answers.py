"""Programs that answer, and people who ask."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Kind
from tests.support.messages import mail

ASKS = "Hello Ana,\n\nwhat does the small press cost?\n\nBea"


def kind(extra: str = "", **more: object) -> Kind:
    return classify(mail("m1", extra=extra, **more)).kind  # type: ignore[arg-type]  # the builder's own arguments


@pytest.mark.parametrize(
    "text",
    [
        "Hi, I am out of the office on leave, but we need a price for the automatic mail feeder by Friday.",
        "Ich bin ab Freitag im Urlaub. Können Sie das Angebot für die automatische Nachrichtenanlage schicken?",
        "Jag är på semester men vill gärna ha ett pris på linjen som packar automatiskt.",
        "Jestem na urlopie, proszę o ofertę na prasę, która podaje automatycznie.",
        "I am out of the office on Monday. Could you answer today? Your message will not be forwarded to Max.",
        "I am out of the office on Monday. Your message was not forwarded by Max, what was in it?",
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
        "Ich bin bis 12.05. nicht im Büro. Ihre E-Mail wird in dieser Zeit nicht weitergeleitet.",
        "I am out of the office until Monday. Your message will not be forwarded.",
        "Je suis absente cette semaine. Vos messages ne seront pas transférés.",
        "Estoy de vacaciones. Los mensajes no serán reenviados.",
        "Ik ben deze week afwezig. E-mails worden niet doorgestuurd.",
    ],
)
def test_programs_that_answer_stay_programs(text: str) -> None:
    assert kind(text=text) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply lever, price?",
        "Réponse automatique de la pompe",
        "Automatische Antwort von der Steuerung",
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
        "【外部】自動返信: 価格",
        "ВНЕШНИЙ: Автоматический ответ: Цены",
        "[Zewnętrzna] Odpowiedź automatyczna: Ceny",
        "⚠ EXTERNAL ⚠ Automatic reply: Prices",
        "❗️Extern❗️ Automatiskt svar: Priser",
        "<<EXTERNAL>> Automatic reply: Prices",
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
    "subject",
    [
        "EXTERNAL: Re: Automatic reply: Prices",
        "EXTERNAL: Prices",
        "Warning: the press leaks",
        "[EXT] Prices",
        "【外部】価格",
    ],
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


@pytest.mark.parametrize(
    ("subject", "answers"),
    [
        ("AUTO: Léa Petit est absente(e). (retour 03/04/2026)", ""),
        ("Carla Neri è assente", ""),
        ("Absence: Re: Prices", ""),
        ("Absence : Prices", "a1"),
        ("Urlaub: Prices", "a1"),
        ("OOO: Prices", "a1"),
        ("FW EXTERNAL: Automatic reply: Prices", ""),
    ],
)
def test_an_absence_before_the_subject_that_is_answered_is_an_automatic_answer(subject: str, answers: str) -> None:
    assert kind(subject=subject, answers=answers) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "answers"),
    [
        ("Absence: who stands in for me in June?", "a1"),
        ("Vacation: the dates of our plant", ""),
        ("Absence of the second press", "a1"),
        ("FW: Automatic reply: Prices", ""),
        ("Autoresponder of your shop", ""),
        ("Automatic reply for our new mailbox", ""),
    ],
)
def test_people_write_about_absences_and_automatic_answers_as_well(subject: str, answers: str) -> None:
    assert kind(subject=subject, answers=answers) is Kind.HUMAN


def test_an_absence_before_a_subject_with_a_request_is_a_person_s() -> None:
    text = "I am off from Monday. Could you send the offer for the press before?"
    assert kind(subject="Urlaub: Prices", answers="a1", text=text) is Kind.HUMAN
    assert kind(subject="Urlaub: Prices", answers="a1", text="Ich bin bis Montag nicht da.") is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Abwesenheit von Max", "Max ist bis Juni weg. Wer macht uns nun die Preise?", Kind.HUMAN),
        ("Abwesenheit von Bea", "Wer schreibt, dem antworte ich im Juni.", Kind.AUTO_REPLY),
        ("Abwesenheit von Max", "Ich bin bis Juni nicht im Büro.", Kind.AUTO_REPLY),
        ("Automatic reply from Max", "Could you write to Bea?", Kind.AUTO_REPLY),
    ],
)
def test_who_asks_while_another_is_away_is_a_person(subject: str, text: str, expected: Kind) -> None:
    assert kind(subject=subject, text=text) is expected


ANSWERING = """
X-Autogenerated: Reply
X-FC-MachineGenerated: true
X-POST-MessageClass: 9; Autoresponder
Delivered-To: Autoresponder
X-Precedence: auto_reply
Preference: auto-reply
X-Auto-Reply: yes
X-Mailer: vacation 2.1
X-Mailer: Shop autoresponder
"""
PASSING_ON_OR_ALIKE = """
X-Autogenerated: Redirect
X-Autogenerated: Mirror
X-FC-MachineGenerated: false
Delivered-To: autoresponder@acme.test
X-Auto-Reply: no
X-Mailer: Responsive Mail 3
X-Auto-Response-Suppress: All
"""


@pytest.mark.parametrize("extra", ANSWERING.split("\n")[1:-1])
def test_headers_of_programs_that_answer_make_an_automatic_answer(extra: str) -> None:
    assert kind(extra) is Kind.AUTO_REPLY
    assert kind(f"{extra}\nIn-Reply-To: <a1@acme.test>") is Kind.AUTO_REPLY


@pytest.mark.parametrize("extra", PASSING_ON_OR_ALIKE.split("\n")[1:-1])
def test_what_only_resembles_such_a_header_or_passes_mail_on_makes_none(extra: str) -> None:
    assert kind(extra) is Kind.HUMAN


@pytest.mark.parametrize("extra", ["In-Reply-To: <a1@acme.test>", "References: <a1@acme.test>", "Precedence: bulk"])
def test_an_answer_to_which_nothing_can_come_back_is_a_program_s(extra: str) -> None:
    null = f"Return-Path: <>\n{extra}"
    assert kind(null, subject="Re: Prices") is Kind.AUTO_REPLY
    for by_hand in (
        "User-Agent: Mozilla Thunderbird",
        "X-Mailer: iPhone Mail (22A)",
        "Auto-Submitted: no",
        "X-Forwarded-To: ana@acme.test",
        "Resent-From: <ana@acme.test>",
    ):
        if extra != "Precedence: bulk":
            assert kind(f"{null}\n{by_hand}", subject="Re: Prices") is Kind.HUMAN
    if extra != "Precedence: bulk":
        assert kind(null, subject="Re: Prices", text=ASKS) is Kind.HUMAN


def test_an_empty_return_path_on_a_first_mail_proves_nothing_alone() -> None:
    assert kind("Return-Path: <>") is Kind.HUMAN
    assert kind("Return-Path: <>\nX-Auto-Response-Suppress: All") is Kind.BULK


@pytest.mark.parametrize("said", ["yes", "auto-notified", "x-report; owner=1"])
def test_whatever_auto_submitted_says_but_no_a_program_wrote(said: str) -> None:
    assert kind(f"Auto-Submitted: {said}") is Kind.BULK
    assert kind(f"Auto-Submitted: {said}\nIn-Reply-To: <a1@acme.test>", subject="Re: Prices") is Kind.AUTO_REPLY
    assert kind("Auto-Submitted: no") is Kind.HUMAN


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("auto-generated (vacation)", Kind.AUTO_REPLY),
        ("auto-replied (vacation)", Kind.AUTO_REPLY),
        ("auto-generated (report)", Kind.BULK),
        ("no (vacation)", Kind.HUMAN),
    ],
)
def test_a_comment_on_auto_submitted_tells_of_a_vacation(said: str, expected: Kind) -> None:
    assert kind(f"Auto-Submitted: {said}", subject="Prices") is expected


HELP_DESKS = """
[Request received] Lathe
Request received: Lathe
Ticket received - Lathe
[#4711] Your ticket has been received
[Buyer Desk] [#4711] Ticket created
Demande enregistrée : tour
[Ticket erstellt] Drehbank
[Buyer Desk] We received your request
"""
BUYERS = """
Request received, what now?
Ticket received - when do we get the offer?
Tickets received with thanks
Request for tickets
[Lathe] We received your offer; please call
"""


@pytest.mark.parametrize("subject", HELP_DESKS.split("\n")[1:-1])
def test_what_help_desks_write_of_what_they_got_is_an_automatic_answer(subject: str) -> None:
    assert kind(subject=subject) is Kind.AUTO_REPLY
    assert kind(subject=f"Re: {subject}") is Kind.HUMAN


@pytest.mark.parametrize("subject", BUYERS.split("\n")[1:-1])
def test_people_receive_requests_and_tickets_as_well(subject: str) -> None:
    assert kind(subject=subject) is Kind.HUMAN


@pytest.mark.parametrize(
    "text",
    [
        "Tack för ditt mejl. Vi har tagit emot ditt ärende, ärendenummer 12. Vi återkommer inom två dagar.",
        "Takk for din henvendelse. Vi har mottatt saken, saksnummer 12. Vi svarer innen to dager.",
        "Dziękujemy za wiadomość. Otrzymaliśmy Państwa zgłoszenie, numer sprawy 12. Odpowiemy w ciągu dwóch dni.",
        "Спасибо за обращение. Ваша заявка получена, номер заявки 12. Мы ответим в течение двух дней.",
        "お問い合わせいただきありがとうございます。受け付けました。受付番号12。追ってご連絡いたします。",
    ],
)
def test_acknowledgements_are_known_in_further_languages(text: str) -> None:
    assert kind(text=text) is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "Tack för ditt mejl. Vi har tagit emot offerten. Kan ni leverera på fredag?",
        "Dziękujemy za wiadomość. Odpowiemy po urlopie, ale ile kosztuje prasa?",
        "Спасибо за ваше письмо. Мы ответим после праздников.",
        "ご連絡いたします。見積をお願いできますか？",
    ],
)
def test_people_thank_and_announce_in_those_languages_too(text: str) -> None:
    assert kind(text=text) is Kind.HUMAN
