"""Web addresses of mails: whatever others wrote in an id stays inside its place."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail_link import checked_template, gmail, of_provider, of_template
from inboxwatch.core.model import MessageId

WEBMAIL = "https://webmail.example/?user={address}&search={message_id}"


def test_gmail_is_asked_for_the_message_id_in_the_mailbox_of_the_address() -> None:
    link = gmail("ana+x@acme.test", MessageId("m/1+a@buyer.test"))
    assert link == (
        "https://mail.google.com/mail/u/?authuser=ana%2Bx%40acme.test#search/rfc822msgid%3Am%2F1%2Ba%40buyer.test"
    )


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_a_hostile_message_id_changes_nothing_but_its_own_place(text: str) -> None:
    link = of_template(WEBMAIL, "ana@acme.test", MessageId(text))
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "webmail.example", "/", "")
    assert list(parse_qs(parts.query, keep_blank_values=True)) == ["user", "search"]
    assert not set(link) & set("<>\"' \n\\`")
    found = gmail("ana@acme.test", MessageId(text))
    assert found.startswith("https://mail.google.com/mail/u/?authuser=ana%40acme.test#search/rfc822msgid%3A")
    assert set(found.partition("rfc822msgid%3A")[2]) <= set(unquote(found)) | set("%0123456789ABCDEF")


def test_a_message_without_an_id_of_its_own_has_no_link() -> None:
    assert gmail("ana@acme.test", MessageId("0a1b@missing.inboxwatch")) == ""
    assert of_template(WEBMAIL, "ana@acme.test", MessageId("0a1b@missing.inboxwatch")) == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://outlook.office365.com/owa/?ItemID=AAMk%3D&exvsurl=1", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://", False),
        ("//outlook.office365.com/owa", False),
        ("https://[bad/owa", False),
        ('https://x.test/"onload="', False),
        ("https://x.test/a b", False),
        (f"https://x.test/{'a' * 3000}", False),
    ],
)
def test_of_what_a_provider_gives_only_plain_web_addresses_are_kept(given: str, kept: bool) -> None:
    assert of_provider(given) == (given if kept else "")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("https://webmail.example/?search=x", "must name the message"),
        ("https://webmail.example/{subject}?{message_id}", "{subject} is no place"),
        ("javascript:open('{message_id}')", "must be an address"),
        ("https://{message_id}/", "must be an address"),
        ("https://webmail.example/ {message_id}", "must be an address"),
    ],
)
def test_a_template_that_could_not_work_is_refused_with_what_to_write(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked_template(template)
