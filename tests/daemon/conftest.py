"""A mailbox that does what a test says, watched in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.scripted_connector import WatchedMailbox


@pytest.fixture
def watched_mailbox(tmp_path: Path) -> Callable[..., WatchedMailbox]:
    return partial(WatchedMailbox, tmp_path)
