"""Fields of a CRM as columns: what people write as a web address, and values that are no texts."""

from __future__ import annotations

import pytest

from connectors.leads.lead_columns import domain_of, plain


@pytest.mark.parametrize(
    ("website", "domain"),
    [
        ("https://www.Buyer.test/en?x=1#top", "buyer.test"),
        ("buyer.test", "buyer.test"),
        (" WWW.buyer.test. ", "buyer.test"),
        ("http://shop.buyer.co.test:8080", "shop.buyer.co.test"),
        ("https://ana:secret@buyer.test", "buyer.test"),
        ("bücher.test", "bücher.test"),
        ("buyer", ""),
        ("none yet", ""),
        ("192.0.2.7", ""),
        ("http://[2001:db8::1]/", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_the_domain_of_a_web_address_is_that_of_the_company_or_none(website: str, domain: str) -> None:
    assert domain_of(website) == domain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Head \n of  Sales ", "Head of Sales"),
        (250.0, "250"),
        (2.5, "2.5"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        ({"street": "x"}, ""),
        (["a"], ""),
    ],
)
def test_a_value_is_written_as_people_would(value: object, text: str) -> None:
    assert plain(value) == text
