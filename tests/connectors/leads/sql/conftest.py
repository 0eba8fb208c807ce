"""Tables of leads on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.mariadb import MariaDb
from tests.support.lead_databases import LeadTable


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with MariaDb.start() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LeadTable]:
    """An empty table `buyers` on each kind of server."""
    if request.param == "sqlite":
        table = LeadTable.sqlite(tmp_path)
    elif request.param == "postgresql":
        table = LeadTable.postgresql(request.getfixturevalue("postgres"))
    else:
        table = LeadTable.mariadb(request.getfixturevalue("mariadb"))
    yield table
    table.close()
