"""Asking a database read-only, within a time that the server is told: the one module beside the store that may."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, Select, create_engine, func, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from connectors.leads.sql.failures import failure
from connectors.leads.sql.statement import condition, derived
from connectors.optional_package import optional_package
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.hidden import hide

_CHUNK = 500
_CONNECT = 10
"""Seconds for a connection to be made."""
_DRIVERS = {"postgresql": ("postgresql+psycopg", "psycopg"), "mysql": ("mysql+pymysql", "pymysql"),
            "mariadb": ("mariadb+pymysql", "pymysql")}  # fmt: skip
"""Where the URL names no driver, ours is taken."""
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}
_MAY_WRITE = {
    "postgresql": "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
    "ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', "
    "'information_schema') AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') LIMIT 3",
    "mysql": "SHOW GRANTS",
}
_READING = ("SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES", "GRANT `", "PROXY", "SET DEFAULT ROLE")


@dataclass
class Asking:
    """One use of the database, which another thread may end."""

    deadline: float
    """By `time.monotonic`."""
    connection: Any = None
    """The driver's own."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Tells the server to end what it does, where the driver has a word for that; safe from any thread."""
        self.cancelled.set()
        end = getattr(self.connection, "cancel", None) or getattr(self.connection, "interrupt", None)
        if end is not None:
            with contextlib.suppress(Exception):  # the connection may have ended by itself
                end()

    def check(self) -> None:
        """Raises MailboxError where the time is over."""
        if self.cancelled.is_set() or time.monotonic() > self.deadline:
            raise out_of_time()


def out_of_time() -> MailboxError:
    return MailboxError(
        Reason.TIMEOUT,
        "reading the database: the query took longer than `time_limit`",
        hint="an index, `changed`, or a smaller list",
    )


class LeadDatabase:
    """A database by its URL. All methods block, and raise MailboxError."""

    def __init__(self, url: str, limit: float) -> None:
        self._url = url
        self._limit = limit

    @property
    def host(self) -> str:
        """Its name, for those who share threads; the backend where it is a file."""
        return self._target().host or self.backend

    @property
    def backend(self) -> str:
        """`postgresql`, `mysql` (MariaDB too), `sqlite` and so on."""
        found = self._target().get_backend_name()
        return "mysql" if found == "mariadb" else found

    def asking(self) -> Asking:
        return Asking(time.monotonic() + self._limit)

    def rows(
        self, query: str, changed: str, since: Any, asking: Asking
    ) -> Generator[tuple[Sequence[str], Sequence[Sequence[Any]]], None, None]:
        """(columns, some rows) until there are no more, at least once; a server-side cursor, where there is one."""
        found: Select[Any] = select(text("*")).select_from(text(derived(query)))
        if changed:
            found = found.where(text(condition(changed)).bindparams(since=since))
        with self._opened(asking) as connection:
            result = connection.execution_options(yield_per=_CHUNK).execute(found)
            columns = tuple(result.keys())
            yield columns, ()
            for part in result.partitions():
                asking.check()
                yield columns, part

    def looked_at(self, query: str, asking: Asking) -> tuple[Sequence[str], Sequence[Sequence[Any]], int]:
        """The columns, a few rows, and how many there are."""
        source = text(derived(query))
        with self._opened(asking) as connection:
            result = connection.execute(select(text("*")).select_from(source).limit(20))
            columns, some = tuple(result.keys()), result.fetchall()
            return columns, some, int(connection.execute(select(func.count()).select_from(source)).scalar_one())

    def writable(self, asking: Asking) -> tuple[str, ...] | None:
        """What the login could change, by name; None where it is not known how to ask."""
        if self.backend == "sqlite":
            file = self._target().database or ""
            return (file,) if file and os.access(file, os.W_OK) else ()
        if (asked := _MAY_WRITE.get(self.backend)) is None:
            return None
        with self._opened(asking) as connection:
            told = [str(row[0]) for row in connection.execute(text(asked))]
        return tuple(told) if self.backend == "postgresql" else tuple(one for one in told if _grants_more(one))

    @contextlib.contextmanager
    def _opened(self, asking: Asking) -> Iterator[Connection]:
        """A connection in a transaction that cannot write, where the database has such a thing."""
        engine: Engine | None = None
        watch = threading.Timer(max(0.1, asking.deadline - time.monotonic()), asking.cancel)
        watch.daemon = True
        try:
            engine = self._engine()
            with engine.connect() as connection:
                asking.connection = connection.connection.driver_connection
                watch.start()
                _make_safe(connection, self._limit)
                asking.check()
                yield connection
        except SQLAlchemyError as error:
            raise out_of_time() if asking.cancelled.is_set() else failure(error) from error
        finally:
            watch.cancel()
            asking.connection = None
            if engine is not None:
                engine.dispose()

    def _target(self) -> URL:
        try:
            target = make_url(self._url)
        except (SQLAlchemyError, ValueError) as error:
            raise MailboxError(
                Reason.CLIENT, "`url` is no URL of SQLAlchemy", hint="postgresql://LOGIN@HOST/DATABASE", permanent=True
            ) from error
        if target.password:
            hide(target.password)
        if target.drivername in _DRIVERS:
            target = target.set(drivername=_DRIVERS[target.drivername][0])
        return target

    def _engine(self) -> Engine:
        target = self._target()
        backend, driver = target.get_backend_name(), target.drivername.partition("+")[2]
        if driver in _EXTRAS:
            optional_package(driver, _EXTRAS[driver])
        told: dict[str, Any] = {}
        if backend == "sqlite":
            target, told = _opened_read_only(target), {"timeout": self._limit}
        elif driver == "psycopg":
            told = {"connect_timeout": _CONNECT, "tcp_user_timeout": 30000, "application_name": "inboxwatch"}
        elif driver == "pymysql":
            told = {"connect_timeout": _CONNECT, "read_timeout": self._limit + 5, "write_timeout": _CONNECT}
        try:
            return create_engine(
                target,
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={name: value for name, value in told.items() if name not in target.query},
            )
        except (SQLAlchemyError, ImportError) as error:
            raise MailboxError(
                Reason.CLIENT,
                f"there is no driver for {target.drivername}://: {error}",
                hint="install SQLAlchemy's dialect and its driver beside inboxwatch",
                permanent=True,
            ) from error


def _opened_read_only(target: URL) -> URL:
    """SQLite's own way to open a file that may not be written, nor made."""
    name = target.database or ""
    if name.startswith("file:") or not name or name == ":memory:":
        return target
    return target.set(database=f"file:{quote(name)}?mode=ro", query={"uri": "true"})


def _make_safe(connection: Connection, limit: float) -> None:
    """Read-only, and with a limit that the server holds, by what each kind of database has."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(limit * 1000)}")
    elif backend in ("mysql", "mariadb"):
        # As of the next transaction: the one that asking for the version began is ended.
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        mariadb = getattr(connection.dialect, "is_mariadb", False)
        connection.exec_driver_sql(
            f"SET SESSION max_statement_time = {limit}"
            if mariadb
            else f"SET SESSION max_execution_time = {int(limit * 1000)}"
        )
        connection.rollback()
    elif backend == "oracle":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    elif backend == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _grants_more(grant: str) -> bool:
    """Whether a line of SHOW GRANTS allows more than to read."""
    rights, on, _ = grant.partition(" ON ")
    if not on:
        return False  # a role, whose own lines follow
    names = rights.removeprefix("GRANT ").split("(")[0] if "(" in rights else rights.removeprefix("GRANT ")
    return any(one.strip().upper() not in _READING for one in names.split(","))
