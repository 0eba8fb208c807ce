"""Leads found by address, company domain, source and name without reading them all"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from inboxwatch.core.leads import claimed_addresses, claimed_domains
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.core.search_text import search_text
from inboxwatch.store.column_types import Ordered, Words, storable

revision = "0005"
down_revision = "0004"

PAGE = 1000
"""Leads in memory at one time."""


def upgrade() -> None:
    tables = {name: _key_table(name) for name in ("lead_address", "lead_domain")}
    op.add_column("lead", sa.Column("search", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_lead_source", "lead", ["source", "id"])
    stored = sa.table("lead", sa.column("id", Words()), sa.column("data", sa.JSON()), sa.column("search", Words()))
    searched = sa.update(stored).where(stored.c.id == sa.bindparam("lead")).values(search=sa.bindparam("text"))
    connection, after = op.get_bind(), ""
    page = sa.select(stored.c.id, stored.c.data).order_by(stored.c.id).limit(PAGE)
    while rows := connection.execute(page.where(stored.c.id > after)).all():
        after = rows[-1].id
        leads = [(row.id, _lead(row.data)) for row in rows]
        connection.execute(searched, [{"lead": id_, "text": search_text(lead)} for id_, lead in leads])
        for name, keys_of in (("lead_address", claimed_addresses), ("lead_domain", claimed_domains)):
            keys = [{"key": key, "lead": id_} for id_, lead in leads for key in set(map(storable, keys_of(lead)))]
            if keys:
                connection.execute(sa.insert(tables[name]), keys)


def _key_table(name: str) -> sa.Table:
    made = op.create_table(
        name,
        sa.Column("key", Ordered(), nullable=False),
        sa.Column("lead", Ordered(), nullable=False),
        sa.PrimaryKeyConstraint("key", "lead"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{name}_lead", name, ["lead"])
    return made


def _lead(data: dict[str, Any]) -> Lead:
    """As much of a lead as its keys are made of."""
    return Lead(
        LeadId(data["id"]),
        name=data["name"],
        company=data["company"],
        domain=data["domain"],
        aliases=tuple(data["aliases"]),
        provisional=data["provisional"],
    )


def downgrade() -> None:
    op.drop_index("ix_lead_source", "lead")
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.drop_column("search")
    op.drop_table("lead_domain")
    op.drop_table("lead_address")
