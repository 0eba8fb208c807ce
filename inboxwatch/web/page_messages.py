"""The words of pages that stand in no template: how a wait stands, how it ended, what the script says."""

from __future__ import annotations

from inboxwatch.notify import messages
from inboxwatch.words import SPANS, Wording, english

_STATES = {
    "overdue": english("overdue"),
    "running": english("running"),
    "warned": english("due soon"),
    "breached": english("overdue"),
    "acknowledged": english("acknowledged"),
    "snoozed": english("snoozed"),
    "unverified": english("can't tell"),
    "closed": english("done"),
    "ended": english("done"),
    "answered": english("answered"),
    "late": english("answered late"),
    "dismissed": english("no reply owed"),
}
HEADINGS = {
    "overdue": english("Overdue"),
    "running": english("Running"),
    "warned": english("Due soon"),
    "breached": english("Overdue"),
    "acknowledged": english("Acknowledged"),
    "snoozed": english("Snoozed"),
    "unverified": english("Can't tell"),
    "closed": english("Done"),
}
"""Of lists of one state, by its name in the API."""
DUE_NEXT = english("Due next")


def state(name: str, words: Wording) -> str:
    """A state of the API as people read it."""
    return words.say(_STATES[name]) if name in _STATES else name


def ending(stop_reason: str, words: Wording) -> str:
    if stop_reason in _STATES:
        return state(stop_reason, words)
    return messages.end(stop_reason, words=words).replace("_", " ")


def of_script(words: Wording) -> dict[str, str]:
    """What `board.js` says by itself; `%(name)s` in it is filled in there."""
    texts = {**SPANS, "due": messages.DUE_IN, "overdue": messages.OVERDUE_BY, "live": LIVE, "lost": LOST}
    return {name: words.say(text) for name, text in texts.items()}


LIVE, LOST = english("live"), english("not connected")
