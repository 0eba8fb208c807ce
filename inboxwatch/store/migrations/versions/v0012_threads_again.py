"""Threads that versions before components have joined are placed again by the daemon"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

MARK = "threads-again/"


def upgrade() -> None:
    message = sa.table("message", sa.column("thread"), sa.column("known", sa.JSON()))
    older = message.c.known["sides"].as_string().is_(None)
    connection = op.get_bind()
    if connection.execute(sa.select(message.c.thread).where(message.c.thread.is_not(None), older).limit(1)).first():
        meta = sa.table("meta", sa.column("key"), sa.column("value"))
        connection.execute(sa.insert(meta).values(key=MARK, value=""))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM meta WHERE key = :mark").bindparams(mark=MARK))
