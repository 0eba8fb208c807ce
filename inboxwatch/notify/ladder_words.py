"""A ladder in sentences, the same on pages, in messages and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.sla.policy import Duration, Step
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


_TARGETS = {
    "owner": english("the owner"),
    "manager": english("the owner's manager"),
    "team_lead": english("the team's lead"),
    "next": english("whom routing names next"),
}


def target_in_words(target: str, *, words: Wording = ENGLISH) -> str:
    """A target of a policy that stands for somebody; empty for a name or a channel."""
    return words.say(_TARGETS[target]) if target in _TARGETS else ""


def length_in_words(length: Duration, *, words: Wording = ENGLISH) -> str:
    """A length of time of a policy: `2 h`, `16 h in business hours`."""
    seconds = length.length.total_seconds()
    if not length.business:
        return words.span(seconds)
    return words.say("%(length)s in business hours", length=words.hours(seconds))


def step_in_words(step: Step, targets: Sequence[str], moves_to: str, *, words: Wording = ENGLISH) -> str:
    """A step of a policy: `the owner is told at 100% of the time + 30 min, it moves to the fallback`."""
    when = words.say("%(share)s of the time", share=words.percent(step.at.share))
    if step.at.offset is not None:
        length = length_in_words(step.at.offset, words=words)
        when = f"{when} {'+' if step.at.sign > 0 else '-'} {length}"
    return messages.ladder_step(targets=targets, moves_to=moves_to, at=when, words=words)


SHOWN_TOLD = 2
"""Steps that were told and are shown in a message: the last ones."""
SHOWN_AHEAD = 5
"""Steps that follow and are shown in a message: a ladder may repeat its last one a thousand times."""


def ladder_lines(
    steps: Sequence[LadderStep], at: Callable[[datetime], str], *, verdict: bool = False, words: Wording = ENGLISH
) -> list[str]:
    """A ladder as messages tell it, a line each step; `at` writes an instant for the reader. `verdict`: it reminds of
    an inquiry that is to be judged.

    Names may be marked up already.
    """
    told = [step for step in steps if not step.ahead][-SHOWN_TOLD:]
    ahead = [step for step in steps if step.ahead]
    lines = [ladder_sentence(step, at(step.at), words=words) for step in (*told, *ahead[:SHOWN_AHEAD])]
    if len(ahead) > SHOWN_AHEAD:
        lines.append(messages.and_more(len(ahead) - SHOWN_AHEAD, words=words))
    return lines if ahead else [*lines, words.say(messages.no_further_step(verdict))]


def ladder_sentence(step: LadderStep, at: str, *, words: Wording = ENGLISH) -> str:
    """What a step did, or will do if nobody answers; `at` is its instant as its reader is shown it."""
    if step.ahead:
        return messages.ladder_step(targets=step.targets, moves_to=step.moves_to, at=at, words=words)
    if not step.targets:
        return f"{at}: {words.say(_WITHHELD.get(step.reason, _WITHHELD_ELSE))}"
    return f"{at}: {words.say(_TOLD.get(step.reason, _TOLD_ELSE), names=', '.join(step.targets))}"
