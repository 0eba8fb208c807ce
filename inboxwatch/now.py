"""The one place where the time is asked for; everywhere else it is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]
"""Gives the present instant (UTC)."""


def now() -> datetime:
    return datetime.now(UTC)
