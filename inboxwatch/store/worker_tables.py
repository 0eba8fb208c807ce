"""The tables by which several workers share a store; a store of one process leaves them empty."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String

from inboxwatch.store.column_types import UTCDateTime, Words
from inboxwatch.store.tables import made

worker = made(
    "worker",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", Words, nullable=False),
    Column("version", String, nullable=False),
    Column("began_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    Column("left_at", UTCDateTime),
    Column("ahead", Float, nullable=False, default=0.0, server_default="0"),
)
"""Who is or was at work lately. Whether one lives its lock says (`shard_locks`), `seen_at` only how long ago it did.
`ahead`: by how many seconds its machine's clock is ahead of the database's."""

shard = made(
    "shard",
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("worker", Integer),
    Column("since", UTCDateTime, nullable=False),
)
"""Who took a shard last, or gave it back (no worker), and when: for people. The locks decide."""

look_request = made(
    "look_request",
    Column("mailbox", String, primary_key=True),
    Column("wanted_at", UTCDateTime, nullable=False),
)
"""Mailboxes that some worker wants to be read now, by whoever owns them; apart from `mailbox`, whose rows are written
with each batch of mail."""
