"""The words of pages that stand in no template: how a wait stands, how it ended, what the script says."""

from __future__ import annotations

from inboxwatch.notify import messages
from inboxwatch.notify.state_words import STATES, state
from inboxwatch.words import SPANS, Wording, english

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


def ending(stop_reason: str, words: Wording) -> str:
    if stop_reason in STATES:
        return state(stop_reason, words=words)
    return messages.end(stop_reason, words=words).replace("_", " ")


def of_script(words: Wording) -> dict[str, str]:
    """What `board.js` says by itself; `%(name)s` in it is filled in there."""
    texts = {**SPANS, "due": messages.DUE_IN, "overdue": messages.OVERDUE_BY, "live": LIVE, "lost": LOST}
    return {name: words.say(text) for name, text in texts.items()}


LIVE, LOST = english("live"), english("not connected")
