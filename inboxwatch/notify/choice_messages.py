"""What notices say beside a choice of what an inquiry is, and of the reasons of its score."""

from __future__ import annotations

from inboxwatch.words import ENGLISH, Wording, english

IT_IS = english("It is...")
"""In a menu where nothing is chosen yet."""
NOT_FOR_SALES = english("Not for sales")
"""The same choice without what a seller is needed for."""
SAY_WHAT_IT_IS = english("Say what it is")
FOR_SALES = english("Needs a seller")
NOT_FOR = english("Needs no seller")
"""Above the two groups of a choice."""
GROUPS = ((FOR_SALES, True), (NOT_FOR, False))
"""They in their order: what stands above each, and whether a seller is needed."""
CLASSES_CHANGED = english("Nothing was done: the classes have changed since. Please choose again.")
"""Where what somebody chose is offered no more."""
NO_CHOICE = english("Nothing was done: the config names no classes to choose from.")


def reason(points: float, name: str, because: str, *, words: Wording = ENGLISH) -> str:
    """A line of a score in a notice; `because` is empty where the buyer's own words fit."""
    looked_at = because or words.say("the buyer's words")
    return f"{points:g} {name} ({looked_at})"
