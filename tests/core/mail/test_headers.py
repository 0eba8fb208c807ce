"""The header reader: what it reads where others lose it, and that it agrees with mail-parser where both read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import mailparser  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inboxwatch.core.mail.headers import Unusable, addresses, date, decoded, ids, normal_subject, parse, unfolded
from inboxwatch.core.model import FolderRole, RawMessage
from tests.support.messages import START, raw


def test_headers_behind_a_junk_line_are_found() -> None:
    message = parse(raw("From: bea@buyer.test\nthis line is no header\nMessage-ID: <a1@buyer.test>\nSubject: Hello"))
    assert (message.id, message.subject, message.sender.email) == ("a1@buyer.test", "Hello", "bea@buyer.test")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<a1@buyer.test>", "a1@buyer.test"),
        ("<a1@\n buyer.test>", "a1@buyer.test"),
        ("a1@buyer.test", "a1@buyer.test"),
        ("  <a1@buyer.test> (added by gateway)", "a1@buyer.test"),
        ("<no-at-sign-4711>", "no-at-sign-4711"),
    ],
)
def test_a_message_id_is_read_however_it_is_written(written: str, read: str) -> None:
    assert parse(raw(f"From: bea@buyer.test\nMessage-ID: {written}")).id == read


def test_a_message_without_id_gets_a_stable_one_of_its_header() -> None:
    first, again, other = (parse(raw(f"From: bea@buyer.test\nSubject: {subject}")) for subject in ("One", "One", "Two"))
    assert first.id == again.id != other.id
    assert first.id.endswith("@missing.inboxwatch")


def test_prose_with_an_address_in_in_reply_to_is_no_id() -> None:
    value = b'Your message of "Fri, 1 May 2026 10:00:00 +0200." <bea.buyer@buyer.test> <20260501.AA01@buyer.test>'
    assert ids(value, prose=True) == ("20260501.AA01@buyer.test",)
    assert ids(b"Message from Bea Buyer <bea@buyer.test>", prose=True) == ()


def test_ids_without_brackets_are_ids_and_words_are_not() -> None:
    assert ids(b"a1@buyer.test b2@buyer.test") == ("a1@buyer.test", "b2@buyer.test")
    assert ids(b"see my mail to ana@acme.test of Monday", prose=True) == ()


def test_hundreds_of_references_keep_the_root_and_the_nearest() -> None:
    chain = " ".join(f"<r{number}@buyer.test>" for number in range(1000))
    found = parse(raw(f"From: bea@buyer.test\nReferences: {chain}")).references
    assert (found[0], found[-1], len(found)) == ("r0@buyer.test", "r999@buyer.test", 200)


def test_nobody_answers_himself() -> None:
    message = parse(raw("From: b@buyer.test\nMessage-ID: <a@b.test>\nIn-Reply-To: <a@b.test>\nReferences: <a@b.test>"))
    assert message.in_reply_to == message.references == ()


def test_addresses_of_every_form_are_read_in_lower_case() -> None:
    found = addresses(
        b'"Buyer, Bea" <Bea@Buyer.Test>, cy@buyer.test (Cy (the boss) Doe), =?utf-8?q?J=C3=BCrgen?= <j@buyer.test>,'
        b" Team: d@buyer.test, e@buyer.test;, undisclosed-recipients:;"
    )
    assert [one.email for one in found if one.email] == [
        "bea@buyer.test",
        "cy@buyer.test",
        "j@buyer.test",
        "d@buyer.test",
        "e@buyer.test",
    ]
    assert [one.name for one in found][0:3:2] == ["Buyer, Bea", "Jürgen"]


def test_encoded_words_that_cut_a_letter_in_two_are_joined() -> None:
    assert decoded(b"=?utf-8?b?w6k=?= =?utf-8?b?w6k=?= ok") == "éé ok"
    assert decoded(b"=?utf-8?q?=C3?= =?utf-8?q?=A9?=") == "é"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "zlib", "no-such-charset", "base64"])
def test_a_charset_that_is_none_or_costs_too_much_is_read_as_latin_1(charset: str) -> None:
    assert decoded(f"=?{charset}?q?caf=E9?=".encode()) == "café"


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        (b"Mon, 4 May 2026 10:00:00 +0200", datetime(2026, 5, 4, 8, 0, tzinfo=UTC)),
        (b"4 May 2026 10:00 GMT", datetime(2026, 5, 4, 10, 0, tzinfo=UTC)),
        (b"Mon, 4 May 2026 10:00:00 -0330 (NST)", datetime(2026, 5, 4, 13, 30, tzinfo=UTC)),
        (b"Mon, 04 May 98 10:00:00 EST", datetime(1998, 5, 4, 15, 0, tzinfo=UTC)),
        (b"Mon, 4 May 2026 10:00:60 +0000", datetime(2026, 5, 4, 10, 0, 59, tzinfo=UTC)),
        (b"31 Foo 2026 10:00:00 +0000", None),
        (b"Mon, 44 May 2026 10:00:00 +0000", None),
        (b"soon", None),
        (b"", None),
    ],
)
def test_dates_of_every_age_are_read_and_nonsense_is_not(written: bytes, utc: datetime | None) -> None:
    assert date(written) == utc


def test_a_stamp_long_after_the_last_relay_is_a_migration_and_the_relay_is_believed() -> None:
    header = (
        "From: b@buyer.test\nReceived: from a by b; Mon, 5 Jan 2026 10:00:00 +0000\nDate: Mon, 5 "
        "Jan 2026 09:59:00 +0000"
    )
    message = parse(raw(header))
    assert (message.received_at, message.time_from) == (datetime(2026, 1, 5, 10, 0, tzinfo=UTC), "received")


def test_a_sent_copy_that_was_moved_has_the_time_of_its_date() -> None:
    header = "From: ana@acme.test\nDate: Mon, 5 Jan 2026 10:00:00 +0000"
    assert parse(raw(header, role=FolderRole.SENT)).time_from == "date"
    assert parse(raw(header)).received_at == START


def test_a_buyers_clock_in_the_future_is_not_believed() -> None:
    message = parse(raw("From: b@buyer.test\nDate: Mon, 4 Jan 2038 10:00:00 +0000"))
    assert (message.received_at, message.sent_at) == (START, None)


@pytest.mark.parametrize("block", [b"", b"\n\n", b"\x89PNG\r\n\x1a\n\0\0\0", b"just words\nand more"])
def test_what_holds_no_header_is_refused_with_a_reason(block: bytes) -> None:
    with pytest.raises(Unusable, match=r"empty|no header"):
        parse(RawMessage("x", FolderRole.INBOX, START, block))


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Prices",
        "AW: Re: Prices",
        "RE : Prices",
        "Re[2]: Prices",
        "回复：Prices",
        "[sales] Re: Prices",
        "Re: [sales] Fwd: Prices",
        "SV: VS: Antw: Prices",
        "Odp.: Prices",
        "Re^3: Prices",
    ],
)
def test_prefixes_of_many_languages_and_list_tags_are_no_part_of_a_subject(subject: str) -> None:
    assert normal_subject(subject) == "Prices"


@pytest.mark.parametrize("subject", ["Note: prices", "Invoice 12: due", "[Order 4711] shipped", "Offer"])
def test_words_that_are_no_prefix_stay(subject: str) -> None:
    assert normal_subject(subject) == subject


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='<>@,;:()"\\[].='),
    min_size=1,
    max_size=20,
)
locals_ = st.from_regex(r"[a-z][a-z0-9._+-]{0,20}[a-z0-9]", fullmatch=True).filter(lambda one: ".." not in one)


@given(name=names, local=locals_, subject=st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=60))
def test_it_agrees_with_mail_parser_on_well_formed_mail(name: str, local: str, subject: str) -> None:
    block = f'From: "{name}" <{local}@buyer.test>\nSubject: {subject}\nMessage-ID: <{local}@id.test>\nTo: ana@acme.test'
    ours, theirs = parse(raw(block)), mailparser.parse_from_bytes(block.encode() + b"\n\nHello")
    assert ours.id == theirs.message_id.strip("<>")
    assert [ours.sender.email] == [email.lower() for _, email in theirs.from_]
    assert ours.subject == unfolded(theirs.subject.encode())


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(block: bytes) -> None:
    try:
        message = parse(RawMessage("x", FolderRole.INBOX, START, block))
    except Unusable:
        return
    assert message.id
    assert message.received_at.tzinfo is UTC
    assert message.received_at <= START + timedelta(days=1)


header_lines = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"From",
                b"To",
                b"Subject",
                b"Message-ID",
                b"References",
                b"In-Reply-To",
                b"Date",
                b"Content-Type",
                b"Received",
            ]
        ),
        st.one_of(
            st.binary(max_size=80),
            st.lists(
                st.sampled_from(
                    [
                        b"<",
                        b">",
                        b"@",
                        b'"',
                        b"(",
                        b")",
                        b"\\",
                        b",",
                        b";",
                        b":",
                        b"\n ",
                        b"=?",
                        b"?q?",
                        b"?=",
                        b"a",
                        b"\xff",
                    ]
                ),
                max_size=40,
            ).map(b"".join),
        ),
    ),
    max_size=12,
)


@example([(b"Message-ID", b"\x85")])  # white space to str.split, and nothing else
@given(header_lines)
def test_any_header_values_are_read_or_refused(lines: list[tuple[bytes, bytes]]) -> None:
    block = b"\n".join(name + b": " + value for name, value in lines)
    try:
        message = parse(RawMessage("x", FolderRole.INBOX, START, block))
    except Unusable:
        return
    assert message.id not in (*message.in_reply_to, *message.references)
    assert all("\n" not in one.email for one in message.recipients)
