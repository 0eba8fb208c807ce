"""Whose mail makes a provisional lead, by where it came in."""

from __future__ import annotations

from enum import StrEnum

from inboxwatch.core.mail.classify import is_machine
from inboxwatch.core.model import Kind, Message, Verdict


class UnknownSenders(StrEnum):
    """For whose mail a provisional lead is made."""

    SHARED = "shared"
    NEVER = "never"
    ALWAYS = "always"

    def makes_leads(self, *, shared: bool) -> bool:
        """Whether it holds for a mailbox, which may be `shared`."""
        return self is UnknownSenders.ALWAYS or (self is UnknownSenders.SHARED and shared)


def leads_of_nobody(_message: Message) -> bool:
    """No unknown sender is a lead."""
    return False


def leads_of_all(_message: Message) -> bool:
    """Every unknown sender is a lead."""
    return True


def is_word_of_somebody(message: Message, verdict: Verdict) -> bool:
    """Whether a person wrote, or asks for a meeting; what a program sends out invites nobody in particular."""
    if verdict.kind is Kind.CALENDAR:
        return verdict.owes_reply and not is_machine(message.sender.email)
    return verdict.kind is Kind.HUMAN
