"""Telling a server's failures from those of a single message, which must not stop the messages behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from inboxwatch.connector import MailboxError, Reason

_TRIES = 4

Result = TypeVar("Result")


class UnreadableMessage(Exception):  # noqa: N818  (a message's fate, not a defect)
    """The server fails on one message again and again, while it serves others; `error` is what it says."""

    def __init__(self, error: MailboxError) -> None:
        super().__init__(str(error))
        self.error = error


async def read_one(ask: Callable[[], Awaitable[Result]], check_server: Callable[[], Awaitable[object]]) -> Result:
    """The answer to a request about one message. Raises UnreadableMessage where the message is to blame for a refusal.

    A refusal of the request is final. A failure of the server is blamed on the message only where it comes again each
    time that `check_server` has shown the server to work; what `check_server` raises is the server's failure.
    """
    failures = 0
    while True:
        try:
            return await ask()
        except MailboxError as error:
            if error.reason is Reason.CLIENT:
                raise UnreadableMessage(error) from error
            if error.reason not in (Reason.SERVER, Reason.PROTOCOL):
                raise
            failures += 1
            if failures == _TRIES:
                raise UnreadableMessage(error) from error
        await check_server()
