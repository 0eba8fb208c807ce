"""The tables of what sources of leads give; the leads made of it are in `tables`."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Text, false

from inboxwatch.store.column_types import Ordered, UTCDateTime, Words
from inboxwatch.store.tables import filled, made

lead_source = made(
    "lead_source",
    Column("name", String, primary_key=True),
    Column("cursor", Text),
    Column("stamp", String),
    Column("whole_pass", Integer, nullable=False, server_default="0"),
    Column("passing", Boolean, nullable=False, server_default=false()),
    Column("last_success", UTCDateTime),
    Column("failing_since", UTCDateTime),
    Column("error_reason", String),
    Column("error", Words),
    Column("leads", Integer, nullable=False, server_default="0"),
    Column("owners", JSON),
    Column("unowned", JSON),
    Column("refused", JSON),
    Column("facts", JSON),
)
"""How far each source of leads was read, and how it fares. `stamp`: by which program and settings; `whole_pass`: how
many have begun, `passing`: one has not ended."""

lead_row = made(
    "lead_row",
    Column("source", String, primary_key=True),
    Column("key", Ordered, primary_key=True),
    Column("email", Ordered, nullable=False, index=True),
    Column("data", JSON(none_as_null=True)),
    Column("owner", Words),
    Column("former", JSON(none_as_null=True)),
    Column("merged_into", Words),
    Column("seen", Integer, nullable=False, server_default="0"),
    Column("digest", BigInteger),
    filled("ix_lead_row_merged_into", "merged_into"),
    sqlite_with_rowid=False,
)
"""What each source gives of its leads, by its own key; `lead` is made of it. `data`: null where it is that of the lead
with its address; `owner`: as the source names them; `former`: addresses it had before; `merged_into`: the record that
goes on in its place, not read yet; `seen`: the whole pass that saw it last;
`digest`: of what it gives, by which most rows of a list that comes again are known to be as they were."""

lead_row_alias = made(
    "lead_row_alias",
    Column("email", Ordered, primary_key=True),
    Column("source", String, primary_key=True),
    Column("key", Ordered, primary_key=True),
    Index("ix_lead_row_alias_row", "source", "key"),
    sqlite_with_rowid=False,
)
"""The further addresses that rows list, former ones too."""

logged_activity = made(
    "logged_activity",
    Column("source", String, primary_key=True),
    Column("id", Ordered, primary_key=True),
    Column("key", Ordered, nullable=False),
    Column("type", String, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("by", Words, nullable=False),
    Column("waiting", Boolean),
    filled("ix_logged_activity_waiting", "waiting", "source", "key"),
    sqlite_with_rowid=False,
)
"""Calls and meetings that sources told, each once. `waiting`: true while its record is not known; else null."""

outcome = made(
    "outcome",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("id", Words, nullable=False),
    Column("key", Ordered, nullable=False),
    Column("lead", Ordered),
    Column("what", String, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    Index("ix_outcome_row", "source", "key"),
    Index("ix_outcome_id", "source", "id"),
    filled("ix_outcome_lead", "lead"),
)
"""What became of opportunities; rows are only added, the last one of (source, id, key) holds. `what`: opportunity, won,
lost or dropped; `lead`: whose it was when it was seen, followed where the lead goes on under another address."""
