"""A database server in a folder that goes with it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar


class _Server(Protocol):
    def down(self) -> None: ...


Server = TypeVar("Server", bound=_Server)


@contextlib.contextmanager
def in_a_folder(prefix: str, begin: Callable[[Path], Server]) -> Iterator[Server]:
    """A server that runs in a new folder; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        server = begin(folder)
        yield server
        server.down()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
