"""A SQLite file is for one daemon: the one that works on it holds a lock beside it, which goes with its process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import IO

from inboxwatch.store.engines import file_of_url
from inboxwatch.store.failures import StoreError

SUFFIX = ".daemon"
"""Of the file that is locked. SQLite's own file must not be opened beside SQLite: closing it would free its locks."""


class OneDaemon:
    """Held until it is closed. Commands that work beside a daemon (`backfill`, `store backup`) do not ask for it."""

    def __init__(self, url: str) -> None:
        """Raises StoreError where another daemon holds the store. One that is no file of this machine is never held."""
        self._file: IO[str] | None = None
        store = file_of_url(url)
        if store is None or not store.parent.is_dir():
            return
        with contextlib.suppress(OSError):  # a folder that cannot be written to is told by whoever opens the store
            handle = os.open(f"{store}{SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(handle, "r+", encoding="utf-8")
        if self._file is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            process = self._file.read().strip() or "unknown"
            self.close()
            if error.errno != errno.EWOULDBLOCK:
                return  # the file system knows no locks
            raise StoreError(
                f"another daemon (process {process}) works on {store}, and a SQLite file is for one: stop that one, or "
                "move to PostgreSQL, which several share (`inboxwatch store copy`; deploy/README.md, Several workers)"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def close(self) -> None:
        """Lets another daemon work on the store; the file stays, for whoever waits for it has it open."""
        if self._file is not None:
            self._file.close()
            self._file = None
