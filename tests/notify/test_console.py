"""The console channel: readable lines, plain in a pipe, coloured on a terminal, harmless always."""

from __future__ import annotations

import io

import pytest

from inboxwatch.notify import ChannelError, ChannelSettings, Notice, NoticeType, Recipient, load
from inboxwatch.notify.console import Console
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, clock, notice, of_people


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def written(what: Notice, person: Recipient | None = ANA, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    await Console(ChannelSettings(), "console", out).send(what, "ana", person, "key")
    return out.getvalue()


async def test_a_wait_is_one_line_that_says_who_since_when_whose_and_what_next() -> None:
    first, link = (await written(notice())).splitlines()
    assert first == (
        "OVERDUE     Bo Buyer (Buyer Ltd) has waited 1 h 05 min for Ana Diaz: overdue by 5 min  "
        "“Offer for 40 seats”  next: Max Ode, desk are told at Tue 3 Nov 11:30 GMT  → Ana Diaz"
    )
    assert link.strip() == "http://127.0.0.1:9842/clocks/c1"


async def test_an_answer_a_group_and_a_blind_mailbox_are_told_apart_by_their_first_word() -> None:
    assert (await written(notice(clock(**ANSWERED), kind=NoticeType.RESOLVED))).startswith("RESOLVED    Answered: Bo")
    group = (await written(notice(clock(), clock(id="c2", lead_name="Cy")))).splitlines()
    assert group[0].startswith("ESCALATION  2 buyers wait for an answer, 2 overdue")
    assert group[2].strip() == "- Cy (Buyer Ltd): overdue by 5 min"
    assert (await written(of_people(), None)).startswith("MAILBOX     Mailbox ana cannot be read")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_neither_breaks_lines_nor_reaches_the_terminal(text: str) -> None:
    fields = {"lead_name": text, "company": text, "subject": text}
    plain = await written(notice(clock(**fields), link=""))
    assert_harmless(plain.removesuffix("\n"))
    assert len(plain) < 600
    group = await written(notice(clock(**fields), clock(**fields)))
    assert_harmless(group, lines=True)
    assert len(group.splitlines()) == 3
    coloured = await written(notice(clock(**fields)), out=Terminal())
    for sequence in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\r"):
        assert sequence not in coloured


async def test_a_terminal_gets_colours_and_shows_markup_as_text() -> None:
    shown = await written(notice(clock(subject="[bold red]x[/]")), out=Terminal())
    assert "\x1b[" in shown
    assert "[bold red]x[/]" in shown


async def test_an_encoding_that_lacks_a_character_stops_nothing() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    await Console(ChannelSettings(), "console", out).send(notice(), "ana", ANA, "key")
    assert b"OVERDUE     Bo Buyer" in raw.getvalue()


async def test_a_closed_output_is_a_permanent_error() -> None:
    out = io.StringIO()
    out.close()
    with pytest.raises(ChannelError) as caught:
        await written(notice(), out=out)
    assert caught.value.permanent


async def test_the_type_is_loaded_by_its_name_and_reaches_everybody() -> None:
    console = load("console")(ChannelSettings(), "console")
    assert console.reaches(ANA) == "ana"
    assert await console.probe() in {"plain lines", "a terminal"}
    await console.aclose()
