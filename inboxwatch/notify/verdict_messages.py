"""What is said of inquiries that wait to be judged: somebody must say what they are about."""

from __future__ import annotations

from inboxwatch.words import ENGLISH, Wording, english

TO_BE_JUDGED = english("To be judged")
"""The heading of a list."""
STATES = {
    **dict.fromkeys(("running", "warned"), english("to be judged")),
    "answered": english("judged"),
    "late": english("judged late"),
}
"""By the state of the API, where it has another word than a reply's."""
NO_FURTHER_STEP = english("No further reminders. Judge it, or give it to somebody who can.")


def standing(*, due: str, words: Wording = ENGLISH) -> str:
    """How it stands in a line; `due` is how it stands with its time: `due in 12 min`."""
    return words.say("to be judged, %(due)s", due=due)


def judged(*, waited: str, by: str, words: Wording = ENGLISH) -> str:
    """`waited` is a length in words; `by` is a name, or empty where nobody is known."""
    if by:
        return words.say("judged after %(waited)s by %(by)s", waited=waited, by=by)
    return words.say("judged after %(waited)s", waited=waited)


def what_to_do(*, by: str, words: Wording = ENGLISH) -> str:
    """`by` is an instant as its reader is shown it."""
    return words.say("Judge by %(at)s: is it for sales, or what is it about?", at=by)


def number(count: int, *, words: Wording = ENGLISH) -> str:
    """Within a list of counts."""
    return words.count("%(count)s to be judged", "%(count)s to be judged", count)


def verdicts(count: int, *, words: Wording = ENGLISH) -> str:
    return words.count("%(count)s verdict", "%(count)s verdicts", count)


def own(*, count: int, overdue: int, words: Wording = ENGLISH) -> str:
    """Of one's own, in a sentence."""
    late = words.count(", %(count)s overdue", ", %(count)s overdue", overdue) if overdue else ""
    return words.count(
        "%(count)s inquiry waits to be judged by you%(late)s.",
        "%(count)s inquiries wait to be judged by you%(late)s.",
        count,
        late=late,
    )
