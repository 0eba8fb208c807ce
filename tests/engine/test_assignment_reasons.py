"""The reason of an assignment in words: each reason by its message, in their order."""

from __future__ import annotations

from datetime import UTC, date, datetime

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.reasons import (
    Departed,
    HadBefore,
    OnLeave,
    OutOfHours,
    OwnsLead,
    Routed,
    SeenAway,
    StepReached,
)
from inboxwatch.engine.assignment_reasons import in_words
from inboxwatch.notify.assignment_words import why_given
from inboxwatch.words import ENGLISH, words


def test_reasons_are_joined_in_their_order() -> None:
    reasons = (StepReached(2, "standard"), HadBefore(PersonId("ana")), Routed.NO_RULE)
    assert in_words(reasons) == "step 2 of standard; ana had it before; no rule names a person"


def test_what_is_stored_in_english_is_read_in_ones_own_language_and_what_people_wrote_stays() -> None:
    """Every kind of reason that the program gives; joined, after the rule."""
    ana, at = PersonId("ana"), datetime(2026, 8, 3, 10, tzinfo=UTC)
    reasons = (
        OnLeave(ana, at.date(), date(2026, 8, 14)),
        SeenAway(ana, at),
        OutOfHours(ana, at),
        HadBefore(ana),
        Departed(ana),
        OwnsLead(ana),
        StepReached(3, "standard"),
        *Routed,
    )
    stored, german = in_words(reasons), words("de")
    assert why_given("rule 2: team emea by load", stored, words=ENGLISH) == f"rule 2: team emea by load; {stored}"
    parts = why_given("rule 2: team emea by load", stored, words=german).split("; ")
    assert parts[:2] == ["Regel 2: team emea by load", "ana hat Urlaub von Mo., 3. Aug. bis Fr., 14. Aug."]
    assert not set(parts) & set(stored.split("; ")), "every reason is translated"
    for rule in ("fallback", "team lead", "named", "by hand"):
        assert why_given(rule, words=german) != rule
    assert why_given("by hand", "she asked for me", words=german) == "von Hand; she asked for me"


def test_the_rule_says_all_where_there_is_no_reason() -> None:
    assert in_words(()) == ""
