"""How the databases are spoken to: drivers, isolation, and what each connection is told first."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url

from inboxwatch.extras import command
from inboxwatch.store.failures import StoreError

PRAGMAS = (
    "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000",
    # Keys are hashes: writes touch pages all over the file. 32 MB of them are kept, and written back less often.
    "cache_size=-32768", "wal_autocheckpoint=4000",
    # What is erased is overwritten, not only marked as free.
    "secure_delete=ON",
)  # fmt: skip
"""Of each connection to SQLite, whose journal is a write-ahead log."""
_TRIES, _PAUSE = 300, 0.1
"""Of turning a new file's journal into that log, for which SQLite never waits; the pause in seconds."""
APPLICATION = "inboxwatch"
"""By which PostgreSQL shows our connections."""
PATIENCE = {
    "connect_timeout": "5", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}  # fmt: skip
"""Of each connection to PostgreSQL, where the URL says nothing else: a server that is gone is noticed (seconds; ms)."""
SESSION_PATIENCE = PATIENCE | {
    "connect_timeout": "3", "keepalives_idle": "3", "keepalives_interval": "2", "tcp_user_timeout": "8000",
}  # fmt: skip
"""Of a session that must notice within seconds that its server is gone."""
_COMPACT = json.JSONEncoder(separators=(",", ":")).encode
"""A tenth of what a message takes would be blanks."""


def compact_json(value: Any) -> str:
    """A value of a JSON column. pydantic takes a quarter of the time of Python's encoder; a lead's message has four."""
    try:
        return to_json(value, ensure_ascii=True).decode()
    except PydanticSerializationError:  # a lone surrogate, which buyers' mail may have
        return _COMPACT(value)


def open_engine(url: str) -> Engine:
    """The engine of a store's URL; connects to nothing yet. Raises StoreError where folder or driver is missing."""
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return _postgresql(target.set(drivername="postgresql+psycopg"))
    file = file_of(target)
    if file is not None and not file.parent.is_dir():
        raise StoreError(f"the folder {file.parent} of the store does not exist: create it, or change store.url")
    engine = create_engine(target, connect_args={"timeout": 30}, hide_parameters=True, json_serializer=compact_json)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def open_session_engine(url: str) -> Engine:
    """For sessions that are kept, each a connection of its own, to a store in PostgreSQL. Connects to nothing yet."""
    target = make_url(url).set(drivername="postgresql+psycopg")
    return _postgresql(target, SESSION_PATIENCE, poolclass=NullPool, pool_pre_ping=False)


def file_of_url(url: str) -> Path | None:
    """As `file_of`, of a URL as the config has it."""
    return file_of(make_url(url))


def file_of(target: URL) -> Path | None:
    """Where SQLite keeps the store; None for a store elsewhere or in memory."""
    name = target.database
    return Path(name) if target.get_backend_name() == "sqlite" and name and name != ":memory:" else None


def _postgresql(target: URL, patience: Mapping[str, str] = PATIENCE, **options: Any) -> Engine:
    given = {key: value for key, value in patience.items() if key not in target.query}
    given["application_name"] = APPLICATION
    options.setdefault("pool_pre_ping", True)
    try:
        return create_engine(
            target,
            **options,
            isolation_level="REPEATABLE READ",
            hide_parameters=True,
            connect_args=given,
            json_serializer=compact_json,
        )
    except ImportError as error:
        raise StoreError(f"the driver of PostgreSQL is not installed: {command('postgresql')}") from error


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # The driver's own transactions begin too late (at the first write); SQLAlchemy's "begin" event does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    _log_ahead(cursor)
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Processes that open a new file together are in each other's way: SQLite refuses at once, whatever its timeout."""
    for tried in range(_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or tried == _TRIES - 1:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
