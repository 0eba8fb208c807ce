"""What is said of follow-ups: ours was the last word, and the buyer has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.notify.messages import because
from inboxwatch.words import ENGLISH, Wording, english

ACTION_LABELS = {
    "activity": english("Called"),
    "put_off": english("In some days"),
    "assign": english("Reassign"),
    "stop": english("Stop following up"),
}
"""What can be done to a follow-up, as buttons name it."""
AGAIN = english("Follow up again")
"""The button that takes up again what was stopped, or has gone quiet."""
SAY_WHY_STOPPED = english("reason: say why nobody follows up any more")

DAYS = {
    "overdue": english("Overdue"),
    "today": english("Today"),
    "tomorrow": english("Tomorrow"),
    "week": english("This week"),
    "later": english("Later"),
}
"""The parts of the list."""


def who(*, day: str, people: Sequence[tuple[str, int]], link: str, words: Wording = ENGLISH) -> str:
    """Who follows up when: `people` are names with how many they have; `link` leads to the list, or is empty."""
    count = sum(number for _, number in people)
    when = words.say(DAYS[day])
    if not count:
        return words.say("%(day)s: nobody has to follow up.", day=when)
    named = ", ".join(f"{name} {number}" for name, number in people)
    told = words.count(
        "%(day)s: %(count)s follow-up. %(people)s.",
        "%(day)s: %(count)s follow-ups. %(people)s.",
        count,
        day=when,
        people=named,
    )
    return f"{told} {link}" if link else told


NOBODY = english("Nobody has to follow up.")
_OF_LEAD = {
    "overdue": english("%(person)s should have followed up %(at)s."),
    "today": english("%(person)s follows up today, %(at)s."),
    "tomorrow": english("%(person)s follows up tomorrow, %(at)s."),
}
_OF_LEAD_LATER = english("%(person)s follows up %(at)s.")


def of_lead(*, day: str, person: str, at: str, words: Wording = ENGLISH) -> str:
    """Who follows up with one lead; `at` is an instant as its reader is shown it, marked up or not."""
    return words.say(_OF_LEAD.get(day, _OF_LEAD_LATER), person=person, at=at)


def put_off(*, person: str, until: datetime | None, reason: str, words: Wording = ENGLISH) -> str:
    """`until` is for when, in the zone of its reader."""
    did = words.say("%(person)s follows up %(at)s", person=person, at=words.when(until))
    return f"{did}{because(reason)}."


def stopped(*, person: str, reason: str, words: Wording = ENGLISH) -> str:
    did = words.say("%(person)s stopped following up", person=person)
    return f"{did}{because(reason)}."


def taken_up(*, person: str, reason: str, words: Wording = ENGLISH) -> str:
    did = words.say("%(person)s follows up again", person=person)
    return f"{did}{because(reason)}."
