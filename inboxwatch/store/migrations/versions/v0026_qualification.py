"""What inquiries are about and worth: with the message, the wait and what was done to it; people's words on senders"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import Ordered, UTCDateTime, Words

revision = "0026"
down_revision = "0025"

_LIST = sa.JSON(none_as_null=True)


def _words(*names: str, **options: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, Words(), **options) for name in names]


def _added() -> dict[str, list[sa.Column[Any]]]:
    told = _words("inquiry_class", "class_by", "qualification", "breach_class", nullable=False, server_default="")
    return {
        "message": [*_words("class_rule", "first_class", "first_class_by", "held_back"), sa.Column("intents", _LIST)],
        "act": [
            *_words("inquiry_class", "tier", "version"),
            sa.Column("score", sa.Float()),
            sa.Column("lines", _LIST),
            sa.Column("messages", sa.Integer()),
        ],
        "clock": [
            *told,
            sa.Column("score", sa.Float()),
            sa.Column("score_lines", _LIST),
            sa.Column("contradicted", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("era", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("terms", _LIST),
        ],
    }


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "sender_verdict",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", Ordered(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("inquiry_class", Words(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("tier", Words(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sender_verdict_key", "sender_verdict", ["key"])


def downgrade() -> None:
    op.drop_table("sender_verdict")
    for table, columns in _added().items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column.name)
