"""A ladder in sentences, the same on pages and on the command line."""

from __future__ import annotations

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.notify import messages
from inboxwatch.words import ENGLISH, Wording, english

_TOLD = {
    "warning": english("told in time: %(names)s"),
    "breach": english("told as it fell due: %(names)s"),
    "escalated": english("told that it is overdue: %(names)s"),
    "repeated": english("told again: %(names)s"),
    "unverified": english("told that the answer cannot be seen: %(names)s"),
}
_TOLD_ELSE = english("told: %(names)s")
_WITHHELD = {
    "passed": english("nobody was told: a later step was due as well"),
    "first sight": english("nobody was told: it was due before inboxwatch first read the mailbox"),
}
_WITHHELD_ELSE = english("nobody was told")


def ladder_sentence(step: LadderStep, at: str, *, words: Wording = ENGLISH) -> str:
    """What a step did, or will do if nobody answers; `at` is its instant as its reader is shown it."""
    if step.ahead:
        return messages.ladder_step(targets=step.targets, moves_to=step.moves_to, at=at, words=words)
    if not step.targets:
        return f"{at}: {words.say(_WITHHELD.get(step.reason, _WITHHELD_ELSE))}"
    return f"{at}: {words.say(_TOLD.get(step.reason, _TOLD_ELSE), names=', '.join(step.targets))}"
