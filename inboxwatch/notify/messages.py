"""The message table: every sentence that people are told beside the templates, by name and with typed values.

Whoever decides says which message it is; how it reads is said here only. Values are plain text and numbers: names and
ids as the config or the store has them, not cleaned and not escaped, which is for the channel that shows them. Instants
stand in the zone of their reader, except where a message says UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from inboxwatch.notify.text import span, when

ACTION_LABELS = {
    "acknowledge": "I have it",
    "snooze": "Snooze",
    "assign": "Reassign",
    "dismiss": "No reply owed",
    "activity": "Handled by phone",
}
TAKE_BACK = "Reply owed after all"
"""The button that takes a dismissal back."""
UNDO = "Undo"
"""The same in the first minutes."""
"""What can be done to a wait, as buttons and links name it."""

OPEN_LINK = "Open in inboxwatch"
OPEN_MAIL = "Open the mail"

NOTHING_WAITS = "Nothing waits."
NOBODY_ELSE = "Nobody else could own this wait."
SLACK_TOO_SLOW = "Slack did not take the answer in time. Please look at the board."
OUR_DEFECT = "That did not work: our own fault. Please try again, or use the board."
NOT_NOW = "Nothing was done: the database of inboxwatch is away. Please try again in some minutes."
LINK_INVALID = "This link is not valid. Open the newest message about this wait, or the board."
LINK_EXPIRED = "This link has expired. Open the newest message about this wait, or the board."


# How a wait stands: phrases within a line.

_ENDS = {
    "dismissed": "no reply is owed",
    "meeting_accepted": "the buyer accepted a meeting",
    "opted_out": "the buyer opted out",
    "lead_closed": "the lead was closed",
    "activity": "a call or meeting was logged",
    "gone_quiet": "the buyer has gone quiet",
    "followed_up": "we wrote again",
    "max_rounds": "no further reminders",
    "withdrawn": "no reply was owed, as is known now",
}
_FLAGS = {
    "answer_not_verified": "answer not verified: a message in our name is not shown to be ours",
    "answer_dated_back": "the answer was laid into Sent long after its Date: it counts from when it was laid there",
    "answer_empty": "the answer is empty",
    "answer_within_seconds": "the answer came within seconds",
}
NEVER_ARRIVED = "our message never arrived"


def answered(*, waited: str, by: str) -> str:
    """`waited` is a length in words; `by` is a name, or empty where nobody is known."""
    return f"answered after {waited}" + (f" by {by}" if by else "")


def ended(*, waited: str, stop_reason: str) -> str:
    """`stop_reason` is a stop condition of the config; another word is shown as it is."""
    return f"over after {waited}: {_ENDS.get(stop_reason, stop_reason)}"


def flag(name: str) -> str:
    """What is odd about the answer to a wait; another word is shown as it is."""
    return _FLAGS.get(name, name)


def unverified(*, mailbox: str, unread_since: datetime | None) -> str:
    return f"cannot verify: mailbox {mailbox} unread since {when(unread_since) or 'some time'}"


def due(*, left: float | None, waited: str) -> str:
    """`left` are the seconds until it is due, negative once it is overdue; None without a due time."""
    if left is None:
        return f"waiting for {waited}"
    if left > 0:
        return f"due in {span(left)}"
    return f"overdue by {span(left)}" if left < -1 else "due now"


def ladder_step(*, targets: Sequence[str], moves_to: str, at: str) -> str:
    """What a step of a ladder does, the same on pages, in messages and on the command line.

    `targets` are names, and so is `moves_to`, empty where the wait stays with its owner; `at` is an instant as its
    reader is shown it. All may be marked up already.
    """
    told = f"{', '.join(targets)} {'is' if len(targets) == 1 else 'are'} told at {at}" if targets else f"at {at}"
    return f"{told}, it moves to {moves_to}" if moves_to else told


NO_FURTHER_STEP = "No further reminders. Assign it or call."
"""Of a wait whose ladder has ended."""


def tier(*, tier: str, score: str) -> str:
    """Both as the lead list has them; either may be empty."""
    known = [f"Tier: {tier}"] if tier else []
    return ", ".join([*known, *([f"Score: {score}"] if score else [])])


def within(*, metric: str, length: str) -> str:
    """The target of a policy: `first response within 2h`; `length` as the config writes it."""
    owed = {"first_response": "first reply", "next_response": "reply", "follow_up": "follow-up"}.get(metric, metric)
    return f"{owed} {'after' if metric == 'follow_up' else 'within'} {length}"


def and_more(count: int) -> str:
    """Closes a list that was cut."""
    return f"and {count} more"


def server_said(error: str) -> str:
    return f"The server said: {error}"


# To IT, about the program itself: what is wrong and what to do; then that it is right again.


def mailbox_blind(*, mailbox: str, reason: str, read_until: datetime | None, hint: str) -> str:
    """`read_until` (UTC) is up to when the mailbox was read; `hint` says what to do, or is empty."""
    age = f"unread since {read_until:%Y-%m-%d %H:%M:%S} UTC" if read_until else "never read"
    return f"Mailbox {mailbox} is blind ({reason}): {age}. {hint}".strip()


def mailbox_readable(*, mailbox: str) -> str:
    return f"Mailbox {mailbox} can be read again."


def server_blind(*, server: str, reason: str, mailboxes: Sequence[str]) -> str:
    return (
        f"The mail server {server} cannot be used ({reason}): {some(mailboxes)} are blind. The board shows each of "
        "them; their waits are unverified until it answers."
    )


def server_readable(*, server: str) -> str:
    return f"The mail server {server} answers again: its mailboxes can be read."


def clock_jumped(*, by: timedelta) -> str:
    """`by` is how far the time of day has jumped, negative where it was set back."""
    seconds = by.total_seconds()
    what = "went on by" if seconds > 0 else "was set back by"
    then = (
        "Where it slept, all is well: mailboxes are read before anybody is told. Where its clock is wrong now, steps "
        "leave early."
        if seconds > 0
        else "Nothing is told twice. Where its clock is wrong now, steps leave late."
    )
    return f"The clock of the machine of inboxwatch {what} {span(abs(seconds))} at once. {then} `timedatectl` shows it."


def clock_behind(*, by: timedelta) -> str:
    """`by` is how far the time of day is behind that at which the store was last worked on."""
    return (
        f"The clock of the machine of inboxwatch is {span(by.total_seconds())} behind the time at which inboxwatch "
        "last ran: it was set back since, or was wrong then. Nothing is told twice. Where it is wrong now, steps leave "
        "late. `timedatectl` shows it."
    )


def person_gone(*, person: str, moved: Sequence[tuple[str, str]]) -> str:
    """`moved` are waits with whose they become."""
    return (
        f"{person} is no person of the config any more and owns {_waits(len(moved))}: "
        f"{some([f'{clock} goes to {owner}' for clock, owner in moved])}."
    )


def mailbox_gone(*, mailbox: str, clocks: Sequence[str]) -> str:
    return (
        f"Mailbox {mailbox} is not in the config any more, and {_waits(len(clocks))} began in it: answers that only it "
        f"holds are not seen. Dismiss or answer {some(clocks)}, or bring the mailbox back."
    )


def target_gone(*, target: str, waits: int, fallback: str) -> str:
    return (
        f"The ladder of {_waits(waits)} names {target}, whom the config does not know any more: {fallback} is told "
        "instead. `inboxwatch clocks repolicy` puts open waits under the policies of today."
    )


def _waits(count: int) -> str:
    return f"{count} open wait{'' if count == 1 else 's'}"


def some(items: Sequence[str], most: int = 20) -> str:
    return ", ".join([*items[:most], *([and_more(len(items) - most)] if len(items) > most else [])])


def channel_down(*, channel: str, dead: int) -> str:
    """`dead` counts the dead letters that came of it; 0 where all went another way."""
    became = f"{dead} dead letters" if dead else "the next way was used"
    return f"Channel {channel} does not deliver: {became}. See the dead letters, mend the channel, send them again."


STORE_DOWN = (
    "The store cannot be used: nothing is read, timed or told until it can. See to its disk, "
    "its permissions or its server; inboxwatch tries again by itself."
)


def crash_loop(*, ends: int, minutes: int) -> str:
    return (
        f"inboxwatch has ended {ends} times within {minutes} minutes without being told to, and starts again: its log "
        "says why. Run `inboxwatch check`; if the config is fine, go back to the version before."
    )


STORE_UP = "The store can be used again: what had to wait is told now."


# To people, about their waits.


NOBODY_PRESENT = "Nobody whom the routing names is present: this wait is yours."
"""To the fallback person."""


def overdue_at_first_sight(*, replies: int, follow_ups: int, mailbox: str) -> str:
    """Of a mailbox that was read for the first time: how many of our replies, and of our follow-ups, are late."""
    late = [_many(replies, "reply", "replies")] if replies or not follow_ups else []
    late += [_many(follow_ups, "follow-up", "follow-ups")] if follow_ups else []
    verb = "was" if replies + follow_ups == 1 else "were"
    return f"{' and '.join(late)} of {mailbox} {verb} overdue when inboxwatch first read it; none pages anybody."


def first_contact_bounced(*, lead: str) -> str:
    """`lead` is the buyer's name, or the address where no name is known."""
    return f"Our first message to {lead} bounced: the buyer never got it. Mend the address, write again."


