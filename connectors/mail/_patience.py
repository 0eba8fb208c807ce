"""Asking a throttling or failing server again, within limits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from inboxwatch.connector import MailboxError, Reason

_FIRST = 0.2
"""Seconds before the second try; each further pause is twice as long."""
_TRIES = 3
"""Of a server that fails or cannot be reached. One that throttles is waited for as long as patience lasts."""
_PASSING = {Reason.SERVER, Reason.UNAVAILABLE}

Result = TypeVar("Result")

_chance = random.Random()  # noqa: S311  (jitter, not secrecy)


async def persistent(ask: Callable[[], Awaitable[Result]], seconds: float) -> Result:
    """Awaits `ask()`, again where it was throttled or a failure may pass, with pauses of at most `seconds` in all.

    The provider's `retry_after` is honoured; our own pauses grow beneath it, for some always say one second.
    """
    left = seconds
    tries = 0
    while True:
        tries += 1
        try:
            return await ask()
        except MailboxError as error:
            pause = max(_FIRST * 2 ** (tries - 1) * _chance.uniform(0.75, 1.25), error.retry_after or 0.0)
            may_pass = error.reason is Reason.RATE_LIMITED or (error.reason in _PASSING and tries < _TRIES)
            if error.permanent or not may_pass or pause > left:
                raise
        left -= pause
        await asyncio.sleep(pause)
