"""The version of a store's tables: looked at, and brought up to date by one process at a time."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_LOCK = 0x696E626F78
"""Of PostgreSQL's advisory locks: whoever migrates holds it."""


class Version(StrEnum):
    """How a store's tables compare with those of this program."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


NEWER = "a newer inboxwatch has opened the store: run that one, or bring back a copy from before it"


def migrate(connection: Connection, revision: str = "head") -> None:
    """Brings the tables up to date, or to a revision, inside the transaction of `migrating`."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revision(connection: Connection) -> str:
    """The version of the tables, as the store bears it; empty where it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def migrating(engine: Engine) -> Connection:
    """A connection whose transaction waits until no other process migrates, and then sees what that one has made.

    SQLite takes its write lock at once. PostgreSQL's snapshot must be newer than the lock: READ COMMITTED.
    """
    if engine.dialect.name == "sqlite":
        return engine.connect().execution_options(writes=True)
    return engine.connect().execution_options(isolation_level="READ COMMITTED")


def lock(connection: Connection) -> None:
    """Waits for the turn to migrate; given back with the transaction."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def version(connection: Connection) -> Version:
    """Where the tables are; changes nothing."""
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    if found is None:
        return Version.EMPTY
    if found == scripts.get_current_head():
        return Version.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return Version.OLDER if found in known else Version.NEWER


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
