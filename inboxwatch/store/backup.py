"""Backups: one SQLite file holds a whole store of either kind, of any version, as it was at one instant.

Beside it lies the key of signed links, in a file of its own, as beside a store. Whoever has both can act by links, so
both are their owner's alone.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from inboxwatch.store import schema, tables
from inboxwatch.store.engines import APPLICATION, file_of, open_engine
from inboxwatch.store.failures import Outage, StoreError
from inboxwatch.store.row_copy import Told, copy_rows, counts, tables_of
from inboxwatch.store.schema import NEWER, Version
from inboxwatch.store.signing_key import MOVED, SUFFIX, keep_private, moved_key, read_key, signing_key, write_key

_PAGES = 256
"""Pages of a SQLite file that are copied at a time."""
_PATIENCE = 30.0
"""Seconds for which a lock is waited for."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: rows of each table, and whether the key of signed links went with them."""

    rows: dict[str, int]
    key: bool = True


def backup(url: str, file: Path, told: Told, *, replace: bool = False) -> Copied:
    """Writes the store at `url` into a file as it is now, while others write to it. Raises StoreError.

    What lies there already is replaced, whole, only where `replace` says so.
    """
    if file.exists() and not replace:
        raise StoreError(f"{file} exists already: give another name, or --replace")
    if not file.parent.is_dir():
        raise StoreError(f"the folder {file.parent} does not exist: create it")
    with _named("cannot back up the store"), _unfinished(file) as made:
        engine = open_engine(url)
        try:
            source = file_of(engine.url)
            if source is not None and not source.exists():
                raise StoreError(f"{source} does not exist: there is nothing to back up")
            if source is not None:
                _copy_pages(source, made, told)
            else:
                _write_rows(engine, made, told)
            found = _verified(made)
            write_key(made.with_name(made.name + SUFFIX), signing_key(engine.url, found.salt))
        finally:
            engine.dispose()
    return Copied(found.rows)


def restore(file: Path, url: str, told: Told, *, replace: bool = False) -> Copied:
    """Makes the store at `url` what a backup holds: all of it or nothing. Raises StoreError.

    The backup is verified first. A store that holds anything is refused unless `replace` says so, and one that a
    process has open is refused always. A backup of an older version stays that: the next start migrates it.
    """
    with _named("cannot restore the store"):
        found = _verified(file)
        key_file = file.with_name(file.name + SUFFIX)
        key = read_key(key_file) if key_file.exists() else None
        engine = open_engine(url)
        try:
            target = file_of(engine.url)
            if target is not None:
                if target.exists() and target.samefile(file):
                    raise StoreError(f"{file} is the store itself")
                _replace_file(target, file, told, replace=replace)
                if key is not None:
                    write_key(Path(f"{target}{SUFFIX}"), key)
            else:
                _replace_rows(engine, file, found, key, told, replace=replace)
        finally:
            engine.dispose()
    return Copied(found.rows, key is not None)


def copy(source: str, target: str, told: Told, *, replace: bool = False) -> Copied:
    """Makes the store at `target` what the one at `source` is now, of whatever kind both are. Raises StoreError."""
    if make_url(source) == make_url(target):
        raise StoreError("the store would be copied onto itself")
    beside = file_of(make_url(target)) or file_of(make_url(source))
    with _named("cannot copy the store"), tempfile.TemporaryDirectory(dir=beside.parent if beside else None) as folder:
        held = Path(folder) / "store.db"
        backup(source, held, told)
        return restore(held, target, told, replace=replace)


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except (Outage, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"{what}: {cause}") from error
    except (sqlite3.Error, OSError, ValueError) as error:
        raise StoreError(f"{what}: {error}") from error


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A file beside the wanted one that takes its place once it is whole, with what lies beside it."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
    os.close(handle)
    made = Path(name)
    try:
        yield made
        made.with_name(made.name + SUFFIX).replace(file.with_name(file.name + SUFFIX))
        made.replace(file)
    finally:
        for suffix in ("", SUFFIX, "-journal", "-wal", "-shm"):
            made.with_name(made.name + suffix).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a file of a store proved to be."""

    revision: str
    salt: bytes
    rows: dict[str, int]


def _verified(file: Path) -> _Verified:
    """Whether a file is a whole store of a version that this program knows. Raises StoreError."""
    if not file.is_file():
        raise StoreError(f"{file} does not exist")
    try:
        with closing(_opened(file)) as raw:
            (verdict,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file} is no backup of a store, or not a whole one: {error}") from error
    if verdict != "ok":
        raise StoreError(f"{file} is damaged: {verdict}")
    engine = _file_engine(file)
    with engine.connect() as connection, connection.begin():
        version = schema.version(connection)
        if version is Version.EMPTY:
            raise StoreError(f"{file} is no backup of a store: its tables are others")
        if version is Version.NEWER:
            raise StoreError(f"{file} was written by a newer inboxwatch: restore it by that one")
        salt = connection.execute(text("SELECT value FROM meta WHERE key = 'salt'")).scalar()
        if salt is None:
            raise StoreError(f"{file} lacks the secret of its hashes: it is no whole store")
        return _Verified(schema.revision(connection), bytes.fromhex(salt), counts(connection, tables_of(connection)))


def _opened(file: Path, mode: str = "ro") -> sqlite3.Connection:
    """A connection to a file as it is: its journal is not changed, and no transaction begins by itself."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE, isolation_level=None)


