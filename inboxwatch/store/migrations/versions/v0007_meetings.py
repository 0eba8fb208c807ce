"""Invitations and the answers to them, joined by the UID of the meeting"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("message", sa.Column("meeting", sa.String(length=32), nullable=True))
    filled = sa.text("meeting IS NOT NULL")
    op.create_index("ix_message_meeting", "message", ["meeting"], sqlite_where=filled, postgresql_where=filled)


def downgrade() -> None:
    op.drop_index("ix_message_meeting", "message")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("meeting")
