"""What people say that inquiries are, and why that cannot be said."""

from __future__ import annotations

from inboxwatch.notify.messages import because
from inboxwatch.words import ENGLISH, Wording, english

NOT_LISTED = english("class: %(name)s is no class of the config; known are %(known)s")
NO_VERDICT = english("class: `unknown` is what nobody has judged: say what it is, one of %(known)s")
NO_CLASSES = english("the config has no section `qualification`: there is nothing to judge by")
FOLLOW_UP = english("this is a follow-up: the buyer owes the next word, and there is no inquiry to judge")
SAID_ALREADY = english("that is what it is already, says %(person)s: %(what)s")
NOTHING_SAID = english("no verdict on this wait stands that could be taken back")
"""Clauses for `nothing_done`."""


def what(inquiry_class: str, tier: str) -> str:
    """A class with its tier: `sales, hot`."""
    return f"{inquiry_class}, {tier}" if tier else inquiry_class


def judged(*, person: str, told: str, reason: str = "", words: Wording = ENGLISH) -> str:
    """`told` is what `what` gives."""
    did = words.say("%(person)s: it is %(what)s", person=person, what=told)
    return f"{did}{because(reason)}."


def taken_back(*, person: str, told: str, reason: str = "", words: Wording = ENGLISH) -> str:
    """`told` is what it is again."""
    did = words.say("%(person)s took the verdict back: it is %(what)s as before", person=person, what=told)
    return f"{did}{because(reason)}."
