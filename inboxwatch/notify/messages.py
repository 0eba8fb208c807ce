"""The message table: every sentence that people are told beside the templates, by name and with typed values.

Whoever decides says which message it is; how it reads is said here only, in the language that is handed in (`words`).
Values are plain text and numbers: names and ids as the config or the store has them, not cleaned and not escaped, which
is for the channel that shows them. Instants stand in the zone of their reader, except where a message says UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from inboxwatch.core.sla.policy import Metric
from inboxwatch.notify import verdict_messages
from inboxwatch.words import ENGLISH, Wording, english

ACTION_LABELS = {
    "acknowledge": english("I have it"),
    "snooze": english("Snooze"),
    "assign": english("Reassign"),
    "dismiss": english("No reply owed"),
    "activity": english("Handled by phone"),
}
"""What can be done to a wait, as buttons and links name it."""
TAKE_BACK = english("Reply owed after all")
"""The button that takes a dismissal back."""
UNDO = english("Undo")
"""The same in the first minutes."""

OPEN_LINK = english("Open in inboxwatch")
OPEN_MAIL = english("Open the mail")

NOTHING_WAITS = english("Nothing waits.")
NOBODY_ELSE = english("Nobody else could own this wait.")
SLACK_TOO_SLOW = english("Slack did not take the answer in time. Please look at the board.")
OUR_DEFECT = english("That did not work: our own fault. Please try again, or use the board.")
NOT_NOW = english("Nothing was done: the database of inboxwatch is away. Please try again in some minutes.")
LINK_INVALID = english("This link is not valid. Open the newest message about this wait, or the board.")
LINK_EXPIRED = english("This link has expired. Open the newest message about this wait, or the board.")


# How a wait stands: phrases within a line.

_ENDS = {
    "answered": english("answered"),
    "dismissed": english("no reply is owed"),
    "meeting_accepted": english("the buyer accepted a meeting"),
    "opted_out": english("the buyer opted out"),
    "lead_closed": english("the lead was closed"),
    "activity": english("a call or meeting was logged"),
    "gone_quiet": english("the buyer has gone quiet"),
    "followed_up": english("we wrote again"),
    "max_rounds": english("no further reminders"),
    "withdrawn": english("no reply was owed, as is known now"),
    "filtered": english("nobody owes an answer to its class"),
    "verdict": english("somebody said what it is"),
    "classified": english("a rule says what it is"),
}
_FLAGS = {
    "answer_not_verified": english("answer not verified: a message in our name is not shown to be ours"),
    "answer_dated_back": english(
        "the answer was laid into Sent long after its Date: it counts from when it was laid there"
    ),
    "answer_empty": english("the answer is empty"),
    "answer_within_seconds": english("the answer came within seconds"),
}
NEVER_ARRIVED = english("our message never arrived")


def answered(*, waited: str, by: str, words: Wording = ENGLISH) -> str:
    """`waited` is a length in words; `by` is a name, or empty where nobody is known."""
    if by:
        return words.say("answered after %(waited)s by %(by)s", waited=waited, by=by)
    return words.say("answered after %(waited)s", waited=waited)


def ended(*, waited: str, stop_reason: str, words: Wording = ENGLISH) -> str:
    """`stop_reason` is a stop condition of the config; another word is shown as it is."""
    return words.say("done after %(waited)s: %(why)s", waited=waited, why=end(stop_reason, words=words))


def end(stop_reason: str, *, words: Wording = ENGLISH) -> str:
    """Why a wait is over; another word is shown as it is."""
    return words.say(_ENDS[stop_reason]) if stop_reason in _ENDS else stop_reason


def flag(name: str, *, words: Wording = ENGLISH) -> str:
    """What is odd about the answer to a wait; another word is shown as it is."""
    return words.say(_FLAGS[name]) if name in _FLAGS else name


def unverified(*, mailbox: str, unread_since: datetime | None, words: Wording = ENGLISH) -> str:
    if unread_since is None:
        return words.say("can't tell: mailbox %(mailbox)s has not been read for some time", mailbox=mailbox)
    at = words.when(unread_since)
    return words.say("can't tell: mailbox %(mailbox)s has not been read since %(at)s", mailbox=mailbox, at=at)


def due(*, left: float | None, waited: str, words: Wording = ENGLISH) -> str:
    """`left` are the seconds until it is due, negative once it is overdue; None without a due time."""
    if left is None:
        return words.say("waiting for %(waited)s", waited=waited)
    if left > 0:
        return words.say(DUE_IN, span=words.span(left))
    return words.say(OVERDUE_BY, span=words.span(left)) if left < -1 else words.say("due now")


DUE_IN = english("due in %(span)s")
OVERDUE_BY = english("overdue by %(span)s")


def ladder_step(*, targets: Sequence[str], moves_to: str, at: str, words: Wording = ENGLISH) -> str:
    """What a step of a ladder does, the same on pages, in messages and on the command line.

    `targets` are names, and so is `moves_to`, empty where the wait stays with its owner; `at` is an instant as its
    reader is shown it. All may be marked up already.
    """
    told = words.say("at %(at)s", at=at)
    if targets:
        names = ", ".join(targets)
        told = words.count(
            "%(names)s is told at %(at)s", "%(names)s are told at %(at)s", len(targets), names=names, at=at
        )
    return words.say("%(told)s, it moves to %(owner)s", told=told, owner=moves_to) if moves_to else told


def held(*, snoozed: bool, until: str, words: Wording = ENGLISH) -> str:
    """`until` is an instant as its reader is shown it."""
    return words.say(english("snoozed until %(at)s") if snoozed else english("acknowledged until %(at)s"), at=until)


NO_FURTHER_STEP = english("No further reminders. Assign it or call.")
"""Of a wait whose ladder has ended, where it waits for a reply."""


def no_further_step(verdict: bool) -> str:
    """What is said of a wait whose ladder has ended, in English; `verdict`: it waits to be judged."""
    return verdict_messages.NO_FURTHER_STEP if verdict else NO_FURTHER_STEP


def tier(*, tier: str, score: str, words: Wording = ENGLISH) -> str:
    """Both as the lead list has them; either may be empty."""
    known = [words.say("Tier: %(tier)s", tier=tier)] if tier else []
    return ", ".join([*known, *([words.say("Score: %(score)s", score=score)] if score else [])])


def within(*, metric: str, length: str, words: Wording = ENGLISH) -> str:
    """The target of a policy: `first reply within 2h`; `length` as the config writes it."""
    if metric == "follow_up":
        return words.say("follow-up after %(length)s", length=length)
    if metric == "verdict":
        return words.say("verdict within %(length)s", length=length)
    if metric == "first_response":
        return words.say("first reply within %(length)s", length=length)
    return words.say("reply within %(length)s", length=length)


def and_more(count: int, *, words: Wording = ENGLISH) -> str:
    """Closes a list that was cut."""
    return words.count("and %(count)s more", "and %(count)s more", count)


def server_said(error: str, *, words: Wording = ENGLISH) -> str:
    return words.say("The server said: %(error)s", error=error)


def some(items: Sequence[str], most: int = 20, *, words: Wording = ENGLISH) -> str:
    return ", ".join([*items[:most], *([and_more(len(items) - most, words=words)] if len(items) > most else [])])


# To people, about their waits.


NOBODY_PRESENT = english("Nobody whom the routing names is present: this wait is yours.")
"""To the fallback person."""


def overdue_at_first_sight(
    *, replies: int, follow_ups: int, mailbox: str, verdicts: int = 0, words: Wording = ENGLISH
) -> str:
    """Of a mailbox that was read for the first time: how many of our verdicts, replies and follow-ups are late."""
    late = [verdict_messages.verdicts(verdicts, words=words)] if verdicts else []
    late += [_replies(replies, words)] if replies or not (follow_ups or verdicts) else []
    late += [_follow_ups(follow_ups, words)] if follow_ups else []
    return words.count(
        "%(late)s of %(mailbox)s was overdue when inboxwatch first read it; none pages anybody.",
        "%(late)s of %(mailbox)s were overdue when inboxwatch first read it; none pages anybody.",
        verdicts + replies + follow_ups,
        late=words.say(" and ").join(late),
        mailbox=mailbox,
    )


def first_contact_bounced(*, lead: str, words: Wording = ENGLISH) -> str:
    """`lead` is the buyer's name, or the address where no name is known."""
    return words.say(
        "Our first message to %(lead)s bounced: the buyer never got it. Mend the address, write again.", lead=lead
    )


