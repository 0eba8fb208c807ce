"""A backup holds a whole store of either kind as it was at one instant, and a restored store goes on where it was."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, func, insert, inspect, make_url, select, text

from inboxwatch.core.model import Lead, LeadId
from inboxwatch.notify.links import Grant, Links
from inboxwatch.store import Store, StoreError, tables
from inboxwatch.store.backup import backup, copy, restore
from tests.doubles.postgres import Postgres
from tests.support.batched_daemon import BatchedDaemon, minutes

KINDS = ["sqlite", "postgresql"]


def quietly(done: int, total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[BatchedDaemon]:
    """A team with waits open, answered, acknowledged and told of."""
    daemon = BatchedDaemon(tmp_path, database)
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@buyer.test", 5, subject="Ünïcode \N{BABY}"))
    daemon.reads(daemon.replies("a1@acme.test", 20, "q1@buyer.test"))
    daemon.passes(minutes(70))
    daemon.engine.acknowledge(daemon.clocks()[-1].id, "ben", daemon.at, "on it")
    yield daemon
    daemon.close()


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is no store yet."""
    if request.param == "sqlite":
        (tmp_path / "other").mkdir()
        return f"sqlite:///{tmp_path}/other/store.db"
    server: Postgres = request.getfixturevalue("postgres")
    url = make_url(server.database()).set(password="a password of the other store")
    return url.render_as_string(hide_password=False)


