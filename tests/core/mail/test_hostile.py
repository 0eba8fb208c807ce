"""Hostile mail: whatever is sent, it costs bounded work and ends as a message or a reasoned refusal.

No test takes the time: a reader of quadratic cost would run into the timeout of the suite.
"""

from __future__ import annotations

import resource

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxwatch.commands import archive
from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.mail.html import html_text
from inboxwatch.core.model import Message
from inboxwatch.mime import MAX_PARTS, machine_parts, text_of

BASE = b"From: bea@buyer.test\nTo: ana@acme.test\nMessage-ID: <x@buyer.test>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n"
BIG = 2_000_000

SHARDS = (
    b"From: ",
    b"To: ",
    b"Subject: ",
    b"Message-ID: ",
    b"References: ",
    b"In-Reply-To: ",
    b"Date: ",
    b"Content-Type: ",
    b"Received: ",
    b"List-Id: ",
    b"Auto-Submitted: ",
    b"Content-Transfer-Encoding: ",
    b"multipart/mixed; boundary=b",
    b"text/html",
    b"text/plain",
    b"message/rfc822",
    b"message/delivery-status",
    b"text/calendar; method=reply",
    b"; charset=",
    b"utf-7",
    b"punycode",
    b"base64",
    b"quoted-printable",
    b"--b",
    b"--b--",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n ",
    b"\n\n",
    b" ",
    b"<",
    b">",
    b"a@b.test",
    b'"',
    b"\\",
    b"(",
    b")",
    b",",
    b";",
    b":",
    b"=?utf-8?q?",
    b"=?",
    b"?=",
    b"=C3",
    b"=",
    b"\0",
    b"\xff",
    b"\xc3",
    b"> ",
    b"On Monday a@b.test wrote:",
    b"-----Original Message-----",
    b"Sent: ",
    b"<!--",
    b"<a href=",
    b"</",
    b"METHOD:REPLY",
    b"PARTSTAT=ACCEPTED",
    b"Action: failed",
    b"Mon, 2 Mar 2026 10:00:00 +0100",
    b"x" * 300,
)
"""Pieces of which broken mail is made."""


def nested(depth: int) -> bytes:
    kind = b"Content-Type: multipart/mixed; boundary=b%d\n\n"
    return BASE + b"".join(kind % number + b"--b%d\n" % number for number in range(depth)) + b"\nhello\n"


