"""What an answer means for the clock: the rule file's own examples, and the effects."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch import config
from inboxwatch.commands.backtest import run_replay
from inboxwatch.commands.check import run_check
from inboxwatch.config import reply_rules as meanings
from inboxwatch.core.mail.absence import return_day
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.reply_rules import folded
from inboxwatch.core.mail.unknown_senders import UnknownSenders
from inboxwatch.core.model import Verdict
from tests.support.messages import START, mail

RULES = meanings.load()
MINIMAL = """
organization: {domains: [acme.test]}
people: {ana: {name: Ana Diaz, email: ana@acme.test}}
routing: {fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered]
"""


def meant(text: str, extra: str = "") -> Verdict:
    message = mail("m1", subject="Re: Prices", answers="a1", text=text, extra=extra)
    return RULES.of(message, classify(message))


def test_every_built_in_rule_does_what_its_examples_say() -> None:
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
def test_an_answer_has_the_effect_of_its_meaning(text: str, owes: bool, effect: str | None, found: str | None) -> None:
    verdict = meant(text)
    assert (verdict.owes_reply, verdict.effect) == (owes, effect)
    assert (found is None and not verdict.meanings) or found in verdict.meanings


@pytest.mark.parametrize(
    "text",
    [
        "Approved.",
        "Agreed.",
        "Confirmed",
        "Einverstanden.",
        "Deal!",
        "D'accord, merci.",
        "Akkoord",
        "De acuerdo, gracias",
        "Va bene",
        "Thanks, approved.",
        "Perfect, that works.",
        "Approved, see you on Monday.",
    ],
)
def test_a_plain_yes_may_be_the_order(text: str) -> None:
    verdict = meant(text)
    assert (verdict.owes_reply, verdict.effect) == (True, None)
    assert "accepted" in verdict.meanings


@pytest.mark.parametrize(
    "text",
    [
        "Sounds good, see you on Thursday!",
        "Yes, Monday 9:30 works.",
        "Confirmed, Friday at 2 pm.",
        "Passt, bis morgen",
        "See you then!",
        "Great, talk to you soon.",
        "OK",
        "Thank you, Ana!",
    ],
)
def test_a_yes_to_a_time_a_farewell_and_thanks_owe_nothing(text: str) -> None:
    assert not meant(text).owes_reply


def test_an_absence_names_its_end_and_a_substitute() -> None:
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
def test_the_day_of_return_is_read_in_many_languages_and_never_guessed(text: str, day: tuple[int, int] | None) -> None:
    assert return_day(folded(text), START) == (day and datetime(2026, *day, tzinfo=UTC))


@given(st.text(st.sampled_from("until back bis 123456789/.-march mai,"), max_size=200))
def test_any_text_names_a_day_after_its_receipt_or_none(text: str) -> None:
    day = return_day(text, START)
    assert day is None or START < day <= START + timedelta(days=400)


def own_rules(folder: Path, words: str, fits: str) -> Path:
    """A config with one rule of the operator's own."""
    (folder / "own.yaml").write_text(
        f"rules:\n- {{name: order placed, meaning: no_reply_owed, words: {words}, examples: {{fits: [{fits}]}}}}\n"
    )
    path = folder / "inboxwatch.yaml"
    path.write_text(f"meanings: [own.yaml]\nprivacy: text\n{MINIMAL}")
    return path


def test_an_operators_rule_comes_before_the_built_in_ones(tmp_path: Path) -> None:
    loaded = config.load(own_rules(tmp_path, "['order placed']", "Order placed today."))
    assert loaded.meanings.rules[0].name == "order placed"
    assert loaded.meanings.rules[1:] == RULES.rules


def test_a_changed_rule_file_is_read_with_the_config_again(tmp_path: Path) -> None:
    first = config.load(own_rules(tmp_path, "['order placed']", "Order placed today."))
    again = config.load(own_rules(tmp_path, "['order sent']", "Order sent today."))
    assert [rule.words.pattern for rule in (first.meanings.rules[0], again.meanings.rules[0])] == [
        "(?:order placed)",
        "(?:order sent)",
    ]


def test_what_the_operators_rule_says_decides_in_the_back_test(tmp_path: Path) -> None:
    letter = tmp_path / "one.eml"
    letter.write_bytes(
        b"From: bo@buyer.test\r\nTo: ana@acme.test\r\nSubject: Order 7\r\nMessage-ID: <m1@buyer.test>\r\n"
        b"Date: Mon, 04 May 2026 09:00:00 +0000\r\n\r\nThe parcel has left our yard.\r\n"
    )
    waits = {}
    for words in ("left our yard", "never said"):
        loaded = config.load(own_rules(tmp_path, f"[{words}]", words))
        run_replay([letter], replace(loaded, unknown_senders=UnknownSenders.ALWAYS), [], None, out := StringIO())
        waits[words] = '"type": "clock"' in out.getvalue()
    assert waits == {"left our yard": False, "never said": True}


def test_check_tells_the_rule_whose_example_fails_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_check(own_rules(tmp_path, "['order placed']", "Order placed today."), offline=True, as_json=True) == 0
    assert "1 own and" in capsys.readouterr().out
    assert run_check(own_rules(tmp_path, "['order placed']", "Order sent."), offline=True, as_json=True) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [(one["subject"], one["text"]) for one in findings if one["verdict"] == "failed"] == [
        ("meanings", "order placed: does not fit its example 'Order sent.'")
    ]
