"""Waiting for things outside the test: a condition that becomes true, or a time of day."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

Met = TypeVar("Met")

PATIENCE = 60.0
"""Seconds after which a test that waits fails: a busy machine takes its time, and where all is well nobody waits."""


def wait(met: Callable[[], Met], what: Callable[[], str] | str = "it never came", timeout: float = PATIENCE) -> Met:
    """Asks until the answer is true, and returns it; servers that are not up yet may refuse (OSError)."""
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if answer := met():
                return answer
        assert time.monotonic() < deadline, f"{what if isinstance(what, str) else what()} (waited for {timeout} s)"
        time.sleep(0.02)


async def wait_in_loop(met: Callable[[], Met], what: str = "it never came", timeout: float = PATIENCE) -> Met:  # noqa: ASYNC109  (a test's deadline)
    """The same for what happens in the test's own event loop."""
    deadline = time.monotonic() + timeout
    while not (answer := met()):
        assert time.monotonic() < deadline, f"{what} (waited for {timeout} s)"
        await asyncio.sleep(0.01)
    return answer


def until(at: datetime) -> None:
    """Lets real time pass: IMAP servers stamp mail with whole seconds, so what follows must be a second later."""
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
