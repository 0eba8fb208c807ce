"""The message table on owners: who has a wait now, who had it, and why it was given to them."""

from __future__ import annotations

from datetime import date, datetime

from inboxwatch.notify import assignment_words
from inboxwatch.notify.messages import assigned, because
from inboxwatch.words import ENGLISH, Wording


def yours_now(*, by: str, former: str, reason: str, words: Wording = ENGLISH) -> str:
    """`by` is the name of whoever gave the wait away, empty where the program moved it; `former` who had it."""
    had = words.say("It was %(former)s's", former=former)
    if not by:
        return f"{had}{because(reason)}."
    gave = words.say("%(by)s gave it to you", by=by)
    return f"{gave}{because(reason)}." if by == former else f"{gave}{because(reason)}. {had}."


def no_longer_yours(*, by: str, owner: str, reason: str, words: Wording = ENGLISH) -> str:
    """`owner` is the name of who has the wait now; `by` as in `yours_now`."""
    if not by:
        moved = words.say("It moved to %(owner)s", owner=owner)
        return f"{moved}{because(reason)}."
    return assigned(person=by, owner=None if by == owner else owner, reason=reason, words=words)


# Why routing chose as it did: parts of a reason, joined by `; `, as they are stored.


def on_leave(*, person: str, first: date, last: date) -> str:
    return ENGLISH.say(assignment_words.ON_LEAVE, person=person, first=first, last=last)


def seen_away(*, person: str, since: datetime) -> str:
    """`since` is in UTC."""
    return ENGLISH.say(assignment_words.SEEN_AWAY, person=person, at=f"{since:%d %b %H:%M} UTC")


def out_of_hours(*, person: str, until: datetime) -> str:
    """`until` is in the zone of the person's calendar."""
    return ENGLISH.say(assignment_words.OUT_OF_HOURS, person=person, at=f"{until:%a %d %b %H:%M}")


def had_before(*, person: str) -> str:
    return ENGLISH.say(assignment_words.HAD_BEFORE, person=person)


def departed(*, person: str) -> str:
    return ENGLISH.say(assignment_words.DEPARTED, person=person)


def owns_lead(*, person: str) -> str:
    return ENGLISH.say(assignment_words.OWNS_LEAD, person=person)


def step_reached(*, step: int, policy: str) -> str:
    """The step of an escalation policy that gave the wait to somebody else."""
    return ENGLISH.say(assignment_words.STEP_REACHED, step=step, policy=policy)


# Why somebody cannot have a wait now, beside their name.


def absent_on_leave(*, first: date, last: date, words: Wording) -> str:
    return words.say("on leave from %(first)s to %(last)s", first=words.day(first), last=words.day(last))


def absent_as_seen(*, since: datetime, words: Wording) -> str:
    """`since` is in UTC."""
    return words.say("away: their mailbox answered with a vacation reply on %(at)s", at=words.when(since))


def absent_out_of_hours(*, until: datetime, words: Wording) -> str:
    """`until` is in the zone of the person's calendar."""
    return words.say("out of hours until %(at)s", at=words.when(until))
