"""The words of pages that stand in no template: how a wait stands, how it ended, what the script says."""

from __future__ import annotations

from types import MappingProxyType

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


_STATUSES = MappingProxyType(
    {"open": english("open"), "won": english("won"), "lost": english("lost"), "closed": english("closed")}
)
_KINDS = MappingProxyType(
    {
        "auto_reply": english("automatic answer"),
        "bounce": english("not delivered"),
        "receipt": english("receipt"),
        "calendar": english("calendar"),
        "bulk": english("mailing"),
    }
)


def status(name: str, words: Wording) -> str:
    """How a lead stands; a word of a list's own is shown as it is."""
    return words.say(_STATUSES[name]) if name in _STATUSES else name


def kind(name: str, words: Wording) -> str:
    """What a message is that no person wrote."""
    return words.say(_KINDS[name]) if name in _KINDS else name.replace("_", " ")


def ending(stop_reason: str, words: Wording) -> str:
    if stop_reason in STATES:
        return state(stop_reason, words=words)
    return messages.end(stop_reason, words=words).replace("_", " ")


def of_script(words: Wording) -> dict[str, str]:
    """What `board.js` says by itself; `%(name)s` in it is filled in there."""
    texts = {**SPANS, "due": messages.DUE_IN, "overdue": messages.OVERDUE_BY, "live": LIVE, "lost": LOST}
    return {name: words.say(text) for name, text in texts.items()}


LIVE, LOST = english("live"), english("not connected")
