"""How a wait stands, as people read it: the API has words of its own."""

from __future__ import annotations

from inboxwatch.notify import verdict_messages
from inboxwatch.words import ENGLISH, Wording, english

STATES = {
    "running": english("running"),
    "warned": english("due soon"),
    "acknowledged": english("acknowledged"),
    "snoozed": english("snoozed"),
    **dict.fromkeys(("breached", "overdue"), english("overdue")),
    "unverified": english("can't tell"),
    "answered": english("answered"),
    "late": english("answered late"),
    "dismissed": english("no reply owed"),
    **dict.fromkeys(("ended", "closed"), english("done")),
}
"""By the state of the API."""


def state(name: str, *, verdict: bool = False, words: Wording = ENGLISH) -> str:
    """A state of the API, of the clock of a `verdict` or of any other; another word is shown as it is."""
    if verdict and name in verdict_messages.STATES:
        return words.say(verdict_messages.STATES[name])
    return words.say(STATES[name]) if name in STATES else name
