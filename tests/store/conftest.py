"""What tests of the store share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inboxwatch.store import Store, Transaction


@pytest.fixture
def tx(database: str) -> Iterator[Transaction]:
    """A transaction of an empty store."""
    store = Store(database)
    with store.transaction() as tx:
        yield tx
    store.close()
