"""The team whose turn an assignment was, and open waits counted from the index alone"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BY_TEAM = re.compile(r"rule \d+: team (.+?)(?: with .+)? by (?:load|round_robin)")


def upgrade() -> None:
    op.add_column("act", sa.Column("team", sa.String(), nullable=True))
    act = sa.table("act", sa.column("rule", sa.Text()), sa.column("team", sa.String()))
    connection = op.get_bind()
    for rule in connection.execute(sa.select(act.c.rule).distinct()).scalars().all():
        if found := BY_TEAM.fullmatch(rule):
            connection.execute(sa.update(act).where(act.c.rule == rule).values(team=found[1]))
    filled = sa.text("team IS NOT NULL")
    op.create_index("ix_act_team", "act", ["team"], sqlite_where=filled, postgresql_where=filled)
    op.drop_index("ix_clock_owner", "clock")
    op.create_index("ix_clock_owner", "clock", ["state", "owner", "metric"])


def downgrade() -> None:
    op.drop_index("ix_clock_owner", "clock")
    op.create_index("ix_clock_owner", "clock", ["state", "owner"])
    op.drop_index("ix_act_team", "act")
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.drop_column("team")
