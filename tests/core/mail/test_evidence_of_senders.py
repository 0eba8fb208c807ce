"""Senders, services and envelopes: one weak sign makes no machine, in company they do."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Kind
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
        "Ina Nichtern <i.nichtern@buyer.test>",
        "Rita Valaszo <rita.valaszo@buyer.test>",
        "Noemi Ponder <noemi.ponder@buyer.test>",
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
        "Firma <nicht-antworten@firma.test>",
        "Maison <ne_pas_repondre@maison.test>",
        "Tienda <noresponder@tienda.test>",
        "Ditta <non.rispondere@ditta.test>",
        "Winkel <niet-beantwoorden@winkel.test>",
        "Butik <svara-ej@butik.test>",
        "Firma <nie-odpowiadaj@firma.test>",
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
