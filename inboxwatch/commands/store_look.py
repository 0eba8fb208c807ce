"""One look of a command at the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from inboxwatch.store import Outage, Store, StoreError, Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

Found = TypeVar("Found")
UNREADABLE = (StoreError, Outage)
"""What a look raises where the store cannot be opened, or is away; the text says what to do."""


def look(config: Config, read: Callable[[Transaction], Found]) -> Found:
    """What `read` finds, on one consistent view. Raises one of `UNREADABLE`."""
    store = Store(config.store_url.reveal())
    try:
        with store.reading() as tx:
            return read(tx)
    finally:
        store.close()
