"""The table of the audit log."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String

from inboxwatch.store.column_types import UTCDateTime, Words
from inboxwatch.store.tables import made

audit = made(
    "audit",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UTCDateTime, nullable=False),
    Column("door", String, nullable=False),
    Column("by", Words, nullable=False),
    Column("deed", String, nullable=False),
    Column("object", String, nullable=False),
    Column("lead", String(32)),
    Column("owner", String),
    Column("outcome", String, nullable=False),
    Column("status", Integer),
    Column("times", Integer, nullable=False),
    Column("hash", String(64)),
    Index("ix_audit_at", "at"),
    Index("ix_audit_lead", "lead"),
)
"""Who did or tried what by which door (`store.audit`); names nobody outside: `object` and `lead` are hashes or ids."""
