"""A row of the audit log as it enters the store and leaves it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.model import LeadId


class AuditRecord(NamedTuple):
    """A row of the audit log: what somebody did or tried. Times are UTC."""

    id: int
    at: datetime
    door: str
    by: str
    """A person's id; `os:NAME` for somebody at the machine itself; empty where nobody is known."""
    deed: str
    object: str
    """A clock's id, a dead letter's number, the keyed hash of a message or lead; empty where there is none."""
    lead: str | None
    """The keyed hash of a lead's id."""
    owner: str | None
    """To whom something was given."""
    outcome: str
    status: int | None
    """Of HTTP, where it was refused."""
    times: int
    """How often it happened: attempts to sign in are counted, not listed."""
    hash: str | None = None
    """Of this row and the hash of the one before (`store.audit_chain`); None of rows from before there was a chain."""
    known_lead: LeadId | None = None
    """The lead's id, while the store still has the wait it was about."""
