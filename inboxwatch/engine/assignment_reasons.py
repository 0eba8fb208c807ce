"""The reasons of an assignment as the store keeps them and people read them: one text, in the message table's words."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.core.ownership.reasons import (
    AssignmentReason,
    Departed,
    HadBefore,
    OnLeave,
    OutOfHours,
    OwnsLead,
    Routed,
    SeenAway,
    StepReached,
)
from inboxwatch.notify import owner_messages
from inboxwatch.notify.assignment_words import FIRST_MATCH, NO_RULE
from inboxwatch.words import Wording


def in_words(reasons: Iterable[AssignmentReason]) -> str:
    """All reasons in their order, joined by `; `; empty for none."""
    return "; ".join(map(_phrase, reasons))


def absent(reason: AssignmentReason, words: Wording) -> str:
    """Why somebody could not own a wait now, in a word or two."""
    match reason:
        case OnLeave(_, first, last):
            return owner_messages.absent_on_leave(first=first, last=last, words=words)
        case SeenAway(_, since):
            return owner_messages.absent_as_seen(since=since, words=words)
        case OutOfHours(_, until):
            return owner_messages.absent_out_of_hours(until=until, words=words)
    return in_words([reason])


def _phrase(reason: AssignmentReason) -> str:
    match reason:
        case OnLeave(person, first, last):
            return owner_messages.on_leave(person=person, first=first, last=last)
        case SeenAway(person, since):
            return owner_messages.seen_away(person=person, since=since)
        case OutOfHours(person, until):
            return owner_messages.out_of_hours(person=person, until=until)
        case HadBefore(person):
            return owner_messages.had_before(person=person)
        case Departed(person):
            return owner_messages.departed(person=person)
        case OwnsLead(person):
            return owner_messages.owns_lead(person=person)
        case StepReached(step, policy):
            return owner_messages.step_reached(step=step, policy=policy)
        case Routed.FIRST_MATCH:
            return FIRST_MATCH
        case Routed.NO_RULE:
            return NO_RULE
