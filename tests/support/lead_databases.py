"""Databases of leads that belong to somebody else: SQLite, PostgreSQL and MariaDB, as their users change them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import NullPool, create_engine, text

from connectors.leads.sql import SqlFeed, SqlSettings
from inboxwatch import now as instant
from inboxwatch.connector import Context, Reading
from inboxwatch.lead_feed import LeadFeed
from inboxwatch.testing import Record
from tests.doubles.mariadb import MariaDb
from tests.doubles.postgres import Postgres

QUERY = "SELECT id, email, name, company, owner_email AS owner, changed_at FROM buyers"
CHANGED = "changed_at > :since"
_TABLE = (
    "CREATE TABLE buyers (id {serial}, email VARCHAR(200), name VARCHAR(200), company VARCHAR(200), "
    "owner_email VARCHAR(200), changed_at {instant} NOT NULL)"
)
_names = itertools.count(1)


class DatedFeed(SqlFeed):
    """A feed whose clock is ahead of ours."""

    ahead = timedelta(0)

    def _now(self) -> datetime:  # type: ignore[override]  # the clock of an instance
        return instant.now() + self.ahead


class LeadTable:
    """A table `buyers` that a login `reader` may read, and whoever changes it."""

    secrets: tuple[str, ...] = ("reads-only",)

    def __init__(self, admin: str, reader: str, kinds: tuple[str, str]) -> None:
        self._admin = create_engine(admin)
        self.url = reader
        self.ahead = timedelta(0)
        self.size = 10
        self.settings: dict[str, Any] = {}
        self.run(_TABLE.format(serial=kinds[0], instant=kinds[1]))

    @classmethod
    def sqlite(cls, folder: Path) -> LeadTable:
        url = f"sqlite:///{folder}/crm.db"
        return cls(url, url, ("INTEGER PRIMARY KEY", "TEXT"))

    @classmethod
    def postgresql(cls, server: Postgres) -> LeadTable:
        """In a schema of its own, for a database takes longer to make."""
        schema, admin = f"crm{next(_names)}", server.common
        reader = f"postgresql://reader:reads-only@127.0.0.1:{server.port}/{admin.rpartition('/')[2]}"
        options = f"?options=-csearch_path%3D{schema}"
        engine = create_engine(admin, poolclass=NullPool)  # of the public schema
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
            known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'reader'")).scalar()
            if not known:
                connection.execute(text("CREATE ROLE reader LOGIN PASSWORD 'reads-only'"))
            connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO reader"))
        table = cls(admin + options, reader + options, ("SERIAL PRIMARY KEY", "TIMESTAMPTZ"))
        table.run("GRANT SELECT ON buyers TO reader")
        return table

    @classmethod
    def mariadb(cls, server: MariaDb) -> LeadTable:
        name = server.database()
        admin = f"mariadb+pymysql://root@localhost/{name}?unix_socket={server.socket}"
        table = cls(admin, server.url(name), ("INTEGER PRIMARY KEY AUTO_INCREMENT", "DATETIME(6)"))
        table.run("GRANT SELECT ON buyers TO reader@localhost")
        return table

    def close(self) -> None:
        self._admin.dispose()

    def run(self, statement: str, **values: Any) -> Any:
        """Somebody's statement; the first value of its answer."""
        with self._admin.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None

    def every_row(self) -> Sequence[Any]:
        with self._admin.connect() as connection:
            return connection.execute(text("SELECT * FROM buyers ORDER BY id")).fetchall()

    def listed(self, **settings: Any) -> LeadTable:
        """The same table, to be read as a whole list or by other settings."""
        other = copy(self)
        other.settings = {"changed": ""} | settings
        return other

    def feed(self) -> LeadFeed:
        keys = {"url": self.url, "query": QUERY, "changed": CHANGED} | self.settings
        feed = DatedFeed(SqlSettings.model_validate(keys), Context("crm", "", Reading(batch_size=self.size)))
        feed.ahead = self.ahead
        return feed

    def add(self, record: Record) -> str:
        self.run(
            "INSERT INTO buyers (email, name, company, owner_email, changed_at) "
            "VALUES (:email, :name, :company, :owner, :at)",
            **self._values(record),
        )
        return str(self.run("SELECT MAX(id) FROM buyers"))

    def change(self, key: str, record: Record) -> None:
        self.run(
            "UPDATE buyers SET email = :email, name = :name, company = :company, owner_email = :owner, "
            "changed_at = :at WHERE id = :id",
            id=int(key), **self._values(record),
        )  # fmt: skip

    def delete(self, key: str) -> None:
        self.run("DELETE FROM buyers WHERE id = :id", id=int(key))

    purge = delete

    def log(self, key: str, type: Literal["call", "meeting"], at: datetime, by: str) -> str:  # noqa: A002  (as told)
        """A list of buyers holds no calls."""
        return ""

    def settle(self) -> None:
        """Whatever is committed can be read."""

    def let_a_day_pass(self) -> None:
        self.ahead += timedelta(days=1, minutes=1)

    def break_connection(self) -> None:
        self._kept, self.url = self.url, self.url.replace("crm.db", "gone.db").replace("127.0.0.1", "127.0.0.2")

    def mend_connection(self) -> None:
        self.url = self._kept

    def snapshot(self) -> Any:
        return self.every_row()

    def _values(self, record: Record) -> dict[str, Any]:
        at = instant.now() + self.ahead
        told = at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
        return {
            "email": record.email or None, "name": record.name or None, "company": record.company or None,
            "owner": record.owner or None, "at": at if "postgresql" in self.url else told,
        }  # fmt: skip
