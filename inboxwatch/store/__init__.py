"""The store: one transaction a unit of work, on SQLite (WAL) or PostgreSQL."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from inboxwatch.store import tables
from inboxwatch.store.absences import Absences
from inboxwatch.store.backfills import Backfills
from inboxwatch.store.board_queries import BoardQueries
from inboxwatch.store.clocks import Clocks
from inboxwatch.store.cursors import Cursors
from inboxwatch.store.deliveries import Deliveries
from inboxwatch.store.failures import Outage, StoreError, name_outages
from inboxwatch.store.leads import Leads
from inboxwatch.store.mail import Mails
from inboxwatch.store.mailbox_health import MailboxHealth
from inboxwatch.store.mailboxes import Mailboxes
from inboxwatch.store.marks import Marks
from inboxwatch.store.period_waits import PeriodWaits
from inboxwatch.store.pinned_policies import PinnedPolicies
from inboxwatch.store.quarantine import Quarantine
from inboxwatch.store.statistics import Statistics

__all__ = ["Outage", "Store", "StoreError", "Transaction"]


PRAGMAS = (
    "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000",
    # Keys are hashes: writes touch pages all over the file. 32 MB of them are kept, and written back less often.
    "cache_size=-32768", "wal_autocheckpoint=4000",
)  # fmt: skip
"""Of each connection to SQLite."""


class Transaction:
    """Everything that can be asked of the store inside one transaction, by noun."""

    def __init__(self, connection: Connection, salt: bytes) -> None:
        self.connection = connection
        self._salt = salt

    def attempt(self) -> AbstractContextManager[object]:
        """A part that may fail: an exception that leaves the block undoes what was written inside it, nothing else."""
        return self.connection.begin_nested()

    @cached_property
    def mail(self) -> Mails:
        return Mails(self.connection, self._salt)

    @cached_property
    def clocks(self) -> Clocks:
        return Clocks(self.connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.connection)

    @cached_property
    def leads(self) -> Leads:
        return Leads(self.connection)

    @cached_property
    def mailboxes(self) -> Mailboxes:
        return Mailboxes(self.connection)

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self.connection)

    @cached_property
    def health(self) -> MailboxHealth:
        return MailboxHealth(self.connection)

    @cached_property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.connection)

    @cached_property
    def absences(self) -> Absences:
        return Absences(self.connection)

    @cached_property
    def policies(self) -> PinnedPolicies:
        return PinnedPolicies(self.connection)

    @cached_property
    def marks(self) -> Marks:
        return Marks(self.connection)

    @cached_property
    def backfills(self) -> Backfills:
        return Backfills(self.connection)

    @cached_property
    def board(self) -> BoardQueries:
        return BoardQueries(self.connection)

    @cached_property
    def statistics(self) -> Statistics:
        return Statistics(self.connection)

    @cached_property
    def waits(self) -> PeriodWaits:
        return PeriodWaits(self.connection)


class Store:
    """Opens the database, brings its tables up to date, and hands out transactions."""

    def __init__(self, url: str) -> None:
        self._engine = _open(url)
        name_outages(self._engine)
        try:
            self._migrate()
            self._salt = self._secret("salt")
        except (Outage, DBAPIError) as error:
            self._engine.dispose()
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise StoreError(f"cannot open the store: {cause}") from error
        except CommandError as error:  # its revision is none of ours
            self._engine.dispose()
            newer = "a newer inboxwatch has opened the store: run that one, or bring back a copy from before it"
            raise StoreError(f"{newer} ({error})") from error

    @property
    def key(self) -> bytes:
        """A secret of this store, for signatures that must outlive a restart."""
        return hashlib.blake2b(b"signing", key=self._salt).digest()

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps the store; None for a store elsewhere or in memory."""
        name = self._engine.url.database
        return Path(name) if self._engine.dialect.name == "sqlite" and name and name != ":memory:" else None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits at the end of the block; rolls everything back on an exception."""
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield Transaction(connection, self._salt)

    @contextmanager
    def rehearsal(self) -> Iterator[Transaction]:
        """As a transaction, but takes everything back at the end: what it shows is what would happen."""
        with self._engine.connect().execution_options(writes=True) as connection:
            begun = connection.begin()
            try:
                yield Transaction(connection, self._salt)
            finally:
                begun.rollback()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view for queries; never waits for a writer."""
        with self._engine.connect() as connection:
            yield Transaction(connection, self._salt)

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _secret(self, name: str) -> bytes:
        with self._engine.begin() as connection:
            found = connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == name)).scalar()
            if found is None:
                found = secrets.token_hex(32)
                connection.execute(insert(tables.meta).values(key=name, value=found))
        return bytes.fromhex(found)


def _open(url: str) -> Engine:
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, pool_pre_ping=True, isolation_level="REPEATABLE READ", hide_parameters=True)
    if target.database and target.database != ":memory:":
        folder = Path(target.database).parent
        if not folder.is_dir():
            raise StoreError(f"the folder {folder} of the store does not exist: create it, or change store.url")
    engine = create_engine(target, connect_args={"timeout": 30}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # The driver's own transactions begin too late (at the first write); SQLAlchemy's "begin" event does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