def digest_title(  # seven parameters: whose day it is, and the counts of each kind
    *, team: str, day: date, overdue: int, due: int, follow_ups: int, to_judge: int = 0, words: Wording = ENGLISH
) -> str:
    """`team` is what `team_name` gives, or empty where the reader's own waits are told; `due` are open and in time."""
    counts = [verdict_messages.number(to_judge, words=words)] if to_judge else []
    counts += [words.count("%(count)s overdue", "%(count)s overdue", overdue)] if overdue else []
    counts += [words.count("%(count)s open", "%(count)s open", due)] if due else []
    counts += [_follow_ups(follow_ups, words)] if follow_ups else []
    about = f"{team}, " if team else ""
    counts = counts or [words.say("nothing open")]
    return f"{about}{words.day(day)}: {', '.join(counts)}"


def _replies(count: int, words: Wording) -> str:
    return words.count("%(count)s reply", "%(count)s replies", count)


def _follow_ups(count: int, words: Wording) -> str:
    return words.count("%(count)s follow-up", "%(count)s follow-ups", count)


REPLIES = english("Replies")
FOLLOW_UPS = english("Follow-ups")
"""Headings of lists that show both."""


def heading(metric: Metric) -> str:
    """The heading under which a list shows clocks of a metric beside others, in English."""
    others = {Metric.VERDICT: verdict_messages.TO_BE_JUDGED, Metric.FOLLOW_UP: FOLLOW_UPS}
    return others.get(metric, REPLIES)


