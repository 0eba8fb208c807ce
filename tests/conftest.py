"""Fixtures of many rooms: a store of each kind. Asserts in helpers explain themselves as those in tests do."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support", "tests.doubles")
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")  # examples take as long as a busy machine needs

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from inboxwatch.engine.daemon_port import DaemonPort

from inboxwatch import hidden  # noqa: E402
from tests.doubles.postgres import Postgres  # noqa: E402  (once its asserts are to be rewritten)
from tests.support import compiled_sql  # noqa: E402

compiled_sql.share()


@pytest.fixture(autouse=True)
def process_as_found() -> Iterator[None]:
    """What a test sets up of the log, who may read the files it makes (umask), and its secrets end with it.

    The next one on this worker may count the lines of a level, make a file that everybody can read, or show a word that
    was a secret to this one. A daemon knows few secrets; those of a thousand tests would slow down every log line.
    """
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    secrets = len(hidden._known)
    mask = os.umask(0o022)
    os.umask(mask)
    yield
    os.umask(mask)
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    if len(hidden._known) > secrets:  # replaced, for threads of a server may be reading them
        hidden._known = dict(islice(hidden._known.items(), secrets))
        hidden._pattern.cache_clear()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass, and all above it: those of `tmp_path` are their owner's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a worker: starting one costs more than most tests."""
    with Postgres.start() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    yield server.common
    server.empty()


@pytest.fixture
async def client(daemon: DaemonPort) -> AsyncIterator[TestClient[Any, Any]]:
    """Asks the web part of the `daemon` of a test's module."""
    from aiohttp.test_utils import TestClient, TestServer

    from inboxwatch.web import make_app

    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client
