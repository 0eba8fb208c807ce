"""A ladder in sentences, the same on pages and on the command line."""

from __future__ import annotations

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.notify import messages

_TOLD = {
    "warning": "was told in time",
    "breach": "was told as it fell due",
    "escalated": "was told that it is overdue",
    "repeated": "was told again",
    "unverified": "was told that the answer cannot be seen",
}
_TOLD_MANY = {reason: text.replace("was told", "were told", 1) for reason, text in _TOLD.items()}
_WITHHELD = {
    "passed": "nobody was told: a later step was due as well",
    "first sight": "nobody was told: it was due before inboxwatch first read the mailbox",
}


def ladder_sentence(step: LadderStep, at: str) -> str:
    """What a step did, or will do if nobody answers; `at` is its instant as its reader is shown it."""
    if step.ahead:
        return messages.ladder_step(targets=step.targets, moves_to=step.moves_to, at=at)
    if not step.targets:
        return f"{at}: {_WITHHELD.get(step.reason, 'nobody was told')}"
    words = _TOLD if len(step.targets) == 1 else _TOLD_MANY
    return f"{', '.join(step.targets)} {words.get(step.reason, 'told')} at {at}"
