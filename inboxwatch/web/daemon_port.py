"""What the web needs of the daemon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from inboxwatch.config import Config
from inboxwatch.engine import Engine
from inboxwatch.metrics import Metrics
from inboxwatch.store import Transaction

P = ParamSpec("P")
R = TypeVar("R")


class Gate(Protocol):
    """The daemon as its web part sees it; `config` and `engine` are those in force, also after a reload."""

    config: Config
    engine: Engine
    metrics: Metrics

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def ready(self) -> bool:
        """True once the store is migrated and every mailbox was tried once."""
        ...

    async def reload(self) -> list[str]:
        """Takes over the config file as it is now, all or nothing. Returns its problems."""
        ...

    async def run(self, unit: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Does one unit of work on the engine's own thread."""
        ...

    async def read(self, query: Callable[[Transaction], R], /) -> R:
        """Asks on a consistent view of the store, in another thread."""
        ...