def digest_title(*, team: str, day: date, overdue: int, due: int, follow_ups: int) -> str:
    """`team` is what `team_name` gives, or empty where the reader's own waits are told; `due` are open and in time."""
    counts = [f"{overdue} overdue"] if overdue else []
    counts += [f"{due} open"] if due else []
    counts += [_many(follow_ups, "follow-up", "follow-ups")] if follow_ups else []
    about = f"{team}, " if team else ""
    return f"{about}{day:%a} {day.day} {day:%b}: {', '.join(counts) or 'nothing open'}"


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


REPLIES = "Replies"
FOLLOW_UPS = "Follow-ups"
"""Headings of lists that show both."""


def team_name(team: str) -> str:
    return f"Team {team}"


def section(*, heading: str, count: int) -> str:
    """The heading of a digest's part, with its count."""
    return f"{heading}: {count}"


OVERDUE = "Overdue"
OPEN = "Open"


def breached(*, day: str) -> str:
    """`day` as `day_name` gives it."""
    return f"Breached {day if day == 'yesterday' else f'since {day}'}, over by now"


def follow_ups(*, owner: str, day: str) -> str:
    """`owner` is a name, or empty where all are the reader's own; `day` as `day_name` gives it."""
    return f"{f'{owner} follows up' if owner else 'Follow up'} {day}"


