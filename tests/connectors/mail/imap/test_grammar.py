"""What IMAP servers write and what the cursor holds: read back whatever stands in it, hostile names included."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail.folder_reading import shares
from connectors.mail.imap.body_structure import leaves, names_machine_parts, ordinary
from connectors.mail.imap.fetch_response import fetch_answer, internal_date
from connectors.mail.imap.position import UidPosition, decode, encode, ranges
from tests.doubles.scripted_imap import uids_of

UIDS = st.sets(st.integers(1, 2**32 - 1), min_size=1, max_size=60).map(sorted)


def quoted(text: str) -> bytes:
    return b'"' + text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


@given(st.sets(st.integers(1, 400), min_size=1).map(sorted))
def test_a_set_of_uids_names_each_of_them_and_no_other(uids: list[int]) -> None:
    assert uids_of(ranges(uids)) == uids


@given(st.dictionaries(st.sampled_from("abc"), UIDS), st.integers(1, 20))
def test_batches_hold_every_message_once_in_order_and_are_bounded(pending: dict[str, list[int]], size: int) -> None:
    cut = list(shares(pending, size))
    assert all(cut)
    for name, uids in pending.items():
        assert [uid for share in cut for uid in share.get(name, ())] == uids
    assert all(sum(map(len, share.values())) <= size + len(pending) for share in cut)


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.builds(
            UidPosition,
            st.integers(1, 2**32),
            st.integers(1, 2**32),
            st.integers(1, 2**32),
            st.none() | st.dates(date(1980, 1, 1)),
            st.none() | st.tuples(st.integers(), st.integers(1, 2**32)),
        ),
        max_size=4,
    )
)
def test_a_cursor_says_what_was_put_into_it(marks: dict[str, UidPosition]) -> None:
    assert decode(encode(marks)) == marks


@given(st.text())
def test_no_text_breaks_the_reading_of_a_cursor(text: str) -> None:
    decode(text)


@given(st.text(st.characters(blacklist_characters="\r\n\0", codec="utf-8"), max_size=60), st.booleans())
def test_a_file_name_cannot_forge_what_the_server_says(name: str, literal: bool) -> None:
    """A sender chooses names inside BODYSTRUCTURE: `x" NIL) UID 99 BODY[HEADER] "`."""
    head = b'3 (BODYSTRUCTURE ("text" "plain" ("name" '
    tail = b') NIL NIL "7bit" 4 1) UID 7 INTERNALDATE "01-Nov-2026 10:00:00 +0000" BODY[HEADER]<0> {5}'
    if literal:
        data = [(head + b"{%d}" % len(name.encode()), name.encode()), (tail, b"A: b\n"), b")"]
    else:
        data = [(head + quoted(name) + tail, b"A: b\n"), b")"]
    answer = fetch_answer(data).by_uid[7]
    assert answer[b"BODY[HEADER]"] == b"A: b\n"
    assert [leaf.content_type for leaf in leaves(answer[b"BODYSTRUCTURE"])] == ["text/plain"]
    assert [part.content_type for part in ordinary(answer[b"BODYSTRUCTURE"])] == ["text/plain"]


LEAF = st.builds(
    lambda kind, name, size: (
        b'("%b" "%b" ("charset" %b) NIL %b "base64" %d 3 NIL NIL NIL NIL)' % (*kind, quoted(name), quoted(name), size)
    ),
    st.sampled_from([(b"TEXT", b"Plain"), (b"text", b"html"), (b"application", b"x-zip+y"), (b"image", b"png")]),
    st.text(st.characters(blacklist_characters="\r\n\0", codec="utf-8"), max_size=20),
    st.integers(0, 10**9),
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(
        lambda parts: b"(" + b"".join(parts) + b' "mixed" ("boundary" "b") NIL NIL NIL)'
    ),
    max_leaves=12,
)


@given(TREE)
def test_the_quick_and_the_full_reading_of_a_structure_agree(structure: bytes) -> None:
    full = [(leaf.content_type, leaf.size) for leaf in leaves(structure)]
    assert [(part.content_type, part.size) for part in ordinary(structure)] == full


@given(st.binary(max_size=80))
def test_no_structure_breaks_the_reading(structure: bytes) -> None:
    ordinary(structure)
    with contextlib.suppress(ValueError):
        leaves(structure)


def test_machine_parts_bear_the_sections_that_fetch_them() -> None:
    structure = (
        b'(("text" "plain" NIL NIL NIL "7bit" 1 1)(("text" "html" NIL NIL NIL "7bit" 1 1)'
        b'("TEXT" "CALENDAR" ("METHOD" "REPLY") NIL NIL "BASE64" 9 1) "alternative")'
        b'("message" "delivery-status" NIL NIL NIL "7bit" 9)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 9 (NIL) ("text" "plain" NIL NIL NIL "7bit" 1 1) 1) "report")'
    )
    assert names_machine_parts(structure)
    assert [(leaf.fetch, leaf.content_type) for leaf in leaves(structure) if leaf.machine] == [
        ("2.2", "text/calendar; method=reply"),
        ("3", "message/delivery-status"),
        ("4.HEADER", "message/rfc822"),
    ]


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_internal_dates_are_read_in_utc(moment: datetime, minutes: int) -> None:
    local = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    written = f"{local.day:2}-{months[local.month - 1]}-{local:%Y %H:%M:%S %z}"
    assert internal_date(written.encode()) == local
    assert internal_date(written.encode()).tzinfo is UTC


@pytest.mark.parametrize("text", [b"", b"soon", b"32-Nov-2026 10:00:00 +0000", b"01-Foo-2026 10:00:00 +0000"])
def test_a_date_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        internal_date(text)