def _file_engine(file: Path, mode: str = "ro") -> Engine:
    engine = create_engine("sqlite://", creator=lambda: _opened(file, mode), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _copy_pages(source: Path, made: Path, told: Told) -> None:
    """A SQLite store page by page. The view is held over all steps: writers neither wait nor are waited for."""
    with closing(_opened(source)) as from_, closing(_opened(made, "rw")) as to:
        from_.execute("BEGIN")
        from_.execute("SELECT count(*) FROM sqlite_master").fetchone()
        from_.backup(to, pages=_PAGES, progress=lambda _, left, total: told(total - left, total))
        to.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it


def _write_rows(engine: Engine, made: Path, told: Told) -> None:
    """A PostgreSQL store row by row, of one snapshot."""
    into = _file_engine(made, "rw")
    with engine.connect() as source, source.begin(), into.connect() as target, target.begin():
        source.execute(text("SET TRANSACTION READ ONLY"))
        found = schema.version(source)
        if found is Version.EMPTY:
            raise StoreError("the store is empty: there is nothing to back up")
        if found is Version.NEWER:
            raise StoreError(NEWER)
        schema.migrate(target, schema.revision(source))
        wanted = copy_rows(source, target, told)
        _compare(wanted, target)


def _replace_file(target: Path, file: Path, told: Told, *, replace: bool) -> None:
    """Writes a backup over a SQLite store in one transaction of SQLite: a crash leaves the one or the other."""
    if not target.parent.is_dir():
        raise StoreError(f"the folder {target.parent} of the store does not exist: create it, or change store.url")
    fresh = not target.exists()
    keep_private(str(target))
    try:
        _overwrite(target, file, told, replace=replace or fresh)
    except BaseException:
        if fresh:
            target.unlink(missing_ok=True)
        raise


def _overwrite(target: Path, file: Path, told: Told, *, replace: bool) -> None:
    with closing(_opened(file)) as from_, closing(_opened(target, "rw")) as to:
        _close_to_others(to, target)
        if not replace and (held := _held(_file_engine(target))):
            raise _not_empty(str(target), held)
        from_.backup(to, pages=_PAGES, progress=lambda _, left, total: told(total - left, total))


def _close_to_others(connection: sqlite3.Connection, target: Path) -> None:
    """Leaves the log behind, which SQLite allows to whoever has the file alone."""
    connection.execute("PRAGMA busy_timeout=1000")
    try:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise _in_use(str(target)) from error


def _replace_rows(
    engine: Engine, file: Path, found: _Verified, key: bytes | None, told: Told, *, replace: bool
) -> None:
    """Puts a backup into PostgreSQL in one transaction: tables, rows, sequences, and the key of links sent before."""
    with _file_engine(file).connect() as source, source.begin(), schema.migrating(engine) as target, target.begin():
        schema.lock(target)
        others = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = :name"
        )
        shown = engine.url.render_as_string()
        if target.execute(others, {"name": APPLICATION}).scalar_one():
            raise _in_use(shown)
        if not replace and (held := _rows_in(target)):
            raise _not_empty(shown, held)
        _drop_tables(target, {table.name for table in tables_of(source)})
        schema.migrate(target, found.revision)
        _compare(copy_rows(source, target, told), target)
        own = signing_key(engine.url, found.salt)
        if key is not None and key != own:
            target.execute(text("DELETE FROM meta WHERE key = :key"), {"key": MOVED})
            values = {"key": MOVED, "value": moved_key(key, own)}
            target.execute(text("INSERT INTO meta (key, value) VALUES (:key, :value)"), values)


def _drop_tables(target: Connection, besides: set[str]) -> None:
    """Drops the tables of this version, and further ones of a store; what else is in the database stays."""
    ours = {table.name for table in tables.metadata.sorted_tables} | besides | {"alembic_version"}
    dropped = MetaData()
    for name in ours & set(inspect(target).get_table_names()):
        Table(name, dropped)
    dropped.drop_all(target)


def _rows_in(connection: Connection) -> int:
    """How many rows a store holds beside its own secrets."""
    ours = {table.name for table in tables.metadata.sorted_tables} - {"meta"}
    return sum(counts(connection, [table for table in tables_of(connection) if table.name in ours]).values())


def _held(engine: Engine) -> int:
    with engine.connect() as connection, connection.begin():
        return _rows_in(connection)


def _compare(wanted: dict[str, int], target: Connection) -> None:
    found = counts(target, tables_of(target))
    if lost := [
        f"{name}: {number} rows, {found.get(name)} arrived"
        for name, number in wanted.items()
        if found.get(name) != number
    ]:
        raise StoreError(f"not all rows were copied, so nothing was: {'; '.join(lost)}")


def _not_empty(name: str, rows: int) -> StoreError:
    return StoreError(f"{name} holds {rows} rows: --replace puts the backup in their place")


def _in_use(name: str) -> StoreError:
    return StoreError(f"{name} is in use: stop the daemon, and whatever else has it open, first")
