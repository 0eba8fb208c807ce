"""What another system tells of, with the id that it has there: told again, it is the same"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("act", sa.Column("source", sa.String(), nullable=True))
    op.add_column("act", sa.Column("ref", Words(), nullable=True))
    op.add_column("act", sa.Column("told_at", UTCDateTime(), nullable=True))
    told = sa.text("source IS NOT NULL")
    op.create_index("ix_act_told", "act", ["source", "ref"], unique=True, sqlite_where=told, postgresql_where=told)


def downgrade() -> None:
    op.drop_index("ix_act_told", "act")
    with op.batch_alter_table("act", schema=None) as batch_op:
        for name in ("source", "ref", "told_at"):
            batch_op.drop_column(name)
