"""A wait's ladder may begin anew: what was told bears the number of its ladder, and what the wait was about"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime, Words

revision = "0027"
down_revision = "0026"

_STEP = ("clock", "step", "round", "target")


def upgrade() -> None:
    op.add_column("delivery", _era())
    op.add_column("clock", sa.Column("stop_class", Words(), nullable=False, server_default=""))
    op.add_column("clock", sa.Column("breach_tier", Words(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("told", _era())
        op.add_column("told", _about())
        _key(*_STEP, "era")
    else:
        _made_anew(_era(), _about(), sa.PrimaryKeyConstraint(*_STEP, "era"))


def downgrade() -> None:
    op.execute("DELETE FROM told WHERE era > 0")
    if op.get_bind().dialect.name == "postgresql":
        _key(*_STEP)
        op.drop_column("told", "era")
        op.drop_column("told", "inquiry_class")
    else:
        _made_anew(sa.PrimaryKeyConstraint(*_STEP))
    with op.batch_alter_table("delivery") as batch:
        batch.drop_column("era")
    with op.batch_alter_table("clock") as batch:
        batch.drop_column("stop_class")
        batch.drop_column("breach_tier")


def _era() -> sa.Column[int]:
    return sa.Column("era", sa.Integer(), autoincrement=False, nullable=False, server_default="0")


def _about() -> sa.Column[str]:
    return sa.Column("inquiry_class", Words(), nullable=False, server_default="")


def _key(*columns: str) -> None:
    op.drop_constraint("told_pkey", "told", type_="primary")
    op.create_primary_key("told_pkey", "told", list(columns))


def _made_anew(*more: sa.schema.SchemaItem) -> None:
    """SQLite gives a table no other primary key."""
    op.drop_index("ix_told_at", "told")
    op.rename_table("told", "told_before")
    op.create_table(
        "told",
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        *more,
    )
    op.execute(
        "INSERT INTO told (clock, step, round, target, at, reason, policy) "
        "SELECT clock, step, round, target, at, reason, policy FROM told_before"
    )
    op.drop_table("told_before")
    op.create_index("ix_told_at", "told", ["at"])
