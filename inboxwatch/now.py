"""The one place where the time is asked for; everywhere else it is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]
"""Gives the present instant (UTC)."""

_ahead = timedelta(0)


def now() -> datetime:
    return machine_now() - _ahead


def machine_now() -> datetime:
    """The present instant as this machine has it."""
    return datetime.now(UTC)


def machine_is_ahead(by: timedelta) -> None:
    """Says how wrong this machine's clock is: workers that share a store must agree what time it is."""
    global _ahead
    _ahead = by
