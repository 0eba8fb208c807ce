"""An office whose mail a test writes batch by batch, on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.batches import Office


@pytest.fixture
def office(tmp_path: Path, database: str) -> Iterator[Office]:
    office = Office(tmp_path, database)
    yield office
    office.close()
