"""Steps of somebody else's code, each within a limit that holds even where the step ignores it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

TIDYING = 2.0
"""Seconds that a step has to end once it is cancelled."""

Result = TypeVar("Result")


class TimeLimit:
    """Runs steps; one that does not even end when cancelled is left behind, and `stuck` says so until it does."""

    def __init__(self) -> None:
        self._left: set[asyncio.Future[Any]] = set()

    @property
    def stuck(self) -> bool:
        return bool(self._left)

    async def run(self, step: Awaitable[Result], seconds: float, unless: asyncio.Future[None] | None = None) -> Result:
        """What the step returns or raises; TimeoutError after `seconds`, or as soon as `unless` is done.

        RuntimeError where the step ends as cancelled though nobody cancelled it: passed on, that would end the caller's
        task without a word.
        """
        task = asyncio.ensure_future(step)
        awaited: set[asyncio.Future[Any]] = {task} if unless is None else {task, unless}
        try:
            await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                raise RuntimeError("the step was cancelled from within")
        finally:
            if not task.done():
                await self._end(task)
        if not task.done() or task.cancelled():
            raise TimeoutError
        return task.result()

    async def close(self, steps: AsyncIterator[Any], seconds: float) -> None:
        """Ends steps of which no more are wanted, so that what they hold is free; one that is stuck cannot be ended."""
        if isinstance(steps, AsyncGenerator) and not self.stuck:
            try:
                await self.run(steps.aclose(), seconds)
            except Exception:  # a defect in tidying up; what was read is safe, and what went wrong before is reported
                log.exception("a reading was not ended cleanly")

    async def _end(self, task: asyncio.Future[Any]) -> None:
        self._left.add(task)
        task.add_done_callback(self._ended)
        task.cancel()
        await asyncio.wait({task}, timeout=TIDYING)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more
