"""Rows of the audit log in a chain of hashes; the database lets those go that the log itself has noted as expired"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.audit_chain import HASHED, link
from inboxwatch.store.column_types import UTCDateTime

revision = "0018"
down_revision = "0017"

CHAIN, EXPIRED = "audit chain", "audit expired"
REFUSAL = "the audit log is only appended to"
_AT_ONCE = 1000
_meta = sa.table("meta", sa.column("key"), sa.column("value"))
_kinds: dict[str, Any] = {"at": UTCDateTime()}
_audit = sa.table("audit", sa.column("id"), *(sa.column(name, _kinds.get(name)) for name in HASHED))
_SQLITE = """CREATE TRIGGER audit_delete BEFORE DELETE ON audit
WHEN OLD.id > COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'audit expired'), 0)
BEGIN SELECT RAISE(ABORT, '{0}'); END"""
_POSTGRESQL = """CREATE OR REPLACE FUNCTION inboxwatch_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.id <= COALESCE(
    (SELECT split_part(value, ':', 1)::bigint FROM meta WHERE key = 'audit expired'), 0
  ) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '{0}';
END $$"""
_BEFORE = """CREATE OR REPLACE FUNCTION inboxwatch_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{0}'; END $$"""


def upgrade() -> None:
    """Rows from before get no hash, for nothing may change them; the first row behind them vouches for them all."""
    op.add_column("audit", sa.Column("hash", sa.String(64), nullable=True))
    head, connection = "", op.get_bind()
    rows = sa.select(*(_audit.c[name] for name in HASHED)).order_by(_audit.c.id)
    for row in connection.execute(rows.execution_options(yield_per=_AT_ONCE)):
        head = link(head, row)
    connection.execute(sa.insert(_meta).values(key=CHAIN, value=head))
    if connection.dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_delete")
        op.execute(_SQLITE.format(REFUSAL))
        return
    op.execute(_POSTGRESQL.format(REFUSAL))


def downgrade() -> None:
    op.get_bind().execute(sa.delete(_meta).where(_meta.c.key.in_((CHAIN, EXPIRED))))
    op.drop_column("audit", "hash")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_delete")
        op.execute(f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
        return
    op.execute(_BEFORE.format(REFUSAL))
