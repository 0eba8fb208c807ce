"""What an answer means for the clock: the rule file's own examples, and the effects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch import meanings
from inboxwatch.core.absence import return_day
from inboxwatch.core.classify import classify
from inboxwatch.core.meaning import folded
from inboxwatch.core.model import Verdict
from tests.mails import START, mail

RULES = meanings.load()


def meant(text: str, extra: str = "") -> Verdict:
    message = mail("m1", subject="Re: Prices", answers="a1", text=text, extra=extra)
    return RULES.of(message, classify(message))


def test_every_built_in_rule_does_what_its_examples_say():
    assert list(meanings.built_in().failures()) == []


@pytest.mark.parametrize(
    ("text", "owes", "effect", "found"),
    [
        ("Thanks, Ana!", False, None, "no_reply_owed"),
        ("Thanks, Ana! When can you deliver?", True, None, None),
        ("Please remove me from your mailing list.", False, "opted_out", "opted_out"),
        ("We are not interested, sorry.", True, None, "not_interested"),
        ("I have accepted your invitation.", False, "meeting_accepted", "meeting_accepted"),
        ("Bea is no longer with the company.", True, None, "left_company"),
        ("Thanks!\n\nOn Monday Ana Diaz wrote:\n> Could you please confirm the order?", False, None, "no_reply_owed"),
        ("Thanks!\n-- \nBea Buyer\nHow are we doing? Please rate us", False, None, "no_reply_owed"),
    ],
)
def test_an_answer_has_the_effect_of_its_meaning(text: str, owes: bool, effect: str | None, found: str | None):
    verdict = meant(text)
    assert (verdict.owes_reply, verdict.effect) == (owes, effect)
    assert (found is None and not verdict.meanings) or found in verdict.meanings


def test_an_absence_names_its_end_and_a_substitute():
    verdict = meant(
        "I am away until 12 March 2026. In urgent cases please contact my colleague Cy.", "Auto-Submitted: auto-replied"
    )
    assert verdict.away_until == datetime(2026, 3, 13, tzinfo=UTC)
    assert "substitute_named" in verdict.meanings


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I will be back on March 9th", (3, 9)),
        ("I return on Monday, 9 March.", (3, 9)),
        ("out of office until 2026-03-15", (3, 16)),
        ("ich bin bis zum 13.3. im Urlaub", (3, 14)),
        ("ab dem 16. März wieder im Büro", (3, 16)),
        ("Je serai de retour le 9 mars", (3, 9)),
        ("estaré fuera hasta el 20 de marzo de 2026", (3, 21)),
        ("sarò assente fino al 13 marzo", (3, 14)),
        ("back on 15/03", (3, 15)),
        ("back on Thursday", (3, 5)),
        ("back on 04/05/2026", None),
        ("back soon", None),
        ("I was away until 1 February 2026", None),
        ("until 31 February", None),
    ],
)
def test_the_day_of_return_is_read_in_many_languages_and_never_guessed(text: str, day: tuple[int, int] | None):
    assert return_day(folded(text), START) == (day and datetime(2026, *day, tzinfo=UTC))


@given(st.text(st.sampled_from("until back bis 123456789/.-march mai,"), max_size=200))
def test_any_text_names_a_day_after_its_receipt_or_none(text: str):
    day = return_day(text, START)
    assert day is None or START < day <= START + timedelta(days=400)


def test_an_operators_rule_comes_first_and_a_wrong_one_is_refused(tmp_path):
    own = tmp_path / "rules.yaml"
    own.write_text(
        "rules:\n- {name: order placed, meaning: no_reply_owed, words: ['order placed'], "
        "examples: {fits: ['Order placed today.']}}\n"
    )
    assert meanings.load((own,)).rules[0].name == "order placed"
    meanings.load.cache_clear()
    own.write_text("rules:\n- {name: x, meaning: no_reply_owed, words: ['('], examples: {fits: ['x']}}\n")
    with pytest.raises(ValueError, match="no regular expression"):
        meanings.load((own,))
    assert list(meanings.read(own.read_text().replace("'('", "'y'")).failures()) == ["x: does not fit its example 'x'"]
