"""The audit log, whose rows the database itself neither changes nor removes"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0015"
down_revision = "0014"

REFUSAL = "the audit log is only appended to"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("lead", sa.String(32), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_lead", "audit", ["lead"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            op.execute(f"CREATE TRIGGER audit_{verb.lower()} BEFORE {verb} ON audit {refuse}")
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION inboxwatch_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION inboxwatch_audit_only_grows()"
    )


def downgrade() -> None:
    op.drop_table("audit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION inboxwatch_audit_only_grows()")