def team_name(team: str, *, words: Wording = ENGLISH) -> str:
    return words.say("Team %(team)s", team=team)


def section(*, heading: str, count: int) -> str:
    """The heading of a digest's part, with its count."""
    return f"{heading}: {count}"


OVERDUE = english("Overdue")
OPEN = english("Open")


def breached(day: date, today: date, *, words: Wording = ENGLISH) -> str:
    """The heading of what fell due since `day`, late, and is answered or ended."""
    if today - day == timedelta(days=1):
        return words.say("Overdue yesterday, done by now")
    return words.say("Overdue since %(day)s, done by now", day=words.day(day))


def follow_ups(*, owner: str, day: str, words: Wording = ENGLISH) -> str:
    """`owner` is a name, or empty where all are the reader's own; `day` as `day_name` gives it."""
    if owner:
        return words.say("%(owner)s follows up %(day)s", owner=owner, day=day)
    return words.say("Follow up %(day)s", day=day)


def day_name(day: date, today: date, *, words: Wording = ENGLISH) -> str:
    """`today`, `tomorrow`, `yesterday`, or the day by name: `Tue 3 Nov`."""
    one = timedelta(days=1)
    near = {today: english("today"), today + one: english("tomorrow"), today - one: english("yesterday")}
    return words.say(near[day]) if day in near else words.day(day)


# To whoever acts on a wait: what came of it.


UNKNOWN_ACTOR = english("inboxwatch does not know you: ask its operator to add your address or Slack id to `people`.")
UNKNOWN_WAIT = english("This wait is not known any more.")


def not_concerned(*, owner: str, words: Wording = ENGLISH) -> str:
    """`owner` is the name of whoever has the wait."""
    return words.say(
        "This wait is %(owner)s's: only the owner, the team and its lead, the owner's manager, "
        "whoever was told of it, the fallback and admins may act on it.",
        owner=owner,
    )


def nothing_done(*, why: str, words: Wording = ENGLISH) -> str:
    """`why` is a clause without a full stop, such as `the wait is done (dismissed)`."""
    return words.say("Nothing was done: %(why)s.", why=why)


def wait_over(*, stop_reason: str, words: Wording = ENGLISH) -> str:
    """The clause for `nothing_done`."""
    return words.say("the wait is done (%(why)s)", why=end(stop_reason, words=words))


def acknowledged(*, person: str, until: datetime | None, reason: str = "", words: Wording = ENGLISH) -> str:
    did = words.say("%(person)s has it", person=person)
    if until:
        did = words.say("%(person)s has it until %(at)s", person=person, at=words.when(until))
    return f"{did}{because(reason)}."


def snoozed(*, person: str, until: datetime | None, reason: str = "", words: Wording = ENGLISH) -> str:
    did = words.say("Snoozed by %(person)s", person=person)
    if until:
        did = words.say("Snoozed by %(person)s until %(at)s", person=person, at=words.when(until))
    return f"{did}{because(reason)}."


def assigned(*, person: str, owner: str | None, reason: str = "", words: Wording = ENGLISH) -> str:
    """`owner` is the name of the new owner; None where the person took it."""
    did = words.say("%(person)s took it", person=person)
    if owner is not None:
        did = words.say("%(person)s gave it to %(owner)s", person=person, owner=owner)
    return f"{did}{because(reason)}."


def dismissed(*, person: str, reason: str = "", words: Wording = ENGLISH) -> str:
    did = words.say("No reply is owed, says %(person)s", person=person)
    return f"{did}{because(reason)}."


