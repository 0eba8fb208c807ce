"""Asking a throttling or failing server again, within limits; and telling its failures from those of one message."""

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


async def persistent(ask: Callable[[], Awaitable[Result]], seconds: float, rest: Callable[[], float]) -> Result:
    """Awaits `ask()`, again where it was throttled or a failure may pass, with pauses of at most `seconds` in all.

    None is longer than what `rest()` says then: the seconds for which whoever asks may still sleep.

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
            if error.permanent or not may_pass or pause > min(left, rest()):
                raise
        left -= pause
        await asyncio.sleep(pause)


class Pauses:
    """How long to leave a push alone after it failed: longer each time, as servers ban those who come back at once."""

    def __init__(self, first: float = 1.0, longest: float = 300.0) -> None:
        """Seconds of the first and the longest pause."""
        self._first, self._longest = first, longest
        self.failures = 0

    def next(self) -> float:
        """Seconds; called after a failure."""
        self.failures += 1
        return min(self._longest, self._first * 2.0 ** min(self.failures - 1, 16)) * _chance.uniform(0.75, 1.25)

    def over(self) -> None:
        """It works."""
        self.failures = 0


_ROUNDS = 3


class Unreadable(Exception):  # noqa: N818  (a message's fate, not a defect)
    """The server fails on one message again and again, while it serves others; `error` is what it says."""

    def __init__(self, error: MailboxError) -> None:
        super().__init__(str(error))
        self.error = error


async def despite(ask: Callable[[], Awaitable[Result]], sound: Callable[[], Awaitable[object]]) -> Result:
    """What is asked of one message. Raises Unreadable where the message is to blame for the refusal.

    A refusal of the request is final. A failure of the server is the message's fault only where it comes again each
    time that `sound` has shown the server to be well; a failure of `sound` is the server's.
    """
    tries = 0
    while True:
        try:
            return await ask()
        except MailboxError as error:
            if error.reason is Reason.CLIENT:
                raise Unreadable(error) from error
            if error.reason not in (Reason.SERVER, Reason.PROTOCOL):
                raise
            tries += 1
            if tries > _ROUNDS:
                raise Unreadable(error) from error
        await sound()
