"""Members of directories as they were listed last"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "member",
        sa.Column("directory", sa.String(), primary_key=True),
        sa.Column("ref", Words(), primary_key=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("address", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("team", Words(), nullable=False),
        sa.Column("manager", Words(), nullable=False),
        sa.Column("joined_at", UTCDateTime(), nullable=False),
        sa.Column("missing_since", UTCDateTime(), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("member")
