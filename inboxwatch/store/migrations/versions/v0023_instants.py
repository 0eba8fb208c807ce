"""What happened since an instant is found by that instant, however long the history is; a split knows what it undid"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_index("ix_act_at", "act", ["at"])
    op.create_index("ix_told_at", "told", ["at"])
    op.create_index("ix_clock_started", "clock", ["started_at"])
    op.add_column("act", sa.Column("stood", sa.JSON(none_as_null=True), nullable=True))
    breached = sa.text("breached_at IS NOT NULL")
    op.create_index("ix_clock_breached", "clock", ["breached_at"], sqlite_where=breached, postgresql_where=breached)


def downgrade() -> None:
    op.drop_column("act", "stood")
    for name, table in (
        ("ix_clock_breached", "clock"),
        ("ix_clock_started", "clock"),
        ("ix_told_at", "told"),
        ("ix_act_at", "act"),
    ):
        op.drop_index(name, table)
