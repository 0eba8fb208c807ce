"""Titles: which tags before a subject name a list, and which number a matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail.subjects import read
from inboxwatch.core.mail.words import table
from tests.support.messages import mail, take

LISTS = table("""
    m2m-users, press-4, press_4, Desk 24/7, 24/7 hotline, 5axis, log4x-users, i14y, Weld2Fit, B2B, B2B Presses, H-sig-3,
    lathe-2-dev, 60-plus, cad2cam, steel4all, ipv4, p2p
""")
NUMBERS = table("""
    #815, 3/4, 7/7, 7/24, Part 7/7, v3, V3, rc2, Part 1/4, part-3, Teil 2, Teil2, Lot 7, Ticket 3, ticket-3,
    PRESS-4, PRESS-2207, REQ0019283, 2207, 7, Order 31, Auftrag 31, DRAFT v2 1/3, 2nd, 3b, 1.4, 2026-03-02,
    2/3/26, 24/8, 24/7/26, 09:30, CASE:3, No. 4, Q3, KW 12, D4E5F6, e5f6a7b8, case-3-closed, 2-part, ISO 9001,
    press-2207, Hall 3
""")


@pytest.mark.parametrize("tag", LISTS)
def test_a_digit_in_its_name_makes_a_lists_tag_no_number(tag: str) -> None:
    assert read(f"Re: [{tag}] Prices").key == read(f"[{tag}] Re: Prices").key == "prices"
    question, answer = mail("q1", 0), mail("q2", 60, sender="Cy <cy@buyer.test>", subject=f"Re: [{tag}] Prices")
    assert len({one.match.thread for one in take(question, answer).values()}) == 1


@pytest.mark.parametrize("tag", NUMBERS)
def test_what_numbers_a_matter_keeps_it_apart_from_others_of_its_title(tag: str) -> None:
    assert read(f"Re: [{tag}] Prices").key not in {"prices", read("Re: [#816] Prices").key}
    question, answer = mail("q1", 0), mail("q2", 60, sender="Cy <cy@other.test>", subject=f"Re: [{tag}] Prices")
    assert len({one.match.thread for one in take(question, answer).values()}) == 2


def test_a_number_beyond_the_count_is_no_part_of_a_series() -> None:
    assert read("[Offer 2/3] Lathe").series == ("offer", 2, 3)
    assert read("[Desk 24/7] Lathe").series is None


@given(st.text(max_size=80), st.text(max_size=60))
def test_any_tag_before_any_title_is_read_once_and_for_all(tag: str, title: str) -> None:
    once = read(f"[{tag}] {title}")
    assert read(once.text).key == once.key
