"""The reason of an assignment in words: each reason by its message, in their order."""

from __future__ import annotations

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.reasons import HadBefore, Routed, StepReached
from inboxwatch.engine.assignment_reasons import in_words


def test_reasons_are_joined_in_their_order() -> None:
    reasons = (StepReached(2, "standard"), HadBefore(PersonId("ana")), Routed.NO_RULE)
    assert in_words(reasons) == "step 2 of standard; ana had it before; no rule names a person"


def test_the_rule_says_all_where_there_is_no_reason() -> None:
    assert in_words(()) == ""
