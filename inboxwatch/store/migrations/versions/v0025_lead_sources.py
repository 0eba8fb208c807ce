"""What each source gives of its leads, calls and outcomes that they tell, and how they fare"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import Ordered, UTCDateTime, Words

revision = "0025"
down_revision = "0024"

_ALIASED = {
    "sqlite": "SELECT value, lead.source, lead.id FROM lead, json_each(lead.data, '$.aliases') "
    "WHERE NOT provisional AND value <> lead.id",
    "postgresql": "SELECT DISTINCT value, lead.source, lead.id "
    "FROM lead, jsonb_array_elements_text(CAST(lead.data AS jsonb) -> 'aliases') AS listed (value) "
    "WHERE NOT provisional AND value <> lead.id",
}


def upgrade() -> None:
    op.create_table(
        "lead_source",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("stamp", sa.String(), nullable=True),
        sa.Column("whole_pass", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("passing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("last_success", UTCDateTime(), nullable=True),
        sa.Column("failing_since", UTCDateTime(), nullable=True),
        sa.Column("error_reason", sa.String(), nullable=True),
        sa.Column("error", Words(), nullable=True),
        sa.Column("leads", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("owners", sa.JSON(), nullable=True),
        sa.Column("unowned", sa.JSON(), nullable=True),
        sa.Column("refused", sa.JSON(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "lead_row",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", Ordered(), nullable=False),
        sa.Column("email", Ordered(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("owner", Words(), nullable=True),
        sa.Column("former", sa.JSON(), nullable=True),
        sa.Column("merged_into", Words(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("digest", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lead_row_alias",
        sa.Column("email", Ordered(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", Ordered(), nullable=False),
        sa.PrimaryKeyConstraint("email", "source", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "logged_activity",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", Ordered(), nullable=False),
        sa.Column("key", Ordered(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("source", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", Words(), nullable=False),
        sa.Column("key", Ordered(), nullable=False),
        sa.Column("lead", Ordered(), nullable=True),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute(
        "INSERT INTO lead_row (source, key, email, owner) SELECT source, id, id, owner FROM lead WHERE NOT provisional"
    )
    op.execute(f"INSERT INTO lead_row_alias (email, source, key) {_ALIASED[op.get_bind().dialect.name]}")
    op.execute("DELETE FROM meta WHERE key LIKE 'leads/%'")
    op.create_index("ix_lead_row_email", "lead_row", ["email"])
    _filled("ix_lead_row_merged_into", "lead_row", ["merged_into"])
    op.create_index("ix_lead_row_alias_row", "lead_row_alias", ["source", "key"])
    _filled("ix_logged_activity_waiting", "logged_activity", ["waiting", "source", "key"])
    op.create_index("ix_outcome_row", "outcome", ["source", "key"])
    op.create_index("ix_outcome_id", "outcome", ["source", "id"])
    _filled("ix_outcome_lead", "outcome", ["lead"])


def _filled(name: str, table: str, columns: list[str]) -> None:
    where = sa.text(f"{columns[0]} IS NOT NULL")
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for table in ("outcome", "logged_activity", "lead_row_alias", "lead_row", "lead_source"):
        op.drop_table(table)
