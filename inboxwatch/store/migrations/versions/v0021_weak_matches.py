"""Weak matches are counted on every page of the board: they have an index of their own"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    where = sa.text("thread IS NOT NULL AND confidence < 0.8")
    op.create_index("ix_message_weak", "message", ["at", "key"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_message_weak", "message")
