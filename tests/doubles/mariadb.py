"""Debian's MariaDB on loopback for tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import pymysql
import pytest

from tests.doubles.database_folder import in_a_folder
from tests.support.ports import free_port

_names = itertools.count(1)


class MariaDb:
    """One server in a folder that goes with it; it runs as `mysql` where the tests run as root."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if found is None:
            pytest.fail("MariaDB is missing: `apt-get install mariadb-server`, or `make test` does it", pytrace=False)
        self._program = found
        self._owner = pwd.getpwnam("mysql") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._folder = folder
        self.port = free_port()
        shutil.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data",
             "--auth-root-authentication-method=normal", f"--user={self._owner.pw_name}", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._server: subprocess.Popen[bytes] | None = None
        self.up()

    @classmethod
    def start(cls) -> contextlib.AbstractContextManager[MariaDb]:
        return in_a_folder("mariadb-", cls)

    def up(self) -> None:
        self._server = subprocess.Popen(
            [self._program, "--no-defaults", f"--datadir={self._folder}/data", f"--socket={self.socket}",
             f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={self._folder}/pid",
             f"--user={self._owner.pw_name}", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin",
             "--innodb-buffer-pool-size=32M", f"--log-error={self._folder}/log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(600):
            with contextlib.suppress(pymysql.err.OperationalError):
                self.admin().close()
                return
            time.sleep(0.1)
        pytest.fail("MariaDB did not start: " + (self._folder / "log").read_text()[-2000:], pytrace=False)

    def down(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait(30)
            self._server = None

    @property
    def socket(self) -> str:
        return f"{self._folder}/socket"

    def admin(self, database: str | None = None) -> pymysql.Connection:
        """A login that may do all."""
        return pymysql.connect(
            unix_socket=self.socket, user="root", database=database, autocommit=True, charset="utf8mb4"
        )

    def database(self) -> str:
        """The name of a new, empty database, with a login `reader` (password `reads-only`) that may see nothing."""
        name = f"t{next(_names)}"
        with self.admin() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute("CREATE USER IF NOT EXISTS reader@localhost IDENTIFIED BY 'reads-only'")
        return name

    def url(self, database: str) -> str:
        return f"mariadb://reader:reads-only@127.0.0.1:{self.port}/{database}"
