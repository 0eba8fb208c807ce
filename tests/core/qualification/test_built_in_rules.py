"""The built-in rules sort what they claim to: measured on inquiries that their author did not read."""

from __future__ import annotations

import pytest

from inboxwatch.config.class_rules import built_in
from tests.support.confusion import Confusion, confusion
from tests.support.inquiries import held_out, seen


@pytest.fixture(scope="module")
def unread() -> Confusion:
    return confusion(held_out())


def test_every_built_in_rule_does_what_its_examples_say() -> None:
    assert list(built_in().failures()) == []
    assert {one.class_ for one in built_in().classes} == {"support", "order", "vendor", "recruiting"}


def test_what_rules_would_filter_is_rightly_filtered(unread: Confusion) -> None:
    right, given = unread.filtered
    assert given >= 20
    assert right >= 0.99 * given


def test_no_inquiry_of_a_buyer_is_filtered(unread: Confusion) -> None:
    kept, sales = unread.sales_kept
    assert kept >= 0.99 * sales


def test_a_buyer_is_hardly_ever_taken_for_support_or_an_order(unread: Confusion) -> None:
    sales = [given for one, given, _ in unread.sorted_as if one.label_1 == "sales"]
    assert sum(given != "-" for given in sales) <= 0.01 * len(sales)


def test_rules_find_something_in_each_of_eleven_languages() -> None:
    languages = {"cs", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr"}
    assert languages <= confusion(seen() + held_out()).languages
