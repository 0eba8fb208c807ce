"""Threads made of components: what headers join, apart from what guesses place"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("message", sa.Column("component", sa.String(), nullable=True))
    op.add_column("ghost", sa.Column("component", sa.String(), nullable=True))
    op.add_column("ghost", sa.Column("read", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_ghost_component", "ghost", ["component"])
    message, ghost = (sa.table(name, sa.column("thread"), sa.column("component")) for name in ("message", "ghost"))
    connection = op.get_bind()
    # What was joined by guesses before stays joined: which of them they were is not known any more.
    connection.execute(sa.update(message).where(message.c.thread.is_not(None)).values(component=message.c.thread))
    connection.execute(sa.update(ghost).values(component=ghost.c.thread))
    # They were not bound to a mailbox, and "NIL" was one of them.
    op.drop_index("ix_message_provider", "message")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("provider_thread")
    op.add_column("sighting", sa.Column("conversation", sa.Text(), nullable=True))
    where = sa.text("conversation IS NOT NULL")
    op.create_index(
        "ix_sighting_conversation", "sighting", ["conversation"], sqlite_where=where, postgresql_where=where
    )
    op.create_table(
        "sealed",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_table(
        "clue",
        sa.Column("clue", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("wrapped", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_clue_key", "clue", ["key"])


def downgrade() -> None:
    op.drop_table("clue")
    op.drop_table("sealed")
    op.drop_index("ix_sighting_conversation", "sighting")
    with op.batch_alter_table("sighting", schema=None) as batch_op:
        batch_op.drop_column("conversation")
    op.add_column("message", sa.Column("provider_thread", sa.Text(), nullable=True))
    where = sa.text("provider_thread IS NOT NULL")
    op.create_index("ix_message_provider", "message", ["provider_thread"], sqlite_where=where, postgresql_where=where)
    op.drop_index("ix_ghost_component", "ghost")
    for table, column in (("ghost", "read"), ("ghost", "component"), ("message", "component")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
