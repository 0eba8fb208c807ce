"""Insert-or-update in the dialect of the connection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts the rows whose primary (or unique) key is not there yet; returns how many were new."""
    if not rows:
        return 0
    return max(0, connection.execute(_inserting(connection.dialect.name, table), list(rows)).rowcount)


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Inserts rows; where the primary key exists, sets `columns` instead."""
    if rows:
        connection.execute(_upserting(connection.dialect.name, table, tuple(columns)), list(rows))


# Statements are made once: making one costs more than running it.


@cache
def _inserting(dialect: str, table: Table) -> Any:
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table).on_conflict_do_nothing()
    # Without the option psycopg's count is lost where many rows are inserted.
    return statement.execution_options(preserve_rowcount=True)


@cache
def _upserting(dialect: str, table: Table, columns: tuple[str, ...]) -> Any:
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    changed = {name: getattr(statement.excluded, name) for name in columns}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


def chunks(values: Sequence[Any], size: int = 500) -> Any:
    """Slices for `IN` lists: databases limit the number of bound parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))
