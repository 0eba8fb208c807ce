"""Debian's PostgreSQL on loopback for tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import psycopg
import pytest

from tests.doubles.database_folder import in_a_folder
from tests.support.ports import free_port

_names = itertools.count(1)

# Not TRUNCATE, which makes a new file of every table and index: a test leaves few rows. The role of a replica leaves
# foreign keys and the guards of the audit log alone.
_EMPTY = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', name);
  END LOOP;
END $$
"""


class Postgres:
    """One cluster in a folder that goes with it; it runs as `postgres` where the tests run as root."""

    def __init__(self, folder: Path) -> None:
        self._bin = _programs()
        self._owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = free_port()
        shutil.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "tests", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-p {self.port} -h 127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off -c max_connections=60"
        self._start = ("start", "-D", str(self._data), "-l", str(self._log), "-w", "-t", "60", "-o", options)
        self.up()

    @classmethod
    def start(cls) -> contextlib.AbstractContextManager[Postgres]:
        return in_a_folder("postgres-", cls)

    def up(self) -> None:
        self._run("pg_ctl", *self._start)

    def down(self) -> None:
        self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "immediate", "-w")

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{next(_names)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tests", name)
        return f"postgresql+psycopg://tests@127.0.0.1:{self.port}/{name}"

    @cached_property
    def common(self) -> str:
        """The URL of a database that tests share: making one for each would take most of their time."""
        return self.database()

    def empty(self) -> None:
        """Takes every row out of the common database; its tables stay, and number new rows from 1."""
        with psycopg.connect(self.common.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(_EMPTY)

    def _run(self, program: str, *words: str) -> None:
        # Not captured: the server that pg_ctl leaves behind would keep the pipe open.
        subprocess.run(
            [str(self._bin / program), *words],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._owner.pw_uid,
            group=self._owner.pw_gid,
            extra_groups=[],
        )


def dump(url: str) -> bytes:
    """What a store has in a database, as `pg_dump` writes it; other tests keep lists of leads in schemas beside it."""
    words = [str(_programs() / "pg_dump"), "--schema=public", url.replace("+psycopg", "")]
    return subprocess.run(words, check=True, capture_output=True).stdout


def _programs() -> Path:
    """The folder of the newest version's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL is missing: `apt-get install postgresql`, or let `make test` do it", pytrace=False)
    return found[-1].parent
