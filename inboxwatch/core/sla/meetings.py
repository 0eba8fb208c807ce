"""Answers to invitations, theirs and ours, joined with what they answer by UID and people, in whatever threads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from inboxwatch.core.model import Direction, LeadId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail

ACCEPTED, ANSWERED, BOOKED = "meeting_accepted", "meeting_answered", "meeting_booked"
SKEW = timedelta(minutes=10)
"""How much earlier than its invitation an answer may seem to have come: servers' clocks differ."""


def is_invitation(mail: Mail) -> bool:
    """Whether a message invites to a meeting."""
    return bool(mail.meeting) and mail.effect is None


def answered_by_us(mails: Iterable[Mail]) -> list[Action]:
    """Which invitations of buyers one of ours has answered by their calendar, in the order of time (rule 50).

    An answer is that to the latest invitation under its UID before it, and goes to whoever invited, or to their side.
    """
    asked: dict[str, list[Mail]] = {}
    answers = []
    for mail in mails:
        if mail.direction is Direction.INBOUND and is_invitation(mail):
            asked.setdefault(mail.meeting, []).append(mail)
        elif mail.direction is Direction.OUTBOUND and mail.meeting and mail.effect and not mail.proof.doubtful:
            answers.append(mail)
    found = []
    for mail in sorted(answers, key=lambda one: (one.at, one.id)):
        before = [one for one in asked.get(mail.meeting, ()) if one.at <= mail.at + SKEW and _invites(mail, one)]
        if before and before[-1].sender.lead is not None:
            last = max(before, key=lambda one: (one.at, one.id))
            at, clock = max(mail.at, last.at), clock_id(last.id, Metric.FIRST_RESPONSE)
            lead, effect = last.sender.lead, mail.effect or ""
            kind = ActionKind.MEETING_ANSWERED
            found.append(Action(at, kind, mail.author, clock, lead, reason=effect, rule=mail.id))
    return found


def accepted(mails: Iterable[Mail]) -> list[Action]:
    """What was accepted among mails of calendars, in the order of time.

    An acceptance answers the latest invitation of ours under its UID before it, and only if its author, or somebody of
    the author's side, was invited. It settles what the lead had asked before that invitation (`until`). What is shown
    to be forged, ours or theirs, is none.
    """
    invitations: dict[str, list[Mail]] = {}
    answers = []
    for mail in mails:
        if mail.direction is Direction.OUTBOUND and is_invitation(mail) and not mail.proof.doubtful:
            invitations.setdefault(mail.meeting, []).append(mail)
        elif mail.meeting and mail.direction is Direction.INBOUND and mail.effect == ACCEPTED and not mail.proof.failed:
            answers.append(mail)
    found = []
    for mail in sorted(answers, key=lambda one: (one.at, one.id)):
        lead = mail.sender.lead
        sent = [one.at for one in invitations.get(mail.meeting, ()) if one.at <= mail.at + SKEW and _invites(one, mail)]
        if lead is not None and sent:
            until = max(sent)
            at = max(mail.at, until)
            found.append(Action(at, ActionKind.MEETING_ACCEPTED, lead, lead=lead, until=until, rule=mail.id))
    return found


def booked(mails: Iterable[Mail]) -> list[Action]:
    """What leads have booked by notices of booking services, in the order of time (rule 50).

    A meeting is booked once: reminders, changes and other hosts' notices under its UID say nothing new. What is shown
    to be forged says nothing.
    """
    first: dict[tuple[str, LeadId], Mail] = {}
    for mail in sorted(mails, key=lambda one: (one.at, one.id)):
        if is_notice(mail) and mail.sender.lead is not None and not mail.proof.failed:
            first.setdefault((mail.meeting, mail.sender.lead), mail)
    kind = ActionKind.MEETING_ACCEPTED
    return [Action(one.at, kind, lead, lead=lead, until=one.at, rule=one.id) for (_, lead), one in first.items()]


def is_notice(mail: Mail) -> bool:
    """Whether a booking service tells that somebody has booked."""
    return mail.direction is Direction.INBOUND and mail.effect == BOOKED and bool(mail.meeting)


def _invites(invitation: Mail, answer: Mail) -> bool:
    author = answer.sender
    return any(
        one.email == author.email or (one.side is not None and one.side == author.side) for one in invitation.recipients
    )
