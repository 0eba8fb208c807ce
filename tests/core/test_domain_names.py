"""A domain with two spellings is one domain: for leads, for us, for companies and for the channels of mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.domain_names import folded_address, folded_domain
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Direction, PersonId
from tests.support.messages import lead, mail


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("käse.test", "xn--kse-qla.test"),
        ("KÄSE.Test", "xn--kse-qla.test"),
        ("ka\u0308se.test", "xn--kse-qla.test"),
        ("XN--KSE-QLA.test", "xn--kse-qla.test"),
        ("post.日本。test", "post.xn--wgv71a.test"),
        ("straße.test", "xn--strae-oqa.test"),
        ("plain.test", "plain.test"),
        ("", ""),
    ],
)
def test_two_spellings_are_folded(written: str, folded: str) -> None:
    assert folded_domain(written) == folded
    assert folded_address(f"Bea@{written}") == f"bea@{folded}"


@given(st.text(max_size=40))
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert folded_domain(folded_domain(text)) == folded_domain(text)


SPELLINGS = ("käse.test", "xn--kse-qla.test")


@pytest.mark.parametrize("known", SPELLINGS)
@pytest.mark.parametrize("used", SPELLINGS)
def test_a_lead_is_found_by_either_spelling(known: str, used: str) -> None:
    directory = Directory([lead(f"bea@{known}", domain=known)])
    message = mail("m1", sender=f"Bea <bea@{used}>")
    assert directory.attribute(message.sender.email) == (f"bea@{known}", "address")
    assert directory.attribute(mail("m2", sender=f"Cy <cy@mail.{used}>").sender.email) == (f"bea@{known}", "domain")
    assert directory.same_company(f"cy@{used}", lead(f"bea@{known}").id)


@pytest.mark.parametrize("known", SPELLINGS)
@pytest.mark.parametrize("used", SPELLINGS)
def test_we_are_we_in_either_spelling(known: str, used: str) -> None:
    us = Us(frozenset({known}), {f"ana@{known}": PersonId("ana")})
    message = mail("m1", sender=f"Ana <ana@{used}>", to="bea@buyer.test")
    assert us.direction(message) is Direction.OUTBOUND
    assert us.person(f"ana@{used}") == us.writer(message) == "ana"
    assert us.is_ours(f"max@{used}")
