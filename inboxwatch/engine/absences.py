"""Absence seen in mail (rule 24)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Kind, PersonId
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import AbsenceRecord

LONGEST = timedelta(days=60)
"""No vacation reply sends anybody away for longer; whoever stays away replies again."""
SEEN_AWAY = timedelta(days=3)
"""How long a vacation reply without a day of return stands, counted from the latest one."""


def notice_absences(tx: Transaction, rules: Rules, entries: Iterable[Entry]) -> None:
    """A person's own vacation reply says that they are away; their own hand says that they are back."""
    away = set(tx.absences.people())
    for entry in entries:
        person = author(entry, rules.config.us)
        if person is None:
            continue
        at = entry.message.received_at
        if entry.verdict.vacation:
            tx.absences.record(AbsenceRecord(person, at, away_until(entry), entry.message.id))
            tx.clocks.wake(at, owner=person)
            away.add(person)
        elif entry.verdict.kind is Kind.HUMAN and person in away:
            tx.absences.end(person, at)


def author(entry: Entry, us: Us) -> PersonId | None:
    """Which of us wrote a message, unless something shows that it was another who bears the address."""
    return None if entry.proof.doubtful else us.person(entry.message.sender.email)


def away_until(entry: Entry) -> datetime:
    """Until when a vacation reply sends its author away (UTC)."""
    at = entry.message.received_at
    return min(entry.verdict.away_until or at + SEEN_AWAY, at + LONGEST)
