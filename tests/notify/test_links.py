"""One-click links: they act for one person on one wait until they expire, and nobody can make or change one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.notify.links import Grant, LinkError, Links, signer

NOW = datetime(2026, 11, 3, 11, 5, tzinfo=UTC)
LINKS = Links(b"sixteen bytes and some more", "https://watch.acme.test/")
GRANT = Grant("c1", "acknowledge", "ana", NOW + timedelta(days=7))


def test_a_link_allows_what_was_signed_until_it_expires_and_not_a_moment_longer() -> None:
    token = LINKS.sign(GRANT)
    assert LINKS.verify(token, NOW) == GRANT
    assert LINKS.verify(token, GRANT.expires - timedelta(seconds=1)) == GRANT
    with pytest.raises(LinkError, match="expired"):
        LINKS.verify(token, GRANT.expires)


def test_a_person_gets_one_link_for_each_action() -> None:
    labels = [action.label for action in LINKS.actions("c1", "ana", NOW)]
    assert labels == ["I have it", "No reply owed"]
    tokens = [action.url.removeprefix("https://watch.acme.test/a/") for action in LINKS.actions("c1", "ana", NOW)]
    assert [LINKS.verify(token, NOW).action for token in tokens] == ["acknowledge", "dismiss"]


@given(st.integers(0, 500), st.characters(codec="ascii"))
def test_no_character_of_a_link_can_be_changed(place: int, char: str) -> None:
    token = LINKS.sign(GRANT)
    place %= len(token)
    changed = token[:place] + char + token[place + 1 :]
    if changed != token:
        with pytest.raises(LinkError):
            LINKS.verify(changed, NOW)


def test_the_same_bits_in_another_spelling_are_refused() -> None:
    token = LINKS.sign(GRANT)
    body, mac = token.split(".")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
    spellings = {f"{body}.{mac[:-1]}{letter}" for letter in letters} | {
        f"{body[:-1]}{letter}.{mac}" for letter in letters
    }
    for spelling in (spellings | {f"{body}=.{mac}", f"{body}.{mac}=", f" {token}", f"{token}\n"}) - {token}:
        with pytest.raises(LinkError):
            LINKS.verify(spelling, NOW)


@given(st.text())
def test_no_text_is_a_link(text: str) -> None:
    with pytest.raises(LinkError):
        LINKS.verify(text, NOW)


def test_another_secret_or_an_own_signature_is_refused() -> None:
    with pytest.raises(LinkError):
        Links(b"the secret of another daemon", "https://watch.acme.test").verify(LINKS.sign(GRANT), NOW)
    body = base64.urlsafe_b64encode(b'["c1","dismiss","ana",99999999999]').rstrip(b"=").decode()
    for mac in ("", "AAAA", base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()):
        with pytest.raises(LinkError):
            LINKS.verify(f"{body}.{mac}", NOW)


def test_what_the_same_secret_signs_for_another_purpose_is_no_link() -> None:
    secret = b"sixteen bytes and some more"
    body, mac = LINKS.sign(GRANT).split(".")
    signed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    assert signer(secret, "links").get_signature(signed).decode() == mac
    for purpose in ("web", "links 1", ""):
        with pytest.raises(LinkError):
            LINKS.verify(f"{body}.{signer(secret, purpose).get_signature(signed).decode()}", NOW)


def test_links_of_earlier_versions_stay_valid() -> None:
    """A link in somebody's mail outlives an upgrade: the bytes of a link are a wire format."""
    token = "WyJjMSIsImFja25vd2xlZGdlIiwiYW5hIiwxNzk0MzA4NzAwXQ.wg4l9xOdpnOU1KYx-n_8LsexxzTdUrSfUeThDD4M9Sw"
    assert LINKS.sign(GRANT) == token
    assert LINKS.verify(token, NOW) == GRANT


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Links(b"short", "https://watch.acme.test")
