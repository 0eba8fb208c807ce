"""Insert-or-update in the dialect of the connection, of many rows at little more than the database's own cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from inboxwatch.store.column_types import all_storable, as_storable


def insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows in their order, of which none is there yet."""
    if rows:
        _writing(connection.dialect, table, tuple(rows[0]), ()).run(connection, rows)


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts the rows whose primary (or unique) key is not there yet; returns how many were new."""
    return _writing(connection.dialect, table, tuple(rows[0]), None).run(connection, rows) if rows else 0


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Inserts rows; where the primary key exists, sets `columns` instead."""
    if rows:
        _writing(connection.dialect, table, tuple(rows[0]), tuple(columns)).run(connection, rows)


class _Writing(NamedTuple):
    """A statement made once. Its parameters are bound here: SQLAlchemy gathers them anew for every row, column by
    column, and for a batch of mail that costs more than the database does.
    """

    sql: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """In the statement's order, with what the column's type does to a value."""
    by_name: bool
    """Whether the driver takes parameters by name (psycopg), else by position (SQLite)."""

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Returns how many rows were written."""
        # Column by column: a loop in Python for each row costs four times as much.
        bound = [_bound(list(map(itemgetter(name), rows)), bind) for name, bind in self.columns]
        names = [name for name, _ in self.columns]
        together = zip(*bound, strict=True)
        given: list[Any] = [dict(zip(names, one, strict=True)) for one in together] if self.by_name else list(together)
        # Without the option psycopg's count is lost where many rows are inserted.
        done = connection.exec_driver_sql(self.sql, given, execution_options={"preserve_rowcount": True})
        return max(0, done.rowcount)


def _bound(values: list[Any], bind: Callable[[Any], Any] | None) -> Iterable[Any]:
    """The values of one column as the driver takes them; those that stay as they are cost no call each.

    A third of the columns of a message are empty in most batches, and most words are ASCII.
    """
    if bind is None or (bind is as_storable and all_storable(values)):
        return values
    if values.count(None) == len(values):
        return [bind(None)] * len(values)
    return map(bind, values)


@cache
def _writing(dialect: Dialect, table: Table, names: tuple[str, ...], changed: tuple[str, ...] | None) -> _Writing:
    """`changed`: the columns that are set where a row is there already; None: it stays as it is; empty: an error."""
    statement = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
    if changed is None:
        statement = statement.on_conflict_do_nothing()
    elif changed:
        values = {name: getattr(statement.excluded, name) for name in changed}
        statement = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values)
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    bind = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    order = compiled.positiontup or names
    return _Writing(str(compiled), tuple((name, bind[name]) for name in order), not compiled.positional)


def chunks(values: Sequence[Any], size: int = 500) -> Any:
    """Slices for `IN` lists: databases limit the number of bound parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))
