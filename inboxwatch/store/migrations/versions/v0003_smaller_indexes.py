"""No index entries for mail of nobody's, and one tree for sightings instead of three"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime

revision = "0003"
down_revision = "0002"

INDEXES = {
    "ix_message_thread": ["thread"],
    "ix_message_lead": ["lead"],
    "ix_message_named_key": ["named_key"],
    "ix_message_apart_from": ["apart_from"],
    "ix_message_subject": ["subject_key", "at"],
    "ix_message_provider": ["provider_thread"],
    "ix_message_index_root": ["index_root"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        filled = sa.text(f"{columns[0]} IS NOT NULL")
        op.drop_index(name, "message")
        op.create_index(name, "message", columns, sqlite_where=filled, postgresql_where=filled)
    _sightings("key", "mailbox", sqlite_with_rowid=False)


def downgrade() -> None:
    _sightings("mailbox", "key")
    op.create_index("ix_sighting_key", "sighting", ["key"])
    for name, columns in INDEXES.items():
        op.drop_index(name, "message")
        op.create_index(name, "message", columns)


def _sightings(*key: str, **options: bool) -> None:
    """Makes the table again with another primary key."""
    op.rename_table("sighting", "sighting_before")
    op.create_table(
        "sighting",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(*key),
        **options,
    )
    op.execute(
        "INSERT INTO sighting (key, mailbox, ref, role, at) SELECT key, mailbox, ref, role, at FROM sighting_before"
    )
    op.drop_table("sighting_before")
