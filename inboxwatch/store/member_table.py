"""The table of members of directories."""

from __future__ import annotations

from sqlalchemy import JSON, Column, String

from inboxwatch.store.column_types import UTCDateTime, Words
from inboxwatch.store.tables import made

member = made(
    "member",
    Column("directory", String, primary_key=True),
    Column("ref", Words, primary_key=True),
    Column("person", String, nullable=False),
    Column("address", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("team", Words, nullable=False),
    Column("manager", Words, nullable=False),
    Column("joined_at", UTCDateTime, nullable=False),
    Column("missing_since", UTCDateTime),
)
"""Members of directories as they were listed last: a start while a directory is away goes on with them."""
