"""An event loop whose time is not the world's: where it would sleep, its clock moves on at once.

Nothing may run on threads meanwhile: what a thread has not done yet counts as never coming.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


class _NoSleep(selectors.SelectSelector):
    def __init__(self, moment: float) -> None:
        super().__init__()
        self.slept, self._moment = 0.0, moment

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everything waits, and nothing is going to happen"
        if self._moment and timeout > 0 and (ready := super().select(self._moment)):
            return ready
        self.slept += max(0.0, timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; `now` is its time of day, which a test may also set.

    What sockets bring within a `moment` (real seconds) comes before time moves on.
    """

    def __init__(self, moment: float = 0.0) -> None:
        self._no_sleep = _NoSleep(moment)
        self.jump = timedelta(0)
        super().__init__(self._no_sleep)

    def time(self) -> float:
        return self._no_sleep.slept

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time()) + self.jump


def run_in_virtual_time(play: Callable[[VirtualTimeLoop], Coroutine[Any, Any, Result]]) -> Result:
    """What a coroutine returns that runs in such a loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualTimeLoop)
        return runner.run(play(loop))