def stored(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every value of every table as the database itself writes it, but for what each store has for itself."""
    engine = create_engine(url)
    found: dict[str, list[tuple[Any, ...]]] = {}
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            columns = [
                func.coalesce(text(f'CAST("{column.name}" AS TEXT)'), "NULL")
                if column.type.__class__.__name__ == "JSON"
                else column
                for column in table.columns
            ]
            rows = connection.execute(select(*columns).select_from(table))
            found[table.name] = sorted((tuple(row) for row in rows if "another key" not in str(row[0])), key=repr)
    engine.dispose()
    return found


def url_of(daemon: BatchedDaemon) -> str:
    return daemon.config.store_url.reveal()


def test_a_restored_store_has_the_same_rows_whatever_database_it_came_from(
    daemon: BatchedDaemon, empty: str, tmp_path: Path
) -> None:
    done = backup(url_of(daemon), tmp_path / "kept.db", quietly)
    assert done.rows["clock"] == len(daemon.everything()["clock"]) >= 2
    assert restore(tmp_path / "kept.db", empty, quietly).rows == done.rows
    before, after = stored(url_of(daemon)), stored(empty)
    assert before == after
    assert "NULL" in str(before["message"]), "NULL and JSON's null are two"
    restored = Store(empty)
    with daemon.store.reading() as then, restored.reading() as now:
        assert now.clocks.running() == then.clocks.running() != []
        assert now.mail.key("q1@buyer.test") == then.mail.key("q1@buyer.test")
    restored.close()


def test_a_copied_store_numbers_new_rows_behind_the_old_ones(daemon: BatchedDaemon, empty: str) -> None:
    copy(url_of(daemon), empty, quietly)
    engine = create_engine(empty)
    with engine.begin() as connection:
        last = connection.execute(select(func.max(tables.act.c.id))).scalar_one()
        added = connection.execute(insert(tables.act).values(at=daemon.at, deed="acknowledged", by="ana"))
        assert added.inserted_primary_key is not None
        assert added.inserted_primary_key[0] > last > 0
    engine.dispose()


def test_links_sent_before_still_work_on_a_store_that_was_copied(daemon: BatchedDaemon, empty: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    grant = Grant("c1", "dismiss", "ana", now + timedelta(days=2))
    link = Links(daemon.store.key, "https://watch.acme.test").sign(grant)
    assert copy(url_of(daemon), empty, quietly).key
    store = Store(empty)
    assert Links(store.key, "https://watch.acme.test", former=store.former_key).verify(link, now) == grant
    assert daemon.store.key.hex() not in str(stored(empty)), "the key is not in the store as it is"
    store.close()


def test_a_backup_and_its_key_are_its_owners_alone_and_one_file_each(daemon: BatchedDaemon, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    backup(url_of(daemon), folder / "kept.db", quietly)
    assert {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {
        "kept.db": 0o600,
        "kept.db.key": 0o600,
    }
    with pytest.raises(StoreError, match="exists already"):
        backup(url_of(daemon), folder / "kept.db", quietly)
    backup(url_of(daemon), folder / "kept.db", quietly, replace=True)


def test_a_backup_under_load_is_of_one_instant_and_holds_nobody_up(database: str, tmp_path: Path) -> None:
    """Two processes' worth of writers: each writes two leads a transaction, and goes on while the backup runs."""
    store = Store(database)
    with store.transaction() as tx:
        tx.leads.put([lead(f"bulk{number}") for number in range(3000)], datetime.now(UTC))
    writers = [Writing(database, name) for name in ("one", "two")]
    for writer in writers:
        writer.start()

    def wait_for_both(done: int, total: int) -> None:
        if done < total:
            for writer in writers:
                writer.writes_on()

    try:
        for writer in writers:
            writer.writes_on()
        backup(database, tmp_path / "kept.db", wait_for_both)
    finally:
        for writer in writers:
            writer.end()
    with closing(sqlite3.connect(tmp_path / "kept.db")) as raw:
        ids = {row[0] for row in raw.execute("SELECT id FROM lead")}
    for writer in writers:
        numbers = [number for number in range(writer.written) if f"{writer.name}-{number}-a@load.test" in ids]
        assert numbers == list(range(len(numbers))), "all that was committed before that instant, nothing after"
        assert 0 < len(numbers) < writer.written
        assert [f"{writer.name}-{number}-b@load.test" in ids for number in numbers] == [True] * len(numbers)
    store.close()


def lead(name: str) -> Lead:
    return Lead(LeadId(f"{name}@load.test"), name=name * 50, source="api")


class Writing(threading.Thread):
    """Another process that writes to the store."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(name=name)
        self._store = Store(url)
        self._ended = threading.Event()
        self._news = threading.Condition()
        self.written = 0

    def run(self) -> None:
        while not self._ended.is_set():
            with self._store.transaction() as tx:
                tx.leads.put([lead(f"{self.name}-{self.written}-{half}") for half in "ab"], datetime.now(UTC))
            with self._news:
                self.written += 1
                self._news.notify_all()

    def writes_on(self) -> None:
        """Waits until it has committed once more."""
        with self._news:
            before = self.written
            assert self._news.wait_for(lambda: self.written > before, timeout=60)

    def end(self) -> None:
        self._ended.set()
        self.join()
        self._store.close()


def test_nothing_is_replaced_unasked_nor_under_a_daemon(daemon: BatchedDaemon, empty: str, tmp_path: Path) -> None:
    backup(url_of(daemon), tmp_path / "kept.db", quietly)
    other = Store(empty)
    with other.transaction() as tx:
        tx.leads.put([lead("kept")], datetime.now(UTC))
    with pytest.raises(StoreError, match="is in use: stop the daemon"):
        restore(tmp_path / "kept.db", empty, quietly, replace=True)
    other.close()
    before = stored(empty)
    with pytest.raises(StoreError, match="rows: --replace puts the backup in their place"):
        restore(tmp_path / "kept.db", empty, quietly)
    assert stored(empty) == before
    restore(tmp_path / "kept.db", empty, quietly, replace=True)
    assert stored(empty) == stored(url_of(daemon))


@pytest.mark.parametrize("defect", ["cut", "turned", "foreign", "newer", "text"])
def test_what_is_no_whole_backup_replaces_nothing(defect: str, tmp_path: Path, empty: str) -> None:
    Store(empty).close()
    Store(f"sqlite:///{tmp_path}/source.db").close()
    kept = tmp_path / "kept.db"
    backup(f"sqlite:///{tmp_path}/source.db", kept, quietly)
    content = bytearray(kept.read_bytes())
    if defect == "cut":
        content = content[: len(content) // 2]
    elif defect == "turned":
        for place in range(4096, len(content), 4096):
            content[place : place + 64] = bytes(64)
    elif defect == "text":
        content = bytearray(b"no database")
    kept.write_bytes(content)
    if defect in ("foreign", "newer"):
        with closing(sqlite3.connect(kept)) as raw, raw:
            raw.execute(
                "DROP TABLE alembic_version"
                if defect == "foreign"
                else "UPDATE alembic_version SET version_num = '9999'"
            )
    before = stored(empty)
    with pytest.raises(StoreError, match=r"kept.db (is|was)"):
        restore(kept, empty, quietly, replace=True)
    assert stored(empty) == before


def test_a_store_of_an_older_version_is_backed_up_and_restored_as_that(
    database: str, tmp_path: Path, empty: str
) -> None:
    """A backup before an upgrade is made by the new program."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    Store(database).close()
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
        told = {"clock": "c", "step": 1, "round": 1, "target": "ana", "reason": "breach", "policy": "standard"}
        connection.execute(insert(tables.told).inline().values(told | {"at": datetime(2026, 5, 4, 9, tzinfo=UTC)}))
    try:
        backup(database, tmp_path / "kept.db", quietly)
        restore(tmp_path / "kept.db", empty, quietly)
        restored = create_engine(empty)
        with restored.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0005"
            assert connection.execute(select(tables.told.c.clock)).scalar() == "c"
            assert "proof" not in inspect(connection).get_table_names()
        restored.dispose()
        Store(empty).close()
    finally:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        engine.dispose()
