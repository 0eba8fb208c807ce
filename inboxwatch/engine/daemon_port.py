"""What the web and the buttons of notices need of the daemon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import Metrics
from inboxwatch.store import Transaction

P = ParamSpec("P")
R = TypeVar("R")


class DaemonPort(Protocol):
    """The daemon as those see it who answer people; `rules` are those in force, also after a reload."""

    metrics: Metrics

    @property
    def rules(self) -> Rules: ...

    @property
    def key(self) -> bytes:
        """The secret for signatures that must outlive a restart."""
        ...

    @property
    def former_key(self) -> tuple[bytes, datetime] | None:
        """The secret before it, and until when links that it signed stay valid."""
        ...

    @property
    def outage(self) -> str | None:
        """The driver's words while the store cannot be used; None while it can."""
        ...

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def ready(self) -> bool:
        """True once the store is migrated and every mailbox was tried once."""
        ...

    async def reload(self) -> list[str]:
        """Takes over the config file as it is now, all or nothing. Returns its problems."""
        ...

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Does one use case in one transaction, on the thread that writes. Raises Outage after some seconds of one."""
        ...

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Asks on a consistent view of the store, in another thread. Raises Outage."""
        ...
