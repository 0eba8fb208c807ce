"""What is said of what inquiries are about and worth: what decided it, what people say, why that cannot be said."""

from __future__ import annotations

from collections.abc import Sequence

from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.notify.messages import because
from inboxwatch.words import ENGLISH, Wording, english

NOT_LISTED = english("class: %(name)s is no class of the config; known are %(known)s")
NO_VERDICT = english("class: `unknown` is what nobody has judged: say what it is, one of %(known)s")
NO_CLASSES = english("the config has no section `qualification`: there is nothing to judge by")
TIER_GONE = english("tier: %(name)s is no tier of the config any more; choose in the newest message, or on the board")
FOLLOW_UP = english("this is a follow-up: the buyer owes the next word, and there is no inquiry to judge")
SAID_ALREADY = english("that is what it is already, says %(person)s: %(what)s")
NOTHING_SAID = english("no verdict on this wait stands that could be taken back")
"""Clauses for `nothing_done`."""

_DECIDED = {
    "rule": english("by the rule %(name)s"),
    "audit": english("left to people as a sample: the rule %(name)s would have filtered it"),
    "person": english("says %(name)s"),
    "list": english("as the list of leads says"),
    "status": english("by the status of the lead"),
    "lead": english("a known open lead"),
    "reply": english("an answer to us"),
    "default": english("nothing that is known fits it"),
}


def what(inquiry_class: str, tier: str) -> str:
    """A class with its tier: `sales, hot`."""
    return f"{inquiry_class}, {tier}" if tier else inquiry_class


def decided(class_by: str, *, name: str = "", words: Wording = ENGLISH) -> str:
    """What decided a class, as a clause; `name` is that of the person, where one did."""
    how, _, of = class_by.partition(":")
    return words.say(_DECIDED[how], name=name or of) if how in _DECIDED else class_by


def judged(*, person: str, told: str, reason: str = "", words: Wording = ENGLISH) -> str:
    """`told` is what `what` gives."""
    did = words.say("%(person)s: it is %(what)s", person=person, what=told)
    return f"{did}{because(reason)}."


def taken_back(*, person: str, told: str, reason: str = "", words: Wording = ENGLISH) -> str:
    """`told` is what it is again."""
    did = words.say("%(person)s took the verdict back: it is %(what)s as before", person=person, what=told)
    return f"{did}{because(reason)}."


def found(*, told: str, by: str, words: Wording = ENGLISH) -> str:
    """What rules or data have made of it."""
    return words.say("it is %(what)s, by %(by)s.", what=told, by=by)


def moved(*, owner: str, due_at: str, due_before: str, words: Wording = ENGLISH) -> list[str]:
    """What that moved: to whom it was given, and from when its due time went to when; empty where nothing did."""
    told = [words.say("Owner %(owner)s.", owner=owner)] if owner else []
    return told + ([words.say("Due %(at)s instead of %(before)s.", at=due_at, before=due_before)] if due_at else [])


def of_class(*, told: str, why: str, held_back: str, words: Wording = ENGLISH) -> str:
    """`told` is the class; `held_back` the rule that would have filtered a known open lead, or empty."""
    line = words.say("Class: %(what)s, %(why)s.", what=told, why=why)
    if not held_back:
        return line
    more = words.say("The rule %(name)s fits and was held back.", name=held_back)
    return f"{line} {more}"


def of_score(*, points: float, version: str, lines: Sequence[ScoreLine], said_in: str, words: Wording = ENGLISH) -> str:
    """What a score is made of; `said_in` names the messages whose words count."""
    if not lines:
        return words.say("Score %(points)s (version %(version)s).", points=f"{points:g}", version=version)
    sums = " + ".join(_line(one, said_in, words) for one in lines)
    return words.say(
        "Score %(points)s (version %(version)s): %(sums)s.", points=f"{points:g}", version=version, sums=sums
    )


def _line(line: ScoreLine, said_in: str, words: Wording) -> str:
    looked_at = line.because or words.say("words of %(messages)s", messages=said_in)
    return f"{line.points:g} {line.name} ({looked_at})"


def of_tier(*, tier: str, threshold: float | None, person: str, listed: bool, words: Wording = ENGLISH) -> str:
    """Where a tier comes from: a person's verdict, the list, or the score that reaches its threshold."""
    if person:
        return words.say("Tier %(tier)s, says %(person)s.", tier=tier, person=person)
    if listed:
        return words.say("Tier %(tier)s, as the list of leads says.", tier=tier)
    if threshold is not None:
        return words.say("Tier %(tier)s from %(points)s.", tier=tier, points=f"{threshold:g}")
    return words.say("Tier %(tier)s.", tier=tier)
