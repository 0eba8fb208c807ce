"""Every row of a store, table by table, from one database into another with the same tables: value for value.

The tables are taken as the database has them, so that a store of any version can be copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
)

from inboxwatch.store.column_types import UTCDateTime
from inboxwatch.store.failures import StoreError

Told = Callable[[int, int], None]
"""How far long work is: (done, of so many); rows, or pages of a file."""
_AT_ONCE = 1000
_VERSION = "alembic_version"


def tables_of(connection: Connection) -> list[Table]:
    """The tables of a store without the mark of their version; JSON as the text that it is, times in UTC."""
    seen, found = inspect(connection), MetaData()
    names = sorted(name for name in seen.get_table_names() if name != _VERSION)
    return [
        Table(name, found, *(Column(column["name"], _kind(column["type"])) for column in seen.get_columns(name)))
        for name in names
    ]


def counts(connection: Connection, tables: Sequence[Table]) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def copy_rows(source: Connection, target: Connection, told: Told) -> dict[str, int]:
    """Copies every row, in the order of the tables' names; what the target's tables held is gone.

    Both are inside a transaction, the source on one consistent view. Returns how many rows each table has.
    """
    tables = tables_of(source)
    wanted = counts(source, tables)
    done, total = 0, sum(wanted.values())
    for table in tables:
        target.execute(delete(table))
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(*map(_read, table.columns)))
        for part in rows.partitions():
            _write(target, table, part)
            done += len(part)
            told(done, total)
    if target.dialect.name != "sqlite":
        _set_sequences(target, tables)
    return wanted


def _kind(reflected: Any) -> Any:
    if isinstance(reflected, DateTime):
        return UTCDateTime()
    if isinstance(reflected, Boolean):
        return Boolean()
    return JSON() if isinstance(reflected, JSON) else reflected


def _read(column: Column[Any]) -> Any:
    # As text: NULL and JSON's null would both be read as None.
    return cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column


def _write(target: Connection, table: Table, rows: Sequence[Any]) -> None:
    if target.dialect.name == "sqlite":
        plain = Table(table.name, MetaData(), *(Column(one.name, _plain(one.type)) for one in table.columns))
        target.execute(insert(plain), [row._asdict() for row in rows])
        return
    from psycopg import Error, sql

    names = sql.SQL(", ").join(sql.Identifier(one.name) for one in table.columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    driver: Any = target.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(into) as stream:
            for row in rows:
                stream.write_row(tuple(row))
    except Error as error:  # the driver's own, past SQLAlchemy
        raise StoreError(f"the table {table.name} cannot be copied: {error}") from error


def _plain(kind: Any) -> Any:
    return Text() if isinstance(kind, JSON) else kind


def _set_sequences(target: Connection, tables: Sequence[Table]) -> None:
    """The next row of each table gets a number behind the last."""
    for table, column in _numbered(target, tables):
        last = target.execute(select(func.max(table.c[column]))).scalar()
        if last is not None:
            values = {"table": table.name, "column": column, "last": last}
            target.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"), values)


def _numbered(target: Connection, tables: Sequence[Table]) -> Iterator[tuple[Table, str]]:
    seen = inspect(target)
    for table in tables:
        for column in seen.get_columns(table.name):
            if "nextval" in (column.get("default") or "") or column.get("identity"):
                yield table, column["name"]
