"""Absence seen in mail (rule 24)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.model import Kind
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import AbsenceRecord

SEEN_AWAY = timedelta(days=3)
"""How long a vacation reply without a day of return stands, counted from the latest one."""


def notice_absences(tx: Transaction, rules: Rules, entries: Iterable[Entry]) -> None:
    """A person's own vacation reply says that they are away; their own hand says that they are back."""
    away = set(tx.absences.people())
    for entry in entries:
        person = rules.config.us.person(entry.message.sender.email)
        if person is None:
            continue
        at = entry.message.received_at
        if entry.verdict.vacation:
            until = entry.verdict.away_until or at + SEEN_AWAY
            tx.absences.record(AbsenceRecord(person, at, until, entry.message.id))
            tx.clocks.wake(at, owner=person)
            away.add(person)
        elif entry.verdict.kind is Kind.HUMAN and person in away:
            tx.absences.end(person, at)
