"""Clues take a quarter of the space: half of each hash, and what is the same for all of a message once a message"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from inboxwatch.store.column_types import UTCDateTime

revision = "0017"
down_revision = "0016"

_AT_ONCE = 1000
_HOW = ("read_at", "quiet", "late")

_names = ("clue", "key", "mailbox", "quiet", "late")
_before = sa.table("clue_before", *map(sa.column, _names), sa.column("read_at", UTCDateTime()))
_sighting = sa.table("sighting", *map(sa.column, ("key", "mailbox", *_HOW)))
_clue = sa.table("clue", *map(sa.column, ("clue", "key", "day")))


def upgrade() -> None:
    for name in _HOW:
        kind = UTCDateTime() if name == "read_at" else sa.Boolean()
        op.add_column("sighting", sa.Column(name, kind, nullable=True))
    op.rename_table("clue", "clue_before")
    op.create_index("ix_clue_before", "clue_before", ["key", "mailbox"])
    # By whichever of its clues: they were kept together.
    its = (_before.c.key == _sighting.c.key, _before.c.mailbox == _sighting.c.mailbox)
    told = {name: sa.select(_before.c[name]).where(*its).limit(1).scalar_subquery() for name in _HOW}
    op.execute(sa.update(_sighting).values(told).where(sa.exists().where(*its)))
    op.create_table(
        "clue",
        sa.Column("clue", sa.BigInteger(), primary_key=True),
        sa.Column("key", sa.BigInteger(), primary_key=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
    for part in _clues(op.get_bind()):
        op.get_bind().execute(sa.insert(_clue), part)
    op.drop_table("clue_before")


def _clues(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """The clues that there were, each with each message once, in the order of their hashes."""
    first = sa.func.min(_before.c.read_at, type_=UTCDateTime()).label("first")
    found = sa.select(_before.c.clue, _before.c.key, first).group_by(_before.c.clue, _before.c.key)
    found = found.order_by(_before.c.clue).execution_options(yield_per=_AT_ONCE)
    for part in connection.execute(found).partitions():
        yield [{"clue": _half(row.clue), "key": _half(row.key), "day": row.first.toordinal()} for row in part]


def _half(hashed: str) -> int:
    return int.from_bytes(bytes.fromhex(hashed)[:8], "big", signed=True)


def downgrade() -> None:
    """What the hashes led to is not found any more: their other half is gone."""
    op.drop_table("clue")
    op.create_table(
        "clue",
        sa.Column("clue", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    for name in reversed(_HOW):
        op.drop_column("sighting", name)
