"""What kinds were decided by, to whom we wrote, and what people said of kinds"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0008"
down_revision = "0007"

NOT_HUMAN = "thread IS NOT NULL AND direction = 'inbound' AND kind <> 'human'"


def upgrade() -> None:
    op.add_column("message", sa.Column("grounds", sa.JSON(), nullable=True))
    op.add_column("message", sa.Column("sender_key", sa.String(32), nullable=True))
    filled, machines = sa.text("sender_key IS NOT NULL"), sa.text(NOT_HUMAN)
    op.create_index("ix_message_sender_key", "message", ["sender_key"], sqlite_where=filled, postgresql_where=filled)
    op.create_index("ix_message_not_human", "message", ["at", "key"], sqlite_where=machines, postgresql_where=machines)
    op.create_table(
        "written_to",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kind_fact",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("sender", sa.Boolean(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reason", Words(), nullable=False, server_default=""),
        sa.Column("of", Words(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    op.drop_table("kind_fact")
    op.drop_table("written_to")
    op.drop_index("ix_message_not_human", "message")
    op.drop_index("ix_message_sender_key", "message")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("sender_key")
        batch_op.drop_column("grounds")
