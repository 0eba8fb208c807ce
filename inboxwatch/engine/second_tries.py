"""When what could not be read is tried again: with growing pauses, so often and no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxwatch.core.backoff import Backoff

PAUSES = Backoff(300.0, 86400.0)
"""Between the tries of one message."""
TRIES = 12
"""After so many, in five days, a message is given up: it stays listed. A backfill that can read it still files it."""
SHARE = 50
"""So many messages of a mailbox are tried at one time."""


def next_try(tries: int, now: datetime) -> datetime | None:
    """When a message that was tried again so often is tried next; None: it is given up."""
    return None if tries >= TRIES else now + timedelta(seconds=PAUSES.pause(tries + 1))
