"""A language is a value: one process tells two readers in two; dates and lengths of time are the language's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from inboxwatch.notify import ChannelSettings, NoticeType, messages
from inboxwatch.notify.render import Renderer
from inboxwatch.words import spoken, words
from tests.support.hostile_texts import HOSTILE
from tests.support.notices import ANA, clock, notice

AT = datetime(2026, 5, 4, 12, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "instant", "day", "long", "short"),
    [
        ("en", "Mon 4 May 12:50 UTC", "Mon 4 May", "3 d 4 h", "2 h 05 min"),
        ("de", "Mo., 4. Mai, 12:50 UTC", "Mo., 4. Mai", "3 T. 4 Std.", "2 Std. 05 Min."),
        ("es", "lun, 4 may, 12:50 UTC", "lun, 4 may", "3 d 4 h", "2 h 05 min"),
    ],
)
def test_dates_and_lengths_read_as_the_language_writes_them(
    language: str, instant: str, day: str, long: str, short: str
) -> None:
    said = words(language)
    assert (said.when(AT), said.day(date(2026, 5, 4))) == (instant, day)
    assert (said.span(76 * 3600), said.span(7500)) == (long, short)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("fr", "de-AT", "en"), "de"),
        (("ES_mx",), "es"),
        (("fr", "it"), None),
        ((), None),
    ],
)
def test_the_first_language_that_is_spoken_is_taken(wanted: tuple[str, ...], found: str | None) -> None:
    assert spoken(wanted) == found


def test_a_number_takes_the_form_of_its_language() -> None:
    def said(count: int, language: str) -> str:
        return messages.own_waits(count=count, overdue=0, words=words(language))

    assert said(1, "de") == "1 Kunde wartet auf Ihre Antwort."
    assert said(2, "de") == "2 Kunden warten auf Ihre Antwort."
    assert said(1, "es") == "1 cliente espera su respuesta."
    assert said(21, "es") == "21 clientes esperan su respuesta."


def test_two_readers_of_one_notice_read_two_languages() -> None:
    renderer, what = Renderer(ChannelSettings().zone), notice(clock())
    told = {one: renderer.line("headline.txt", replace(what, language=one), ANA) for one in ("en", "de", "es", "en")}
    assert told["en"] == "Bo Buyer (Buyer Ltd) has waited 1 h 05 min for Ana Diaz: overdue by 5 min"
    assert told["de"] == "Bo Buyer (Buyer Ltd) wartet seit 1 Std. 05 Min. auf Ana Diaz: überfällig seit 5 Min."
    assert told["es"] == "Bo Buyer (Buyer Ltd) lleva 1 h 05 min esperando a Ana Diaz: vencido hace 5 min"


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_what_a_buyer_wrote_stays_text_in_every_language(language: str) -> None:
    """Translators are trusted, buyers are not: not in a tag, and not as a placeholder of the catalogue."""
    for text in HOSTILE.values():
        what = replace(notice(clock(lead_name=text, subject=text)), language=language)
        for kind in (NoticeType.ESCALATION, NoticeType.RESOLVED, NoticeType.DIGEST):
            html = Renderer(ChannelSettings().zone).text("body.html", replace(what, type=kind), ANA)
            assert "<script" not in html
            assert "<img" not in html
            assert "49" not in html
