"""Parts of numbered series are found by it, in whatever batches they are read"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("message", sa.Column("series", sa.Text(), nullable=True))
    where = sa.text("series IS NOT NULL")
    op.create_index("ix_message_series", "message", ["series"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_message_series", "message")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("series")
