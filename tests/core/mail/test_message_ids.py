"""Ids of messages: however oddly written, they are read as in their plain form; addresses of people are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail.headers import ids, parse
from inboxwatch.core.mail.message_ids import own
from tests.support.messages import mail, ours, raw, take

CAPITALS = "KJDEMOQWERTZUIOPASDFGHJKLYAA.lathe@buyer.test"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<a1@b.test> <c2@b.test> <a1@b.test>", ("c2@b.test", "a1@b.test")),
        ("<a1@b.test>,<c2@b.test>;<d3@b.test>", ("a1@b.test", "c2@b.test", "d3@b.test")),
        ("<a1@b.test><c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("<a1@b.test> (that of Monday, <x9@b.test>) <c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("(of (last) week) <a1@b.test>", ("a1@b.test",)),
        ("<a1@\t b.test> <c2 @b.test>", ("a1@b.test", "c2@b.test")),
        ("< a1@b.test > <c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("<a1@b.test, c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("<a1@b.test <c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("a1@b.test> <c2@b.test>", ("a1@b.test", "c2@b.test")),
        ("<a1@b.test> c2@b.test", ("a1@b.test", "c2@b.test")),
        ("a1@b.test, c2@b.test", ("a1@b.test", "c2@b.test")),
        ("<<a1@b.test>>", ("a1@b.test",)),
        ("&lt;a1@b.test&gt;", ("a1@b.test",)),
        ("=?utf-8?q?=3Ca1=40b=2Etest=3E?= =?utf-8?q?_=3Cc2=40b=2Etest=3E?=", ("a1@b.test", "c2@b.test")),
        ('"<a1@b.test>"', ("a1@b.test",)),
        ("(<a1@b.test>)", ("a1@b.test",)),
    ],
)
def test_odd_references_are_read_as_plain_ones(written: str, read: tuple[str, ...]) -> None:
    assert ids(written.encode()) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f'<{CAPITALS}> from "Ben" at Mar 02, 2026', CAPITALS),
        (f"Message from Ben <ben@buyer.test> of Monday <{CAPITALS}>", CAPITALS),
        (f"Message of Monday <{CAPITALS}>", CAPITALS),
        ("<brisk.otter@buyer.test> (Ben's message of Monday)", "brisk.otter@buyer.test"),
        ("<brisk.otter@buyer.test> from Ben <ben@buyer.test>", "brisk.otter@buyer.test"),
        ("<20260302.7@b.test> from Ben <ben@buyer.test>", "20260302.7@b.test"),
        ('Ben\'s message of "Mon, 2 Mar 2026" <ben@buyer.test> <m7.x9k@buyer.test>', "m7.x9k@buyer.test"),
        ('Your message of "Mon, 2 Mar <ben@buyer.test>" <m7.x9k@buyer.test>', "m7.x9k@buyer.test"),
        ("Your message of Monday (<m7.x9k@buyer.test>)", "m7.x9k@buyer.test"),
        ("202603020900.AA77@buyer.test from Ben", "202603020900.AA77@buyer.test"),
        ("<brisk@b.test>", "brisk@b.test"),
        ("<no-at-sign> of Monday", "no-at-sign"),
    ],
)
def test_prose_around_an_id_hides_it_not(written: str, read: str) -> None:
    assert ids(written.encode(), prose=True) == (read,)


@pytest.mark.parametrize(
    "written",
    [
        "Your message of Monday <ben@buyer.test>",
        "Message of BEN.OTTER@BUYER.TEST",
        "Message of Monday <BENJAMINOTTER@BUYER.TEST>",
        "Message of Monday <Ben.McOtter2@buyer.test>",
        "<ben@buyer.test>'s message of Monday",
        "ben.otter22@buyer.test wrote on Monday",
        "your call (ben@buyer.test)",
        'ben@buyer.test (Ben Otter) "Lathe" (Mar  2,  9:00am)',
        '"Ben Otter" <ben@buyer.test> "Re: Lathe" (Mar  2,  9:00am)',
        '<ben@buyer.test> "Re: Lathe" (Mar  2,  9:00am)',
        "ben@plant (Ben Otter)",
        '"Ben Otter" <ben> "Re: Lathe" (Mar  2,  9:00am)',
        "Monday",
        "",
    ],
)
def test_the_address_of_a_person_in_prose_is_no_id(written: str) -> None:
    assert ids(written.encode(), prose=True) == ()


def test_an_id_without_brackets_is_what_the_answer_names() -> None:
    for written in (f"<{CAPITALS}>", CAPITALS, f"<{CAPITALS[:20]}\n {CAPITALS[20:]}>", f"{CAPITALS} (added)"):
        assert parse(raw(f"From: b@buyer.test\nMessage-ID: {written}")).id == CAPITALS
    assert own("(added) <a1@b.test>") == "a1@b.test"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<0f31$9c@=?koi8-r?B?4c7WxczBIPLP?= <Ada.Ray>", "Ada.Ray"),
        ("<0f31$9c@the front desk <77k@desk.test>", "77k@desk.test"),
        ("<0f31$9c @desk.test> <77k@desk.test>", "0f31$9c@desk.test"),
        ("<0f31$9c@desk.test> <77k@desk.test>", "0f31$9c@desk.test"),
    ],
)
def test_of_an_own_id_that_breaks_off_and_a_whole_one_the_whole_one_is_meant(written: str, read: str) -> None:
    assert own(written) == read


def test_an_id_given_twice_counts_where_it_stands_last() -> None:
    found = take(
        mail("q1", 0),
        ours("a1", 10, subject="Re: Prices", answers="q1", references="q1"),
        mail("q2", 20, subject="Re: Prices", answers="a1", references="q1 a1"),
        ours("a2", 30, subject="Fwd: Prices", references="q2 q1 a1 q2 unread"),
    )
    assert found["a2"].match.parent == "q2"


word = st.from_regex(r"[A-Za-z0-9._+-]{1,30}", fullmatch=True)
plain = st.lists(
    st.builds("{}@{}.test".format, word, st.from_regex(r"[a-z]{1,9}", fullmatch=True)), min_size=1, max_size=6
)
quirks = st.lists(
    st.sampled_from([" ", "\t", " (a note) ", ", ", " (of <x@y.test>) ", ";", ""]), min_size=7, max_size=7
)


@given(plain, quirks, st.integers(0, 40), st.booleans())
def test_ids_with_comments_folds_and_marks_between_them_are_those_of_the_plain_form(
    names: list[str], between: list[str], fold: int, entities: bool
) -> None:
    expected = ids(" ".join(f"<{one}>" for one in names).encode())
    odd = [f"{one[: fold % len(one)]} {one[fold % len(one) :]}" for one in names]
    text = "".join(f"{gap}<{one}>" for gap, one in zip(between, odd, strict=False))
    text = text.replace("<", "&lt;").replace(">", "&gt;") if entities else text
    assert ids(text.encode()) == expected


@given(st.text(st.sampled_from("<>()\"\\@ab,; \t'")), st.booleans())
def test_anything_gives_ids_without_spaces_each_once(text: str, prose: bool) -> None:
    found = ids(text.encode(), prose=prose)
    assert len(set(found)) == len(found)
    assert all(one and not any(c.isspace() or c in "<>" for c in one) for one in found)


@pytest.mark.parametrize("piece", ["(", '"', '\\"', "(a", "<", "<a", "<a@ ", ">", ") (", "a@b ", "&lt;", '("\\'])
def test_hostile_values_cost_linear_time(piece: str) -> None:
    assert len(ids(piece.encode() * 20_000, prose=True)) <= 20_000


@pytest.mark.parametrize("header", ["References: <q{n}@b.test> <{who}>", "References: <{who}>", "In-Reply-To: <{who}>"])
@pytest.mark.parametrize("who", ["ana@acme.test", "Ana@Acme.test"])
def test_the_address_of_one_of_its_people_is_no_id_and_joins_no_strangers(header: str, who: str) -> None:
    """Programs copy it into References from an In-Reply-To in prose: `Ana Diaz <ana@acme.test> "Re: Prices"`."""
    mails = [
        mail(f"a{n}@b.test", 60 * n, sender=f"x{n}@{firm}.test", subject=firm, extra=header.format(n=n, who=who))
        for n, firm in enumerate(("lathe", "drill"))
    ]
    found = take(*mails)
    assert len({entry.match.thread for entry in found.values()}) == 2
    for n, entry in enumerate(found.values()):
        assert entry.message.references == ((f"q{n}@b.test",) if "q{n}" in header else ())
        assert entry.message.in_reply_to == ()


def test_what_looks_like_an_address_of_none_of_its_people_stays_an_id() -> None:
    question, answer = mail("brisk@b.test", 0), ours("a1@acme.test", 5, answers="brisk@b.test", subject="Other")
    found = take(question, answer)
    assert found["a1@acme.test"].match.parent == "brisk@b.test"