BOMBS = {
    "one header of 10 MB": lambda: BASE + b"Subject: " + b"x" * 10_000_000 + b"\n\nhi",
    "a million folds": lambda: BASE + b"X-Junk: a\n" + b" bbbbbbb\n" * (BIG // 9) + b"\nhi",
    "a million headers": lambda: BASE + b"X-A: b\n" * (BIG // 7) + b"\nhi",
    "a million recipients": lambda: BASE.replace(b"ana@acme.test", b"a@b.test, " * (BIG // 10)) + b"\nhi",
    "a million encoded words": lambda: BASE + b"Subject: " + b"=?utf-8?b?QUFB?= " * (BIG // 17) + b"\n\nhi",
    "open quotes": lambda: BASE.replace(b"ana@", b'"\\"' * (BIG // 3)) + b"\nhi",
    "open comments": lambda: BASE.replace(b"ana@", b"(" * BIG) + b"\nhi",
    "open brackets": lambda: BASE + b"In-Reply-To: " + b"<" * BIG + b"\n\nhi",
    "bare carriage returns": lambda: BASE + b"\r" * BIG + b"\nhi",
    "100,000 references": lambda: (
        BASE + b"References: " + b" ".join(b"<r%d@x.test>" % n for n in range(100_000)) + b"\n\nhi"
    ),
    "10,000 nested parts": lambda: nested(10_000),
    "20,000 nested messages": lambda: BASE + b"Content-Type: message/rfc822\n\n" * 20_000 + b"hi",
    "a million boundaries": lambda: BASE + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 1_000_000,
    "a long boundary": lambda: BASE + b"Content-Type: multipart/mixed; boundary=" + b"=" * 100_000 + b"\n\nhi",
    "a million parameters": lambda: BASE + b"Content-Type: text/plain; " + b"a*0=b; " * 100_000 + b"\n\nhi",
    "open tags": lambda: BASE + b"Content-Type: text/html\n\n" + b"<div>" * (BIG // 5),
    "open comments of HTML": lambda: BASE + b"Content-Type: text/html\n\n" + b"<!--" * (BIG // 4),
    "open brackets of HTML": lambda: BASE + b"Content-Type: text/html\n\n" + b"<!" * (BIG // 2),
    "quotes in quotes": lambda: BASE + b"\n" + b"> " * (BIG // 2),
    "a million rules": lambda: BASE + b"\n" + b"-----\n" * 1_000_000,
    "punycode": lambda: (
        BASE + b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 300_000 + b"-" + b"b" * 300_000
    ),
    "a charset that is none": lambda: BASE + b"Content-Type: text/plain; charset=zlib\n\nhello",
    "a status of 200,000 recipients": lambda: (
        BASE
        + b"Content-Type: message/delivery-status\n\n"
        + b"Final-Recipient: rfc822; a@b.test\nAction: failed\n\n" * 200_000
    ),
}


def taken(whole: bytes) -> Message:
    found = archive.found("bomb", whole)
    assert found.raw is not None, found.problem
    try:
        text = text_of(whole)
    except Unusable:
        text = None
    message = parse(found.raw, text)
    classify(message)
    quotes.read(text or "")
    return message


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_as_a_message_with_its_id(name: str) -> None:
    assert taken(BOMBS[name]()).id == "x@buyer.test"


def test_bombs_leave_the_memory_bounded() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("one header of 10 MB", "100,000 references", "open comments", "bare carriage returns"):
        taken(BOMBS[name]())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_parts_are_counted_to_a_limit() -> None:
    flat = BASE + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000 + b"--b--\n"
    assert len(machine_parts(flat)) == MAX_PARTS


def test_machine_parts_show_types_and_sizes_of_all_and_bytes_of_machines_only() -> None:
    whole = BASE + (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsecret words\n--b\n"
        b"Content-Type: TEXT/Calendar; METHOD=Reply\nContent-Transfer-Encoding: base64\n\nTUVUSE9EOlJFUExZ\n--b\n"
        b"Content-Type: message/rfc822\n\nMessage-ID: <a1@acme.test>\nSubject: Prices\n\nour own words\n--b--\n"
    )
    plain, invitation, returned = machine_parts(whole)
    assert (plain.content_type, plain.size, plain.payload) == ("text/plain", 12, None)
    assert (invitation.content_type, invitation.payload) == ("text/calendar; method=reply", b"METHOD:REPLY")
    assert returned.payload == b"Message-ID: <a1@acme.test>\nSubject: Prices"


def test_html_shows_its_text_marks_quotations_and_hides_scripts() -> None:
    source = (
        "<head><style>p {}</style></head><p>Hello&nbsp;Ana</p><!-- no "
        "--><script>evil()</script><blockquote>old <b>words</b></blockquote>new <a "
        "href='https://x.test/unsubscribe?u=1'>here</a>"
    )
    assert html_text(source) == "Hello Ana\n> old words\nnew <https://x.test/unsubscribe?u=1> here"


@given(st.text(st.sampled_from("<>!-=/'\" abpdivscript&;\n"), max_size=300))
def test_any_html_ends_as_text(source: str) -> None:
    assert "\0" not in html_text(source)


@given(st.text(st.sampled_from("> |:-_ \nOn wrote@1<>From"), max_size=400))
def test_any_text_is_taken_apart(text: str) -> None:
    found = quotes.read(text)
    assert found.own is not None


@given(st.binary(max_size=2000))
def test_any_bytes_have_machine_parts_and_a_text_or_a_refusal(whole: bytes) -> None:
    assert machine_parts(whole)
    try:
        text_of(whole)
    except Unusable as error:
        assert str(error)


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=100_000, deadline=None)
@given(st.lists(st.sampled_from(SHARDS), max_size=60).map(b"".join))
def test_ten_minutes_of_broken_mail_end_as_messages_or_refusals(whole: bytes) -> None:
    found = archive.found("broken", whole)
    if found.raw is None:
        assert found.problem
        return
    try:
        text = text_of(whole)
    except Unusable:
        text = None
    try:
        message = parse(found.raw, text)
    except Unusable:
        return
    assert classify(message).signal
    quotes.read(text or "")
