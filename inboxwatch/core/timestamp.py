"""How an instant is written for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def rfc3339(at: datetime) -> str: ...
@overload
def rfc3339(at: None) -> None: ...
@overload
def rfc3339(at: datetime | None) -> str | None: ...
def rfc3339(at: datetime | None) -> str | None:
    """An instant as `2026-05-04T09:30:00Z`, with microseconds only where it has any; None stays None."""
    if at is None:
        return None
    return f"{(at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()[:-6]}Z"
