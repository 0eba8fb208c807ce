"""What is told of directories: who joined, moved, is missing and has left; and lists that are not to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.notify.messages import some
from inboxwatch.words import ENGLISH, Wording, english

_STAY = english("Nobody is dropped: all members stay watched.")


def joined(*, directory: str, people: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.count(
        "%(directory)s lists %(count)s new member: %(people)s. Their mailboxes are watched from now on.",
        "%(directory)s lists %(count)s new members: %(people)s. Their mailboxes are watched from now on.",
        len(people),
        directory=directory,
        people=some(people, words=words),
    )


def moved(*, directory: str, people: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.count(
        "%(directory)s lists %(count)s member otherwise now: %(people)s.",
        "%(directory)s lists %(count)s members otherwise now: %(people)s.",
        len(people),
        directory=directory,
        people=some(people, words=words),
    )


def returned(*, directory: str, people: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.count(
        "%(directory)s lists %(count)s member again: %(people)s. They stay watched.",
        "%(directory)s lists %(count)s members again: %(people)s. They stay watched.",
        len(people),
        directory=directory,
        people=some(people, words=words),
    )


def missing(*, directory: str, people: Sequence[str], until: datetime, waits: int, words: Wording = ENGLISH) -> str:
    """`waits` are those that they own now."""
    gone = words.count(
        "%(directory)s does not list %(count)s member any more: %(people)s. They are watched until %(until)s, then "
        "dropped unless the list names them again.",
        "%(directory)s does not list %(count)s members any more: %(people)s. They are watched until %(until)s, then "
        "dropped unless the list names them again.",
        len(people),
        directory=directory,
        people=some(people, words=words),
        until=words.when(until),
    )
    owned = words.say("They own no open wait; `inboxwatch check` shows who would get what.")
    if waits:
        owned = words.count(
            "%(count)s open wait is theirs; `inboxwatch check` shows who would get what.",
            "%(count)s open waits are theirs; `inboxwatch check` shows who would get what.",
            waits,
        )
    return f"{gone} {owned}"


def left(*, directory: str, people: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.count(
        "%(directory)s has not listed %(count)s member for the grace time: %(people)s. They are not watched now.",
        "%(directory)s has not listed %(count)s members for the grace time: %(people)s. They are not watched now.",
        len(people),
        directory=directory,
        people=some(people, words=words),
    )


def empty(*, directory: str, known: int, words: Wording = ENGLISH) -> str:
    return words.count(
        "%(directory)s lists nobody (%(count)s member is known). %(stay)s Look at the list and the right to read it.",
        "%(directory)s lists nobody (%(count)s members are known). %(stay)s Look at the list and the right to read it.",
        known,
        directory=directory,
        stay=words.say(_STAY),
    )


def shrunk(*, directory: str, known: int, people: Sequence[str], words: Wording = ENGLISH) -> str:
    return words.say(
        "%(directory)s lists %(gone)s of %(known)s members no more: %(people)s. That is more than `shrink_limit` "
        "believes, and nothing of the list is taken over. %(stay)s If they have really left, raise `shrink_limit` for "
        "a while.",
        directory=directory,
        gone=len(people),
        known=known,
        people=some(people, words=words),
        stay=words.say(_STAY),
    )


def believed_again(*, directory: str, words: Wording = ENGLISH) -> str:
    return words.say("The list of %(directory)s is taken over again.", directory=directory)


def unread(*, directory: str, error: str, words: Wording = ENGLISH) -> str:
    return words.say(
        "%(directory)s cannot be read: %(error)s. %(stay)s", directory=directory, error=error, stay=words.say(_STAY)
    )


def read_again(*, directory: str, words: Wording = ENGLISH) -> str:
    return words.say("%(directory)s can be read again.", directory=directory)
