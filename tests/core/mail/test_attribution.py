"""Attributions: who is said to have written a quoted original and when, in any zone and language; and its history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail import attribution, quotes
from tests.support.messages import mail, ours, take

SENT = datetime(2026, 3, 2, 8, 16, 50, tzinfo=UTC)
RECEIVED = SENT + timedelta(seconds=40)


def told(text: str) -> float | None:
    found = attribution.read(text)
    assert found is not None
    return found.fits(SENT, RECEIVED)


@pytest.mark.parametrize("minute", ["16", "17"])
@pytest.mark.parametrize(
    "line",
    [
        "On Mon, 2 Mar 2026 at 09:{}, Bea Buyer <bea@buyer.test> wrote:",
        "On Mon, Mar 2, 2026 at 9:{} AM Bea Buyer wrote:",
        "On Mon, Mar 2, 2026 at 9:{} PM Bea Buyer wrote:",
        "On 3/2/26 4:{} AM, Bea Buyer wrote:",
        "On 2026-03-02 13:{}, Bea Buyer wrote:".replace("13:{}", "16:{}"),
        "Am 02.03.2026 um 09:{} schrieb Bea Buyer:",
        "Am 02.03.26 um 09:{} schrieb Bea Buyer:",
        "Am Mo., 2. März 2026 um 09:{} Uhr schrieb Bea:",
        "Am 2.3. 9:{} schrieb Bea:",
        "Le 02/03/2026 à 09:{}, Bea Buyer a écrit :",
        "Le lun. 2 mars 2026 à 9 h {}, Bea a écrit\xa0:",
        "El lun, 2 mar 2026 a las 9:{}, Bea (<bea@buyer.test>) escribió:",
        "ma 2. maalisk. 2026 klo 10.{} Bea (bea@buyer.test) kirjoitti:",
        "Den 2026-03-02 kl. 09.{}, skrev Bea:",
        "2026年3月2日(月) 17:{} Bea Buyer <bea@buyer.test>:",
        "2026年3月2日 下午4:{}，Bea Buyer 写道：",
        "2026年3月2日 17時{}分 Bea Buyer のメール:",
        "2026. 3. 2. 오후 5:{}, Bea 작성:",
        "2 марта 2026 г., 11:{}, Bea пишет:",
        "في ٢ مارس ٢٠٢٦ ١٠:{}، كتب Bea:",
        "Sent: Monday, March 2, 2026 9:{} AM",
    ],
)
def test_the_minute_of_date_and_that_of_receipt_tell_a_message_in_any_language(line: str, minute: str) -> None:
    assert told(line.format(minute)) == 1


@pytest.mark.parametrize(
    ("line", "fit"),
    [
        ("On Mon, 2 Mar 2026 at 13:46, Bea wrote:", 0.75),
        ("On Mon, 2 Mar 2026 at 14:01, Bea wrote:", 0.75),
        ("On Mon, 2 Mar 2026 at 04:46, Bea wrote:", 0.75),
        ("On Sun, 1 Mar 2026 at 22:46, Bea wrote:", 0.75),
        ("On Mon, Mar 2, 2026 at 1:46 PM Bea wrote:", 0.75),
        ("On Mon, Mar 2, 2026 at 1:46 AM Bea wrote:", 0),
        ("On Mon, 2 Mar 2026 at 10:46, Bea wrote:", 0),
        ("On Mon, 2 Mar 2026 at 09:18, Bea wrote:", 0),
        ("On Mon, 2 Mar 2026 at 09:15, Bea wrote:", 0),
        ("On Tue, 3 Mar 2026 at 09:16, Bea wrote:", 0),
        ("Am 03.03.2026 um 09:16 schrieb Bea:", 0),
        ("Am 02.04.2026 um 09:16 schrieb Bea:", 0),
        ("On Mon, Mar 02, 2026 at 09:16:50AM +0100, Bea wrote:", 1),
        ("On Mon, Mar 02, 2026 at 09:17:30AM +0100, Bea wrote:", 1),
        ("On Mon, Mar 02, 2026 at 09:17:31AM +0100, Bea wrote:", 0),
        ("On Mon, Mar 02, 2026 at 08:16:50AM +0100, Bea wrote:", 0),
        ("On Mon, 2 Mar 2026 08:16 GMT, Bea wrote:", 1),
        ("On Mon, 2 Mar 2026 09:16 GMT, Bea wrote:", 0),
        ("Den 02.03.2026 09.16.50 skrev Bea:", 1),
        ("Den 02.03.2026 09.16.51 skrev Bea:", 0),
        ("Bea wrote:", None),
        ("Bea wrote on 02.03.26:", None),
    ],
)
def test_another_minute_day_or_zone_is_another_message(line: str, fit: float | None) -> None:
    assert told(line) == fit


zones = st.sampled_from([*range(-12, 15), -9.5, -3.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75])
forms = st.sampled_from(
    [
        "On {0:%a}, {0.day} {0:%b} {0:%Y} at {0:%H:%M}, Bea <bea@buyer.test> wrote:",
        "On {0:%b} {0.day}, {0:%Y}, at {0:%I:%M} {0:%p}, Bea wrote:",
        "Am {0:%d.%m.%Y} um {0:%H:%M} schrieb Bea:",
        "Am {0:%d.%m.%y} um {0:%H:%M:%S} schrieb Bea:",
        "On {0:%Y-%m-%d} {0:%H:%M}, Bea wrote:",
        "Le {0:%d/%m/%Y} à {0:%H:%M}, Bea a écrit :",
        "{0:%Y}年{0:%m}月{0:%d}日 {0:%H:%M} Bea:",
        "Den {0:%d.%m.%Y} kl. {0:%H.%M} skrev Bea:",
    ]
)
instants = st.datetimes(datetime(2001, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(form=forms, hours=zones, sent=instants, delay=st.integers(0, 600), received=st.booleans())
def test_an_instant_is_found_again_in_what_any_program_in_any_zone_makes_of_it(
    form: str, hours: float, sent: datetime, delay: int, received: bool
) -> None:
    came = sent + timedelta(seconds=delay)
    line = form.format((came if received else sent) + timedelta(hours=hours))
    found = attribution.read(line)
    assert found is not None
    assert found.fits(sent, came) == (1 if hours == int(hours) else 0.75)
    assert found.fits(*((one + timedelta(minutes=7)) for one in (sent, came))) == 0 or delay > 360


@given(st.text(max_size=500))
def test_any_text_is_read(text: str) -> None:
    found = attribution.read(text)
    assert found is None or 0 <= (found.fits(SENT, RECEIVED) or 0) <= 1
    assert attribution.closes(text) in (True, False)


WORDS = "the two hinges of the left door of the oven came bent, please send others before Easter"
SECOND = "and the handle of the right one is missing as well, Bea"


def test_the_time_of_receipt_tells_which_of_two_like_questions_is_answered() -> None:
    first = mail("q1", 0, text=WORDS)
    second = mail("q2", 62, subject="Re: Prices", text=f"{WORDS} {SECOND}")
    late = "On Mon, 2 Mar 2026 at {}, Bea Buyer <bea@buyer.test> wrote:\n\n> " + WORDS
    for told_at, parent in (("10:00", "q1"), ("11:02", "q2"), ("14:30", "q1"), ("15:32", "q2")):
        answer = ours("a1", 90, subject="Re: Prices", text="Yes.\n\n" + late.format(told_at))
        assert take(first, second, answer)["a1"].match.parent == parent, told_at


HISTORIES = [
    "From: Bea Buyer <bea@buyer.test>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Ana\nSubject: Prices\n\n",
    "*Von:* Bea Buyer\n*Gesendet:* Montag, 2. März 2026 10:00\n*An:* Ana\n*Betreff:* Prices\n\n",
    "De : Bea Buyer\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Ana\nObjet : Prices\n\n",
    "-----Original Message-----\nFrom: Bea Buyer\nSent: Monday 10:00\n\n",
    "________________________________\nFrom: Bea Buyer\nSent: Monday 10:00\nTo: Ana\n\n",
    "On Mon, 2 Mar 2026 at 10:00, Bea Buyer <bea@buyer.test>\nwrote:\n\n",
    "Am 02.03.2026 um 10:00 schrieb Bea Buyer:\n\n",
]


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("mark", ["> ", ">", "| "])
def test_what_stands_below_header_lines_in_a_quotation_is_not_the_answered_message(history: str, mark: str) -> None:
    inner = f"{SECOND}\n\n{history}{WORDS}\n"
    text = "Tomorrow.\n\nBea Buyer <bea@buyer.test> wrote:\n\n" + "".join(
        f"{mark}{line}\n" for line in inner.splitlines()
    )
    own, quoted = quotes.own_and_quoted(text + "\nAna")
    assert (own[0], own[-1]) == ("Tomorrow.", "Ana")
    assert SECOND in quoted
    assert WORDS not in quoted
    first = mail("q1", 0, text=WORDS)
    second = mail("q2", 60, subject="Re: Prices", text=f"{SECOND}\n\n{HISTORIES[0]}{WORDS}")
    answer = ours("a1", 90, subject="Re: Prices", text=text)
    assert take(first, second, answer)["a1"].match.parent == "q2"


@pytest.mark.parametrize(
    "inner",
    [
        f"On Monday, Bea wrote:\n> an older word\n\n{WORDS}",
        f"On Monday at 10:00, Bea wrote:\n>> an older word\n> a newer one\n{WORDS}",
        f"From: Ghent to Ulm\n{WORDS}",
        f"We open at 10:00, and need:\n{WORDS}",
        f"Note: as you\nwrote\n{WORDS}",
        f"From: Bea Buyer\nSent: Monday 10:00\nTo: Ana\n\n{WORDS}",
    ],
)
def test_what_the_answered_message_says_itself_stays_quoted(inner: str) -> None:
    _, quoted = quotes.own_and_quoted("Yes.\n\n" + "".join(f"> {line}\n" for line in inner.splitlines()))
    assert WORDS in quoted


def test_header_lines_at_the_head_of_a_quotation_are_the_answered_messages_own() -> None:
    block = "> Date: Mon, 2 Mar 2026 09:17:30 +0100\n> From: Bea Buyer <bea@buyer.test>\n> To: Ana\n>\n> "
    for lead in ("", "On Mon, 2 Mar 2026, Bea Buyer wrote:\n\n"):
        found = quotes.read(f"Yes.\n\n{lead}{block}{WORDS}\n")
        assert found.attribution is not None
        assert found.attribution.fits(SENT, RECEIVED) == 1
        assert found.quoted
    forwarded = quotes.read(f"Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Cy Other wrote:\n\n{block}{WORDS}\n")
    assert forwarded.attribution is not None
    assert forwarded.attribution.is_by("cy@other.test", "Cy Other")
    assert not forwarded.quoted


def test_an_answer_of_ours_may_be_told_by_when_its_buyer_got_it() -> None:
    found = attribution.read("On Mon, 2 Mar 2026 at 10:17, Ana Diaz wrote:")
    assert found is not None
    assert found.fits(SENT, SENT) == 0.5
