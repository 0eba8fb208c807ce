"""The one place where the time is asked for; everywhere else it is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]
"""Gives the present instant (UTC)."""


def now() -> datetime:
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """An instant as `2026-05-04T09:30:00Z`, with microseconds only where it has any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
