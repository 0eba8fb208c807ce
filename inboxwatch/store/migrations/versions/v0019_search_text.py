"""Leads found by address too, and without accents"""

import sqlalchemy as sa
from alembic import op

from inboxwatch.core.search_text import search_text
from inboxwatch.store.column_types import Words
from inboxwatch.store.migrations.versions.v0005_leads_by_key import PAGE, _lead

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    stored = sa.table("lead", sa.column("id", Words()), sa.column("data", sa.JSON()), sa.column("search", Words()))
    searched = sa.update(stored).where(stored.c.id == sa.bindparam("lead")).values(search=sa.bindparam("text"))
    connection, after = op.get_bind(), ""
    page = sa.select(stored.c.id, stored.c.data).order_by(stored.c.id).limit(PAGE)
    while rows := connection.execute(page.where(stored.c.id > after)).all():
        after = rows[-1].id
        connection.execute(searched, [{"lead": row.id, "text": search_text(_lead(row.data))} for row in rows])


def downgrade() -> None:
    """Nothing: an older version fills the column anew as the lists are read."""
