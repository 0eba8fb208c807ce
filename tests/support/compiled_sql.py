"""The store's SQL, compiled once a process, though each of thousands of tests opens a store of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

from inboxwatch.store.engines import compact_json


class SharedCache(LRUCache[Any, Any]):
    """Statements as one kind of database takes them. The keys of SQLAlchemy begin with the engine's own dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[1:], value)


_caches: dict[str, SharedCache] = {}


def share() -> None:
    """From now on the stores of this process compile a statement once between them."""
    event.listen(Engine, "engine_connect", _connected)


def _connected(connection: Connection) -> None:
    dialect: Any = connection.dialect
    # Other engines may write JSON in another way, which a compiled statement remembers.
    if dialect._json_serializer is compact_json:
        cache = _caches.setdefault(f"{dialect.name}+{dialect.driver}", SharedCache(2000))
        connection.execution_options(compiled_cache=cache)
