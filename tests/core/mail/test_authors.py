"""Direction and author from all evidence: forms, lists, portals, colleagues by directory name, redirected copies."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Direction, FolderRole, Kind, Message, PersonId
from tests.support.messages import US, lead, mail, ours, take

BEA = "Reply-To: Bea Buyer <bea@buyer.test>"
FILLED = "Name: Bea Buyer\nE-mail: bea@buyer.test\nMessage: what does the press cost?"
DIRECTORY = "</O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (X)/CN=RECIPIENTS/CN=0F9E-MAX>"


@pytest.mark.parametrize(
    ("sender", "extra"),
    [
        ("Website <wordpress@acme.test>", f"{BEA}\nCc: Bea Buyer <bea@buyer.test>"),
        ("Website <www@acme.test>", f"{BEA}\nCc: Cy <cy@other.test>"),
        ("'Bea Buyer' via Desk <desk@acme.test>", f"{BEA}\nList-Id: <desk.acme.test>\nCc: Cy <cy@buyer.test>"),
        (
            "Bea Buyer via Desk <desk@lists.acme.test>",
            "Reply-To: desk@lists.acme.test\nList-Id: <desk.acme.test>\nCc: Bea Buyer <bea@buyer.test>",
        ),
        ("'Bea' via Desk <desk@acme.test>", "X-Original-From: Bea <bea@buyer.test>\nCc: Cy <cy@buyer.test>"),
    ],
)
@pytest.mark.parametrize("answers", ["", "q0"])
def test_a_list_or_form_of_ours_writes_in_the_buyers_name_though_somebody_outside_gets_a_copy(
    sender: str, extra: str, answers: str
) -> None:
    entry = take(mail("m1", sender=sender, to="sales@acme.test", extra=extra, answers=answers), shared=True)["m1"]
    assert (entry.direction, entry.verdict.kind, entry.lead) == (Direction.INBOUND, Kind.HUMAN, "bea@buyer.test")


@pytest.mark.parametrize(
    ("sender", "to", "extra"),
    [
        ("Ana <ana@acme.test>", "bea@buyer.test", "Reply-To: box-77@tool.test"),
        ("Ana <ana@acme.test>", "bea@buyer.test", "Reply-To: box-77@tool.test\nCc: sales@acme.test"),
        ("Ana via Desk <desk@acme.test>", "desk@acme.test", "Reply-To: ana@acme.test\nCc: Bea <bea@buyer.test>"),
        ("Ana <ana@acme.test>", "max@acme.test", "Cc: Bea <bea@buyer.test>"),
    ],
)
def test_what_our_people_write_stays_outbound(sender: str, to: str, extra: str) -> None:
    assert US.direction(mail("m1", sender=sender, to=to, extra=extra)) is Direction.OUTBOUND


def test_a_colleague_who_names_the_buyer_for_answers_is_the_author() -> None:
    us = Us(frozenset({"acme.test"}), {"ana@acme.test": PersonId("ana"), "sales@acme.test": None})
    handed = mail("m1", sender="Ana <ana@acme.test>", to="max@acme.test", extra=f"{BEA}\nCc: bea@buyer.test")
    assert us.direction(handed) is Direction.OUTBOUND


def test_a_newsletter_through_our_group_stays_one() -> None:
    extra = "X-Original-From: Shop <newsletter@shop.test>\nList-Id: <desk.acme.test>\nCc: Cy <cy@other.test>"
    entry = take(mail("m1", sender="Shop via Desk <desk@acme.test>", to="desk@acme.test", extra=extra))["m1"]
    assert entry.verdict.kind is Kind.BULK


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("Pages <no-reply@pages.test>", "New inquiry", FILLED),
        ("Pages <no-reply@pages.test>", "Message from your website", None),
        ("Cars <leads@portal.test>", "Somebody asks", None),
        ("Pages <form-mailer@pages.test>", "Prices", FILLED),
        ("Shop <desk@shop.test>", "Contact form: press", None),
        ("Seiten <noreply@seiten.test>", "Neue Einsendung: Anfrage", None),
        ("Sidor <no-reply@sidor.test>", "Ny förfrågan", None),
        ("Сайт <no-reply@site.test>", "Новая заявка: станок", None),
    ],
)
def test_who_filled_in_a_form_of_a_service_is_the_lead(sender: str, subject: str, text: str | None) -> None:
    entry = take(mail("m1", sender=sender, subject=subject, text=text, extra=BEA), shared=True)["m1"]
    assert (entry.verdict.kind, entry.lead) == (Kind.HUMAN, "bea@buyer.test")
    known = take(mail("m1", sender=sender, subject=subject, text=text, extra=BEA), leads=(lead("bea@buyer.test"),))
    assert known["m1"].lead == "bea@buyer.test"


@pytest.mark.parametrize(
    ("sender", "extra", "expected"),
    [
        ("Shop <no-reply@shop.test>", "Reply-To: support@shop-help.test", Kind.BULK),
        ("Shop <newsletter@shop.test>", f"{BEA}\nList-Unsubscribe: <https://shop.test/u>", Kind.BULK),
        ("Files <no-reply@files.test>", "Reply-To: no-reply@files-mail.test", Kind.BULK),
        ("Shop <no-reply@shop.test>", "Reply-To: Ann Shop <ann@mail.shop.test>", Kind.BULK),
    ],
)
def test_machines_that_answer_elsewhere_stay_machines(sender: str, extra: str, expected: Kind) -> None:
    entry = take(mail("m1", sender=sender, subject="New inquiry", extra=extra), shared=True)["m1"]
    assert (entry.verdict.kind, entry.lead) == (expected, None)


def test_a_form_may_say_that_a_program_sent_it() -> None:
    extra = f"{BEA}\nAuto-Submitted: auto-generated"
    entry = take(mail("m1", sender="Pages <hello@pages.test>", text=FILLED, extra=extra), shared=True)["m1"]
    assert (entry.verdict.kind, entry.lead) == (Kind.HUMAN, "bea@buyer.test")


def test_a_persons_other_address_for_answers_makes_no_other_lead() -> None:
    entry = take(mail("m1", extra="Reply-To: bea.private@mail.test"), shared=True)["m1"]
    assert entry.lead == "bea@buyer.test"


def test_a_directory_name_is_somebody_of_the_house() -> None:
    found = take(
        mail("q1", 0),
        ours("x1", 30, to=f"Max {DIRECTORY}", answers="q1"),
        ours("a1", 60, answers="q1"),
        mail("y1", 90, sender=f"Max {DIRECTORY}", to="ana@acme.test", answers="a1"),
        shared=True,
    )
    assert [found[name].direction for name in ("x1", "a1", "y1")] == [
        Direction.INTERNAL,
        Direction.OUTBOUND,
        Direction.INTERNAL,
    ]
    assert found["x1"].outside == ()
    assert found["y1"].lead is None


def _in_sent(sender: str, extra: str = "") -> Message:
    return mail("m1", sender=sender, extra=extra, to="bea@buyer.test", role=FolderRole.SENT)


def test_a_sent_folder_bears_witness_but_for_what_was_only_passed_on() -> None:
    assert US.direction(_in_sent("Ana <ana@alias.test>")) is Direction.OUTBOUND
    assert US.direction(_in_sent("Bea <bea@buyer.test>", "Resent-From: ana@acme.test")) is Direction.INBOUND
    assert US.direction(_in_sent("Ana <ana@acme.test>", "Resent-From: ana@acme.test")) is Direction.OUTBOUND


@pytest.mark.parametrize(
    ("sender", "extra", "person"),
    [
        ("Sales <sales@acme.test>", "Sender: Ana <ana@acme.test>", "ana"),
        ("Max <max@acme.test>", "Sender: Ana <ana@acme.test>", "ana"),
        ("Max <max@acme.test>", "Sender: relay@tool.test", "max"),
        ("Sales <sales@acme.test>", "Sender: sales@acme.test", None),
        ("Max <max@acme.test>", "", "max"),
    ],
)
def test_who_sent_on_behalf_of_another_wrote_it(sender: str, extra: str, person: str | None) -> None:
    people: dict[str, PersonId | None] = {f"{name}@acme.test": PersonId(name) for name in ("ana", "max")}
    us = Us(frozenset({"acme.test"}), {**people, "sales@acme.test": None})
    assert us.writer(mail("m1", sender=sender, extra=extra)) == person


def test_what_we_know_of_the_author_outweighs_the_shape_of_the_address() -> None:
    first = mail("m1", 0, sender="offers@buyer.test")
    assert take(first)["m1"].verdict.kind is Kind.BULK
    assert take(first, leads=(lead("offers@buyer.test"),))["m1"].verdict.kind is Kind.HUMAN
    answered = take(
        ours("a1", 0, to="offers@buyer.test"), mail("m1", 90, sender="offers@buyer.test", answers="a1", subject="News")
    )
    assert answered["m1"].verdict.kind is Kind.HUMAN
    assert answered["m1"].verdict.signal


def test_a_sales_tools_way_out_makes_no_list_of_a_known_lead() -> None:
    tool = "List-Unsubscribe: <https://tool.test/u>"
    letter = mail("m1", 60, extra=tool)
    known = (lead("bea@buyer.test"),)
    assert take(ours("a1", 0), letter, leads=known)["m1"].verdict.kind is Kind.HUMAN
    assert take(letter, leads=known)["m1"].verdict.kind is Kind.BULK
    many = mail("m1", 60, to="ana@acme.test, cy@other.test", extra=tool)
    assert take(ours("a1", 0), many, leads=known)["m1"].verdict.kind is Kind.BULK
    certain = mail("m1", 60, extra="Auto-Submitted: auto-generated")
    assert take(ours("a1", 0), certain, leads=known)["m1"].verdict.kind is Kind.BULK
