"""A mailbox that does what a test says, watched in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.scripted_connector import PolledMailbox


@pytest.fixture
def polled_mailbox(tmp_path: Path) -> Callable[..., PolledMailbox]:
    return partial(PolledMailbox, tmp_path)
