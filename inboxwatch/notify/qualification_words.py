"""What a wait is about and worth in lines of text: for `explain`, `clocks show` and whoever shows a wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from inboxwatch.core.explanation import ExplainedQualification, QualificationTurn
from inboxwatch.core.sla.verdicts import REPOLICY, RULES, SOURCE
from inboxwatch.notify import qualification_messages as said
from inboxwatch.words import ENGLISH, Wording, english

OWN_PARTS = {RULES: english("the rules"), REPOLICY: english("the rules as they are now")}
"""Of the program, where they say what an inquiry is."""
_BY_DATA = english("data of %(source)s")


def qualification_lines(
    told: ExplainedQualification, when: Callable[[datetime], str], words: Wording = ENGLISH
) -> Iterator[str]:
    """The lines, in their order; `when` writes an instant for the reader. What others wrote is not cleaned."""
    why = said.decided(told.class_by, name=told.class_name, words=words)
    yield said.of_class(told=told.inquiry_class, why=why, held_back=told.held_back, words=words)
    if told.score is not None:
        said_in = ", ".join(told.said_in) or words.say("its messages")
        yield said.of_score(points=told.score, version=told.version, lines=told.lines, said_in=said_in, words=words)
    if told.tier:
        yield tier_in_words(told, words)
    for turn in told.turns:
        yield f"{when(turn.at)}: {turn_in_words(turn, when, words)}"


def tier_in_words(told: ExplainedQualification, words: Wording = ENGLISH) -> str:
    """Where its tier comes from."""
    return said.of_tier(
        tier=told.tier, threshold=told.threshold, person=told.tier_by, listed=told.tier_listed, words=words
    )


def turn_in_words(turn: QualificationTurn, when: Callable[[datetime], str], words: Wording = ENGLISH) -> str:
    """From when on it was something else, by whose word, and what that moved."""
    what = said.what(turn.inquiry_class, turn.tier)
    if turn.back:
        line = said.taken_back(person=turn.by, told=what, reason=turn.reason, words=words)
    elif turn.person:
        line = said.judged(person=turn.by, told=what, reason=turn.reason, words=words)
    else:
        line = said.found(told=what, by=_by(turn.by, words), words=words)
    due = ("", "")
    if turn.due_at is not None and turn.due_before is not None:
        due = when(turn.due_at), when(turn.due_before)
    return " ".join([line, *said.moved(owner=turn.owner, due_at=due[0], due_before=due[1], words=words)])


def _by(author: str, words: Wording) -> str:
    if author.startswith(SOURCE):
        return words.say(_BY_DATA, source=author.removeprefix(SOURCE))
    return words.say(OWN_PARTS[author]) if author in OWN_PARTS else author
