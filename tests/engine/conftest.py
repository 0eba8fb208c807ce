"""A daemon whose mail a test writes batch by batch, on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.batched_daemon import BatchedDaemon


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, database)
    yield daemon
    daemon.close()
