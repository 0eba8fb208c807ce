"""Mail that concerns no lead has a short row a mailbox, in place of a message, its index and a sighting"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import Millis, Numbered, UTCDateTime, Words

revision = "0022"
down_revision = "0021"

_AT_ONCE = 500
_HOW = ("read_at", "quiet", "late")
_SEEN = ("mailbox", "ref", "role", "conversation", "quiet", "late")

_role = Numbered("inbox", "sent", "other")
_direction = Numbered("inbound", "outbound", "internal")
_kind = Numbered("human", "auto_reply", "bounce", "receipt", "calendar", "bulk")
_message = sa.table(
    "message", *map(sa.column, ("key", "direction", "kind", "thread", "evidence")), sa.column("at", UTCDateTime())
)
_sighting = sa.table(
    "sighting",
    sa.column("key"),
    *map(sa.column, _SEEN),
    sa.column("at", UTCDateTime()),
    sa.column("read_at", UTCDateTime()),
)
_unfiled = sa.table(
    "unfiled",
    sa.column("key"),
    sa.column("role", _role),
    sa.column("direction", _direction),
    sa.column("kind", _kind),
    sa.column("at", Millis()),
    sa.column("read_at", Millis()),
    *map(sa.column, ("mailbox", "ref", "conversation", "quiet", "late")),
)


def upgrade() -> None:
    op.create_table(
        "unfiled",
        sa.Column("key", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("ref", Words(), nullable=False),
        sa.Column("role", _role, nullable=False),
        sa.Column("at", Millis(), nullable=False),
        sa.Column("direction", _direction, nullable=False),
        sa.Column("kind", _kind, nullable=False),
        sa.Column("conversation", Words()),
        sa.Column("read_at", Millis()),
        sa.Column("quiet", sa.Boolean()),
        sa.Column("late", sa.Boolean()),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for part in _bare(connection):
        keys = [row.key for row in part]
        what = {row.key: {"direction": row.direction, "kind": row.kind} for row in part}
        seen = connection.execute(sa.select(_sighting).where(_sighting.c.key.in_(keys))).all()
        rows = [
            {name: getattr(row, name) for name in (*_SEEN, "at", "read_at")}
            | what[row.key]
            | {"key": int.from_bytes(bytes.fromhex(row.key[:16]), "big", signed=True)}
            for row in seen
        ]
        if rows:
            connection.execute(sa.insert(_unfiled), rows)
        gone = sorted({row.key for row in seen})
        for table in (_sighting, _message):
            connection.execute(sa.delete(table).where(table.c.key.in_(gone)))
    with op.batch_alter_table("sighting") as batch:
        for name in _HOW:
            batch.drop_column(name)


def _bare(connection: sa.Connection) -> Iterator[list[Any]]:
    """Messages that never concerned a lead, some at once. What is left where a lead was forgotten has evidence."""
    last = ""
    while True:
        found = sa.select(_message).where(
            _message.c.thread.is_(None), _message.c.evidence.is_(None), _message.c.key > last
        )
        part = list(connection.execute(found.order_by(_message.c.key).limit(_AT_ONCE)))
        if not part:
            return
        yield part
        last = part[-1].key


def downgrade() -> None:
    """The other half of each hash is gone: what is read again is taken for another message."""
    for name in _HOW:
        op.add_column("sighting", sa.Column(name, UTCDateTime() if name == "read_at" else sa.Boolean(), nullable=True))
    connection = op.get_bind()
    rows = list(connection.execute(sa.select(_unfiled)))
    messages, seen = {}, []
    for row in rows:
        key = (row.key & (2**64 - 1)).to_bytes(8, "big").hex() + 16 * "0"
        messages[key] = {"key": key, "at": row.at, "direction": row.direction, "kind": row.kind}
        told = {name: getattr(row, name) for name in (*_SEEN, "at", "read_at")}
        seen.append(told | {"key": key})
    if rows:
        connection.execute(sa.insert(_message), list(messages.values()))
        connection.execute(sa.insert(_sighting), seen)
    op.drop_table("unfiled")
