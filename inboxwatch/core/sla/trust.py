"""What a message is believed: what pretends to be ours, what may end a wait, and what is odd of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from inboxwatch.core.model import Direction
from inboxwatch.core.sla.timeline import Mail

SECONDS = timedelta(seconds=20)
"""No person reads and answers within it."""


class Flag(StrEnum):
    """What a person should know of the answer to a wait, or of what pretends to be one."""

    NOT_VERIFIED = "answer_not_verified"
    """It bears our name and is not shown to be ours: the wait runs on."""
    DATED_BACK = "answer_dated_back"
    """Its copy came long after its Date: its first copy counts."""
    EMPTY = "answer_empty"
    """It says nothing."""
    WITHIN_SECONDS = "answer_within_seconds"
    """It came sooner than a person can read and write."""


def is_forged_as_ours(mail: Mail) -> bool:
    """Whether a message bears our name and is not shown to be ours."""
    return mail.direction is Direction.OUTBOUND and mail.proof.doubtful


def is_failure(mail: Mail) -> bool:
    """Whether a mail system says that a message of ours did not arrive."""
    return mail.delivery is not None and mail.delivery.action == "failed" and mail.delivery.proven


def is_their_word(mail: Mail, asked: Sequence[Mail]) -> bool:
    """Whether what a message says may end or move a wait: it is the lead's own, or of whoever asked, and not forged.

    `asked` are the messages of the wait, oldest first; empty where none runs.
    """
    asker = bool(asked) and mail.sender.side is not None and mail.sender.email == asked[0].sender.email
    return (mail.own_address or asker) and not mail.proof.failed


def oddities(answer: Mail, asked: Sequence[Mail]) -> list[Flag]:
    """What a person should know of an answer that counts; `asked` are the messages of its wait, oldest first."""
    odd = []
    if answer.dated is not None:
        odd.append(Flag.DATED_BACK)
    if answer.proof.empty:
        odd.append(Flag.EMPTY)
    question = next((mail for mail in asked if mail.id == answer.parent), asked[-1])
    if answer.at - question.at <= SECONDS:
        odd.append(Flag.WITHIN_SECONDS)
    return odd
