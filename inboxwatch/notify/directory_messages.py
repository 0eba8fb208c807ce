"""What is told of directories: who joined, moved, is missing and has left; and lists that are not to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.notify.messages import some
from inboxwatch.notify.text import when

_STAY = "Nobody is dropped: all members stay watched."


def joined(*, directory: str, people: Sequence[str]) -> str:
    return f"{directory} lists {_members(people, 'new ')}: {some(people)}. Their mailboxes are watched from now on."


def moved(*, directory: str, people: Sequence[str]) -> str:
    return f"{directory} lists {_members(people)} otherwise now: {some(people)}."


def returned(*, directory: str, people: Sequence[str]) -> str:
    return f"{directory} lists {_members(people)} again: {some(people)}. They stay watched."


def missing(*, directory: str, people: Sequence[str], until: datetime, waits: int) -> str:
    """`waits` are those that they own now."""
    owned = {0: "They own no open wait", 1: "1 open wait is theirs"}.get(waits, f"{waits} open waits are theirs")
    return (
        f"{directory} does not list {_members(people)} any more: {some(people)}. They are watched until {when(until)}, "
        f"then dropped unless the list names them again. {owned}; `inboxwatch check` shows who would get what."
    )


def left(*, directory: str, people: Sequence[str]) -> str:
    return (
        f"{directory} has not listed {_members(people)} for the grace time: {some(people)}. They are not watched now."
    )


def empty(*, directory: str, known: int) -> str:
    return f"{directory} lists nobody ({known} members are known). {_STAY} Look at the list and the right to read it."


def shrunk(*, directory: str, known: int, people: Sequence[str]) -> str:
    return (
        f"{directory} lists {len(people)} of {known} members no more: {some(people)}. That is more than "
        f"`shrink_limit` believes, and nothing of the list is taken over. {_STAY} If they have really left, raise "
        "`shrink_limit` for a while."
    )


def believed_again(*, directory: str) -> str:
    return f"The list of {directory} is taken over again."


def unread(*, directory: str, error: str) -> str:
    return f"{directory} cannot be read: {error}. {_STAY}"


def read_again(*, directory: str) -> str:
    return f"{directory} can be read again."


def _members(people: Sequence[str], kind: str = "") -> str:
    return f"{len(people)} {kind}{'member' if len(people) == 1 else 'members'}"
