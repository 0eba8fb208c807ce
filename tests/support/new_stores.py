"""New stores for tests: the tables of an SQLite file are made once a process and copied, not migrated to each time."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from inboxwatch.store import Store


def new_store(url: str) -> Store:
    """A store as its first start leaves it, or the one that is there. All files share one salt.

    Twenty migrations cost as much as most tests. Those about opening open a `Store` themselves.
    """
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database and not Path(parts.database).exists():
        shutil.copyfile(_tables(), parts.database)
    return Store(url)


@cache
def _tables() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="inboxwatch-tables-")
    file = Path(folder.name) / "new.db"
    Store(f"sqlite:///{file}").close()
    _kept.append(folder)
    return file


_kept: list[tempfile.TemporaryDirectory[str]] = []
"""Removed with the process."""