def reopened(*, person: str, reason: str = "", words: Wording = ENGLISH) -> str:
    return words.say(
        "A reply is owed after all, says %(person)s%(reason)s: the wait runs from its start.",
        person=person,
        reason=because(reason),
    )


SAY_WHY_DISMISSED = english("reason: say why no reply is owed")
SAY_WHY_REOPENED = english("reason: say why a reply is owed after all; ten minutes have passed")
"""Clauses for `nothing_done`."""


def reached(*, person: str, goes_on: bool, reason: str = "", words: Wording = ENGLISH) -> str:
    """A call or meeting was logged; `goes_on` where that ends no wait in this config."""
    did = words.say("%(person)s has reached the buyer", person=person)
    further = words.say("The wait goes on: `activity` is no stop condition.")
    return f"{did}{because(reason)}. {further}" if goes_on else f"{did}{because(reason)}."


def because(reason: str) -> str:
    return f" ({reason})" if reason else ""


# To whoever asks: a lead's three questions, or one's own open waits.


def no_lead(*, query: str, words: Wording = ENGLISH) -> str:
    return words.say("No lead is known by %(query)s.", query=query)


def several_leads(*, count: int, named: Sequence[tuple[str, str]], words: Wording = ENGLISH) -> str:
    """`named` are the (name, address) of the first of them; a name may be empty."""
    nameless = words.say("no name")
    names = ", ".join(f"{name or nameless} ({address})" for name, address in named)
    if count > len(named):
        names = f"{names} {and_more(count - len(named), words=words)}"
    return words.count(
        "%(count)s lead matches: %(names)s. Ask by address.",
        "%(count)s leads match: %(names)s. Ask by address.",
        count,
        names=names,
    )


def own_waits(*, count: int, overdue: int, words: Wording = ENGLISH) -> str:
    """Of replies that are owed; follow-ups are told apart."""
    if not count:
        return words.say("Nobody waits for your reply.")
    late = words.count(", %(count)s overdue", ", %(count)s overdue", overdue) if overdue else ""
    return words.count(
        "%(count)s buyer waits for your reply%(late)s.",
        "%(count)s buyers wait for your reply%(late)s.",
        count,
        late=late,
    )


def own_follow_ups(*, count: int, due: int, words: Wording = ENGLISH) -> str:
    """`due` are those whose time has come."""
    late = words.count(", %(count)s due now", ", %(count)s due now", due) if due else ""
    return words.count(
        "%(count)s follow-up is yours%(late)s.", "%(count)s follow-ups are yours%(late)s.", count, late=late
    )


def owner_now(*, owner: str, lead: str, why: Sequence[str], words: Wording = ENGLISH) -> str:
    """`why` are the rule and the reason of the assignment, as far as there are any."""
    given = because(", ".join(part for part in why if part))
    return words.say("%(owner)s owns %(lead)s right now%(why)s.", owner=owner, lead=lead, why=given)


def owner_next(*, owner: str, lead: str, words: Wording = ENGLISH) -> str:
    return words.say("%(owner)s would own the next wait of %(lead)s, as routing stands.", owner=owner, lead=lead)


def target(*, policy: str, metric: str, length: str, due_at: datetime, late: float, words: Wording = ENGLISH) -> str:
    """`length` is the target as the config writes it, empty where the policy is gone; `late` are seconds past due."""
    standing = words.say(OVERDUE_BY if late >= 0 else DUE_IN, span=words.span(late))
    owed = within(metric=metric, length=length, words=words) if length else metric
    return words.say(
        "SLA %(policy)s: %(owed)s, due %(at)s, %(standing)s.",
        policy=policy,
        owed=owed,
        at=words.when(due_at),
        standing=standing,
    )


def target_next(*, policy: str, first_response: str, next_response: str, words: Wording = ENGLISH) -> str:
    return words.say(
        "SLA %(policy)s: first reply within %(first)s, then %(next)s.",
        policy=policy,
        first=first_response,
        next=next_response,
    )


NO_POLICY = english("No SLA policy covers this lead.")
NOTHING_DUE = english("No wait is open: nothing is due.")
IF_THE_NEXT_SLIPS = english("If nobody answers the next one: %(steps)s.")


def next_step(*, step: str, held_until: datetime | None, words: Wording = ENGLISH) -> str:
    """`step` is what `ladder_step` gives."""
    if held_until is None:
        return words.say("If nobody answers, %(step)s.", step=step)
    return words.say("If nobody answers, %(step)s; held until %(at)s.", step=step, at=words.when(held_until))
