"""Meetings that leads have accepted: invitation and answer, joined by UID and people, in whatever threads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from inboxwatch.core.model import Direction
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail

ACCEPTED = "meeting_accepted"
SKEW = timedelta(minutes=10)
"""How much earlier than its invitation an answer may seem to have come: servers' clocks differ."""


def accepted(mails: Iterable[Mail]) -> list[Action]:
    """What was accepted among mails of calendars, in the order of time.

    An acceptance answers the latest invitation of ours under its UID before it, and only if its author, or somebody of
    the author's side, was invited. It settles what the lead had asked before that invitation (`until`). What is shown
    to be forged, ours or theirs, is none.
    """
    invitations: dict[str, list[Mail]] = {}
    answers = []
    for mail in mails:
        if mail.meeting and mail.direction is Direction.OUTBOUND and mail.effect is None and not mail.proof.doubtful:
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


def _invites(invitation: Mail, answer: Mail) -> bool:
    author = answer.sender
    return any(
        one.email == author.email or (one.side is not None and one.side == author.side) for one in invitation.recipients
    )
