"""Text for readers: strangers' text is harmless, words and times are right, operators' templates are safe."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inboxwatch.notify import ChannelSettings, Notice, NoticeType
from inboxwatch.notify.render import NAMES, Renderer
from inboxwatch.notify.slack import markup
from inboxwatch.notify.text import clean, hours, retry_after, said, span, web_link
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, BARE, MAX, clock, lost, notice, of_people

UTC_ZONE = ChannelSettings().zone


@given(st.text(st.characters()), st.integers(2, 300))
def test_cleaned_text_is_one_short_line_without_anything_invisible_whatever_came_in(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert_harmless(shown)
    assert len(shown) <= limit
    assert clean(shown, limit) == shown


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_cut_and_harmless(text: str) -> None:
    assert_harmless(clean(text))
    assert len(clean(text)) <= 200


def test_ordinary_text_in_any_script_is_left_as_it_is() -> None:
    for text in ("Offer for 40 seats", "Straße & Söhne", "مرحبا بكم", "שלום", "こんにちは", "می‌خواهم", "👩🏽‍💻"):
        assert clean(text) == text


def test_a_cut_shows_as_an_ellipsis_and_keeps_a_letter_with_its_marks() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("ab" + "e\u0301" + "cd", 4) == "ab…"
    assert clean("a👩‍💻bcdefgh", 4) == "a…"


def test_slack_finds_no_mention_link_or_entity_in_escaped_text() -> None:
    assert markup.escaped("<!channel> & &lt;") == "&lt;!channel&gt; &amp; &amp;lt;"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("<mailto:bo@buyer.test|bo@buyer.test>", "bo@buyer.test"),
        ("ask <mailto:bo@buyer.test>", "ask bo@buyer.test"),
        ("<http://buyer.test|buyer.test>", "buyer.test"),
        ("<https://buyer.test/a>", "https://buyer.test/a"),
        ("Buyer &amp; Sons", "Buyer & Sons"),
        ("&amp;lt;", "&lt;"),
        ("Buyer Ltd", "Buyer Ltd"),
        ("", ""),
    ],
)
def test_what_was_typed_in_slack_is_read_without_slacks_markup(typed: str, meant: str) -> None:
    assert markup.plain(typed) == meant


def test_what_a_server_said_names_nobodys_address() -> None:
    assert said("550 <ana@acme.test>: no\r\nsuch user max@acme.test.") == "550 <<address>>: no such user <address>"


def test_lengths_of_time_have_their_two_highest_units() -> None:
    lengths = {0: "0 s", 59: "59 s", 60: "1 min", 3600: "1 h", 7500: "2 h 05 min", 86400: "1 d", 180000: "2 d 2 h"}
    assert {seconds: span(seconds) for seconds in lengths} == lengths
    business = {720: "12 min", 7500: "2 h 05 min", 183 * 3600: "183 h"}
    assert {seconds: hours(seconds) for seconds in business} == business, "no business day has 24 hours"


def test_retry_after_is_read_as_seconds_or_date_and_bounded() -> None:
    now = datetime(2026, 11, 3, 11, tzinfo=UTC)
    assert retry_after("30", now) == 30
    assert retry_after("Tue, 03 Nov 2026 11:02:00 GMT", now) == 120
    assert retry_after("Tue, 03 Nov 2026 10:00:00 GMT", now) == 0
    assert retry_after("999999999", now) == 86400
    for nonsense in ("soon", "", "-1", "1e9", None):
        assert retry_after(nonsense, now) is None


def test_only_plain_web_addresses_become_links() -> None:
    assert web_link("https://watch.acme.test/clocks/1?a=b") == "https://watch.acme.test/clocks/1?a=b"
    for link in (
        "javascript:alert(1)",
        "http://x|y",
        "http://a.test/ b",
        'http://a.test/"',
        "http://a.test/>",
        "/a",
        "",
    ):
        assert web_link(link) == ""


def headline(what: Notice) -> str:
    return Renderer(UTC_ZONE).line("headline.txt", what, None)


def test_the_headline_says_who_waits_for_whom_and_how_it_stands() -> None:
    assert headline(notice()) == "Bo Buyer (Buyer Ltd) has waited 1 h 05 min for Ana Diaz: overdue by 5 min"
    warned = clock(waited_seconds=2880, reason="warning")
    assert headline(notice(warned)) == "Bo Buyer (Buyer Ltd) has waited 48 min for Ana Diaz: due in 12 min"
    over = notice(clock(**ANSWERED), kind=NoticeType.RESOLVED)
    assert headline(over) == "Answered: Bo Buyer (Buyer Ltd), answered after 1 h 10 min by Ana Diaz"
    nameless = clock(lead_name="", company="", owner_name="")
    assert headline(notice(nameless)) == "bo@buyer.test has waited 1 h 05 min for ana: overdue by 5 min"


def test_an_unverified_wait_claims_neither_silence_nor_breach() -> None:
    blind = clock(reason="unverified", unread_since="2026-11-03T10:40:00Z")
    line = headline(notice(blind))
    assert "can't tell: mailbox sales has not been read since Tue 3 Nov 10:40 UTC" in line
    assert "overdue" not in line


def test_a_group_a_follow_up_a_mailbox_and_a_lost_first_contact_have_headlines_of_their_own() -> None:
    second = clock(id="c2", waited_seconds=60)
    assert headline(notice(clock(), second)) == "2 buyers wait for an answer, 1 overdue"
    quiet = clock(metric="follow_up", waited_seconds=259200, due_at="2026-11-06T10:00:00Z")
    assert headline(notice(quiet)) == "Follow-up due now: Bo Buyer (Buyer Ltd) has been silent for 3 d"
    assert headline(of_people()) == "Mailbox ana cannot be read: LOGIN failed"
    assert headline(of_people(title="Token of ana expires in 3 d: log in again.")) == (
        "Token of ana expires in 3 d: log in again."
    )
    lost = notice(kind=NoticeType.FIRST_CONTACT_FAILED, error="550 no such user")
    assert headline(lost) == "First contact failed: our message never reached Bo Buyer (Buyer Ltd): 550 no such user"


def test_times_are_told_in_the_zone_of_the_reader() -> None:
    renderer = Renderer(UTC_ZONE)
    assert "since Tue 3 Nov 10:00 GMT, due Tue 3 Nov 11:00 GMT" in renderer.text("body.txt", notice(), ANA)
    assert "since Tue 3 Nov 05:00 EST, due Tue 3 Nov 06:00 EST" in renderer.text("body.txt", notice(), MAX)
    assert "since Tue 3 Nov 10:00 UTC" in renderer.text("body.txt", notice(), None)


def test_the_body_says_before_whom_and_what_next() -> None:
    body = Renderer(UTC_ZONE).text("body.txt", notice(), None)
    assert "7 messages exchanged, last Mon 2 Nov 16:20 UTC" in body
    assert "Owner:    Ana Diaz" in body
    assert "Reminders: Max Ode, desk are told at Tue 3 Nov 11:30 UTC" in body
    assert "http://127.0.0.1:9842/clocks/c1" in body


def test_a_clock_with_its_required_facts_only_can_be_shown_by_every_template() -> None:
    for kind in NoticeType:
        for what in (notice(BARE, kind=kind), notice(BARE, BARE, kind=kind), of_people(kind=kind)):
            for name in NAMES:
                assert Renderer(UTC_ZONE).text(name, what, None).strip()


def test_a_flood_lists_some_waits_and_counts_the_rest() -> None:
    many = notice(*(clock(id=f"c{number}") for number in range(1000)))
    body = Renderer(UTC_ZONE).text("body.txt", many, None)
    assert "and 970 more" in body
    assert len(body) < 20_000


def test_a_first_contact_that_failed_is_told_without_times() -> None:
    assert headline(lost()) == "First contact failed: our message never reached Bo Buyer (Buyer Ltd)"
    for name in NAMES:
        shown = Renderer(UTC_ZONE).text(name, lost(), ANA)
        assert "Bo Buyer" in shown
        assert "due" not in shown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_template_shows_hostile_text_as_text(name: str, text: str) -> None:
    fields: dict[str, Any] = {"lead_name": text, "company": text, "subject": text, "lead": text, "tier": text}
    what = notice(clock(**fields), error=text, mailbox=text, link=text, title=text)
    shown = Renderer(UTC_ZONE).text(name, what, None)
    assert_harmless(shown, lines=True)
    assert len(shown) < 20_000
    if name.endswith(".html"):
        assert "<script" not in shown
        assert "<img" not in shown
        assert 'onmouseover="' not in shown


def override(folder: Path, **templates: str) -> Renderer:
    for name, text in templates.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return Renderer(UTC_ZONE, ChannelSettings.model_validate({"templates": str(folder)}).templates)


def test_an_operator_replaces_one_template_and_keeps_the_others(tmp_path: Path) -> None:
    renderer = override(tmp_path, headline_txt="Bonjour {{ waits[0].who }}")
    assert renderer.line("headline.txt", notice(), None) == "Bonjour Bo Buyer (Buyer Ltd)"
    assert renderer.text("body.txt", notice(), None).startswith("Bonjour Bo Buyer (Buyer Ltd)")


def test_an_operator_can_build_on_our_template(tmp_path: Path) -> None:
    renderer = override(tmp_path, body_txt="Acme says:\n{% include 'builtin/body.txt' %}")
    assert "Acme says:\nBo Buyer" in renderer.text("body.txt", notice(), None)


def test_a_template_that_fails_at_work_is_replaced_by_ours(tmp_path: Path) -> None:
    for text in ("{{ nothing.there }}", "{{ waits[99].who }}", "{{ 1 / 0 }}", "{{ ''.__class__.__mro__ }}"):
        renderer = override(tmp_path, headline_txt=text)
        assert renderer.line("headline.txt", notice(), None).startswith("Bo Buyer")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("headline.txt", "{% if %}", "headline.txt: Expected"),
        ("headlin.txt", "x", "headlin.txt replaces no template: known are headline.txt"),
    ],
)
def test_a_broken_or_misnamed_template_is_refused_by_the_config(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError, match=problem):
        ChannelSettings.model_validate({"templates": str(tmp_path)})


def test_a_missing_template_folder_and_an_unknown_zone_are_refused_by_the_config(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="does not exist"):
        ChannelSettings.model_validate({"templates": str(tmp_path / "none")})
    with pytest.raises(ValidationError, match="no time zone"):
        ChannelSettings.model_validate({"timezone": "Europe/Nowhere"})
