"""What each copy of a message proves about its sender, and what is odd about the answer to a wait"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "proof",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("held_since", UTCDateTime(), nullable=True),
        sa.Column("empty", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "mailbox", "role"),
        sqlite_with_rowid=False,
    )
    op.add_column("message", sa.Column("own_address", sa.Boolean(), nullable=True))
    op.add_column("clock", sa.Column("flags", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("clock", schema=None) as batch_op:
        batch_op.drop_column("flags")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("own_address")
    op.drop_table("proof")