def day_name(day: date, today: date) -> str:
    """`today`, `tomorrow`, `yesterday`, or the day by name: `Tue 3 Nov`."""
    one = timedelta(days=1)
    near = {today: "today", today + one: "tomorrow", today - one: "yesterday"}
    return near.get(day) or f"{day:%a} {day.day} {day:%b}"


# To whoever acts on a wait: what came of it.


UNKNOWN_ACTOR = "inboxwatch does not know you: ask its operator to add your address or Slack id to `people`."
UNKNOWN_WAIT = "This wait is not known any more."


def not_concerned(*, owner: str) -> str:
    """`owner` is the name of whoever has the wait."""
    return (
        f"This wait is {owner}'s: only the owner, the team and its lead, the owner's manager, "
        "whoever was told of it, the fallback and admins may act on it."
    )


def nothing_done(*, why: str) -> str:
    """`why` is a clause without a full stop, such as `the wait is over (dismissed)`."""
    return f"Nothing was done: {why}."


def wait_over(*, stop_reason: str) -> str:
    """The clause for `nothing_done`."""
    return f"the wait is over ({stop_reason})"


def acknowledged(*, person: str, until: datetime | None, reason: str = "") -> str:
    return f"{person} has it{_until(until)}{because(reason)}."


def snoozed(*, person: str, until: datetime | None, reason: str = "") -> str:
    return f"Snoozed by {person}{_until(until)}{because(reason)}."


