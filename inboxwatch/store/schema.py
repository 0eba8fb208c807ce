"""The version of a store's tables: looked at, and brought up to date by one process at a time."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from inboxwatch.store.failures import StoreError

HEAD = "head"
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x696E626F78
"""Of PostgreSQL's advisory locks: whoever migrates holds it."""


class Version(StrEnum):
    """How a store's tables compare with those of this program."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


NEWER = "a newer inboxwatch has opened the store: run that one, or bring back a copy from before it"


def migrate(connection: Connection, revision: str = HEAD) -> None:
    """Brings the tables up to date, or to a revision, inside the transaction of `migrating`. Raises StoreError where
    they are none of ours.

    Alembic and all migrations are imported where there is something to do: that would be a fifth of each command.
    """
    if revision == HEAD and version(connection) is Version.CURRENT:
        return
    from alembic import command
    from alembic.config import Config as AlembicConfig
    from alembic.util import CommandError

    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StoreError(f"{NEWER} ({error})") from error


def revision(connection: Connection) -> str:
    """The version of the tables, as the store bears it; empty where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


@cache
def revisions() -> tuple[str, ...]:
    """Every version of the tables that this program knows, the oldest first, as its migrations are named."""
    return tuple(sorted(path.name[1:].partition("_")[0] for path in (_MIGRATIONS / "versions").glob("v*.py")))


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
    found = revision(connection)
    if not found:
        return Version.EMPTY
    if found == revisions()[-1]:
        return Version.CURRENT
    return Version.OLDER if found in revisions() else Version.NEWER
