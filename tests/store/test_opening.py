"""Opening a store: one process makes its tables, whoever only looks changes nothing, and what is missing is named."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from inboxwatch.store import Conflict, Store, StoreAwayError, StoreError, StoreMissingError, schema
from tests.doubles.postgres import Postgres
from tests.support.ports import free_port


def opened_at_once(url: str, count: int = 4) -> list[bytes]:
    """The keys of so many daemons that start together."""
    gate = threading.Barrier(count)

    def start() -> bytes:
        gate.wait()
        store = Store(url)
        try:
            return store.key
        finally:
            store.close()

    with ThreadPoolExecutor(count) as threads:
        return [one.result() for one in [threads.submit(start) for _ in range(count)]]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_daemons_that_start_together_on_an_empty_store_make_its_tables_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number in range(3):
        url = f"sqlite:///{tmp_path}/{number}.db"
        if kind == "postgresql":
            url = request.getfixturevalue("postgres").database()
        assert len(set(opened_at_once(url))) == 1, "they share one secret"


def test_whoever_only_looks_makes_and_migrates_nothing(tmp_path: Path, postgres: Postgres) -> None:
    file = tmp_path / "store.db"
    with pytest.raises(StoreMissingError, match="does not exist yet: the first start creates it"):
        Store(f"sqlite:///{file}", migrate=False)
    assert not file.exists()
    url = postgres.database()
    with pytest.raises(StoreMissingError, match="is empty: the next start brings it up to date"):
        Store(url, migrate=False)
    store = Store(f"sqlite:///{file}")
    looking = Store(f"sqlite:///{file}", migrate=False)
    assert looking.key == store.key
    looking.close()
    store.close()
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0001'")
    raw.close()
    with pytest.raises(StoreMissingError, match="older version: the next start"):
        Store(f"sqlite:///{file}", migrate=False)


def test_two_workers_that_meet_are_a_conflict_and_no_outage(postgres: Postgres) -> None:
    store = Store(postgres.database())
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
    with pytest.raises(Conflict), store.transaction() as one:
        assert one.mailboxes.get("ana") is not None
        with store.transaction() as other:
            other.cursors.move("ana", None, "1")
        one.cursors.move("ana", None, "2")
    store.close()


def test_a_server_that_does_not_answer_is_away_and_one_that_refuses_is_an_error(postgres: Postgres) -> None:
    with pytest.raises(StoreAwayError, match=r"\Acannot open the store: [^\n\t]+\Z"):
        Store(f"postgresql+psycopg://tests@127.0.0.1:{free_port()}/x")
    with pytest.raises(StoreError) as refused:
        Store(f"postgresql+psycopg://tests@127.0.0.1:{postgres.port}/there-is-none")
    assert not isinstance(refused.value, StoreAwayError)


def test_a_missing_driver_is_named_with_the_command_that_brings_it() -> None:
    """An interpreter without psycopg: its import is refused before anything asks for it."""
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from inboxwatch.store import Store, StoreError\n"
        "try: Store('postgresql://nobody@127.0.0.1/x')\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("the driver of PostgreSQL is not installed: ")
    assert "pip install --require-hashes -r " in done.stdout
    assert Path(done.stdout.split()[-1]).name == "postgresql.txt"


def test_the_names_of_the_migrations_say_their_versions_in_their_order() -> None:
    """A store that is up to date is opened by these names alone."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert [one.revision for one in scripts.walk_revisions()][::-1] == list(schema.revisions())


def test_a_store_that_is_up_to_date_is_opened_without_the_tool_that_migrates(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    Store(url).close()
    opens = (
        f"import sys; from inboxwatch.store import Store; Store({url!r}).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", opens], check=True)