def assigned(*, person: str, owner: str | None, reason: str = "") -> str:
    """`owner` is the name of the new owner; None where the person took it."""
    did = "took it" if owner is None else f"gave it to {owner}"
    return f"{person} {did}{because(reason)}."


def dismissed(*, person: str, reason: str = "") -> str:
    return f"No reply is owed, says {person}{because(reason)}."


def reopened(*, person: str, reason: str = "") -> str:
    return f"A reply is owed after all, says {person}{because(reason)}: the wait runs from its start."


SAY_WHY_DISMISSED = "reason: say why no reply is owed"
SAY_WHY_REOPENED = "reason: say why a reply is owed after all; ten minutes have passed"
"""Clauses for `nothing_done`."""


def reached(*, person: str, goes_on: bool, reason: str = "") -> str:
    """A call or meeting was logged; `goes_on` where that ends no wait in this config."""
    further = " The wait goes on: `activity` is no stop condition." if goes_on else ""
    return f"{person} has reached the buyer{because(reason)}.{further}"


def _until(at: datetime | None) -> str:
    return f" until {when(at)}" if at else ""


def because(reason: str) -> str:
    return f" ({reason})" if reason else ""


# To whoever asks: a lead's three questions, or one's own open waits.


def no_lead(*, query: str) -> str:
    return f"No lead is known by {query}."


def several_leads(*, count: int, named: Sequence[tuple[str, str]]) -> str:
    """`named` are the (name, address) of the first of them; a name may be empty."""
    names = ", ".join(f"{name or 'no name'} ({address})" for name, address in named)
    more = f" and {count - len(named)} more" if count > len(named) else ""
    return f"{count} leads match: {names}{more}. Ask by address."


def own_waits(*, count: int, overdue: int) -> str:
    """Of replies that are owed; follow-ups are told apart."""
    late = f", {overdue} overdue" if overdue else ""
    return f"{'Nobody waits' if not count else _many(count, 'buyer waits', 'buyers wait')} for your reply{late}."


def own_follow_ups(*, count: int, due: int) -> str:
    """`due` are those whose time has come."""
    late = f", {due} due now" if due else ""
    return f"{_many(count, 'follow-up is', 'follow-ups are')} yours{late}."


def owner_now(*, owner: str, lead: str, why: Sequence[str]) -> str:
    """`why` are the rule and the reason of the assignment, as far as there are any."""
    given = ", ".join(part for part in why if part)
    return f"{owner} owns {lead} right now{f' ({given})' if why else ''}."


def owner_next(*, owner: str, lead: str) -> str:
    return f"{owner} would own the next wait of {lead}, as routing stands."


def target(*, policy: str, metric: str, within: str, due_at: datetime, late: float) -> str:
    """`within` is the target as the config writes it, empty where the policy is gone; `late` are seconds past due."""
    standing = f"overdue by {span(late)}" if late >= 0 else f"due in {span(late)}"
    owed = f"{metric.replace('_', ' ')} within {within}" if within else metric
    return f"SLA {policy}: {owed}, due {when(due_at)}, {standing}."


def target_next(*, policy: str, first_response: str, next_response: str) -> str:
    return f"SLA {policy}: first response within {first_response}, then {next_response}."


NO_POLICY = "No SLA policy covers this lead."
NOTHING_DUE = "No wait is open: nothing is due."


def next_step(*, step: str, held_until: datetime | None) -> str:
    """`step` is what `ladder_step` gives."""
    pause = f"; held until {when(held_until)}" if held_until else ""
    return f"If nobody answers, {step}{pause}."
