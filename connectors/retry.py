"""Asking a throttling or failing server again, within limits; and pauses between attempts to restore a push."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.backoff import Backoff, jittered

_RETRIES = Backoff(first=0.2, longest=300.0)
_TRIES = 3
"""Of a server that fails or cannot be reached. One that throttles is asked again as long as the time allows."""
_PASSING = {Reason.SERVER, Reason.UNAVAILABLE}
_PUSHES = Backoff(first=1.0, longest=300.0)
_JITTER = (0.75, 1.25)

Result = TypeVar("Result")

_chance = random.Random()  # noqa: S311  (jitter, not secrecy)


async def retried(ask: Callable[[], Awaitable[Result]], seconds: float, rest: Callable[[], float]) -> Result:
    """Awaits `ask()`, again where it was throttled or a failure may pass, with pauses of at most `seconds` in all.

    No pause is longer than what `rest()` says at that moment: the seconds for which the caller may still sleep. The
    provider's `retry_after` is honoured; our own pauses grow beneath it, for some servers always say one second.

    Raises the last MailboxError where it is permanent, cannot pass, or would need a longer pause.
    """
    left = seconds
    tries = 0
    while True:
        tries += 1
        try:
            return await ask()
        except MailboxError as error:
            pause = max(jittered(_RETRIES.pause(tries), _chance, *_JITTER), error.retry_after or 0.0)
            may_pass = error.reason is Reason.RATE_LIMITED or (error.reason in _PASSING and tries < _TRIES)
            if error.permanent or not may_pass or pause > min(left, rest()):
                raise
        left -= pause
        await asyncio.sleep(pause)


class PushBackoff:
    """How long to leave a push alone after failures in a row: servers ban clients that come back at once."""

    def __init__(self, backoff: Backoff = _PUSHES) -> None:
        self._backoff = backoff
        self.failures = 0
        """In a row, so far."""

    def failed(self) -> float:
        """Counts a failure; returns the seconds to pause."""
        self.failures += 1
        return jittered(self._backoff.pause(self.failures), _chance, *_JITTER)

    def succeeded(self) -> None:
        """The next failure counts as the first."""
        self.failures = 0
