"""Several workers on one store: who they are, who reads which shard, whose claims are whose, what is to be read now"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.Column("ahead", sa.Float(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "shard",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker", sa.Integer(), nullable=True),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "look_request",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("wanted_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox"),
    )
    op.add_column("delivery", sa.Column("claimed_by", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("delivery") as batch:
        batch.drop_column("claimed_by")
    for table in ("look_request", "shard", "worker"):
        op.drop_table(table)
