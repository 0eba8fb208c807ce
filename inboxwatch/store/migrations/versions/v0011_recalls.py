"""Mail of nobody's: hashes that lead to it, and what is to be read again; no content any more"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "recall",
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("ref", sa.Text(), primary_key=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again_at", UTCDateTime(), nullable=True),
    )
    op.rename_table("clue", "clue_before")
    op.drop_index("ix_clue_key", "clue_before")
    op.create_table(
        "clue",
        sa.Column("clue", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    # What was sealed is known by the time of its receipt: of several messages received together each is a candidate,
    # and one too many costs a second look at it.
    op.execute(
        sa.text(
            "INSERT INTO clue (clue, key, mailbox, read_at, quiet, late) "
            "SELECT DISTINCT clue_before.clue, message.key, sighting.mailbox, sealed.at, true, false "
            "FROM clue_before JOIN sealed ON sealed.key = clue_before.key JOIN message ON message.at = sealed.at "
            "JOIN sighting ON sighting.key = message.key "
            "WHERE message.thread IS NULL AND message.direction = 'outbound'"
        )
    )
    op.drop_table("clue_before")
    op.drop_table("sealed")


def downgrade() -> None:
    op.drop_table("clue")
    op.drop_table("recall")
    op.create_table(
        "sealed",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_table(
        "clue",
        sa.Column("clue", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("wrapped", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_clue_key", "clue", ["key"])
