"""When a message that was set aside is read again, how many were, and what is not read of a mailbox"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("mailbox", sa.Column("recovered", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mailbox", sa.Column("remarks", Words(), nullable=True))
    op.add_column("quarantine", sa.Column("quiet", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("quarantine", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("quarantine", sa.Column("again_at", UTCDateTime(), nullable=True))
    # What was set aside before was never tried again: it is due, and pages nobody for what is long past.
    op.execute("UPDATE quarantine SET again_at = at")
    apart = sa.table("quarantine", sa.column("quiet", sa.Boolean()))
    op.execute(sa.update(apart).values(quiet=True))


def downgrade() -> None:
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        for name in ("again_at", "tries", "quiet"):
            batch_op.drop_column(name)
    with op.batch_alter_table("mailbox", schema=None) as batch_op:
        for name in ("remarks", "recovered"):
            batch_op.drop_column(name)
