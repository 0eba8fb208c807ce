"""Notices that the machine's time of day has jumped: set by hand or by NTP, or gone on while the machine slept."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.clock_jump import JUMP, clock_jumped

log = structlog.get_logger(__name__)

EVERY = 10.0
"""Seconds from one look to the next."""


class ClockWatch:
    """Compares the time of day with the loop's own clock, which nobody sets and which stands still in sleep.

    Pauses of the program are measured by the loop; the time of day decides about waits, as mail servers and people
    reckon by it.
    """

    def __init__(self, context: LoopContext) -> None:
        self._context = context
        self._begun = context.now()

    async def repeat(self) -> None:
        """Goes on until cancelled."""
        before = self._ahead()
        while True:
            await asyncio.sleep(EVERY)
            ahead = self._ahead()
            jump, before = ahead - before, ahead
            if abs(jump) >= JUMP:
                await self._tell(jump)

    async def _tell(self, jump: timedelta) -> None:
        context = self._context
        log.warning(
            "the machine's clock has jumped",
            seconds=round(jump.total_seconds()),
            hint="timedatectl shows whether it is set by NTP; a machine that slept has its clock put forward",
        )
        await context.writer.write(clock_jumped, context.rules, jump, context.now())
        context.wake()

    def _ahead(self) -> timedelta:
        """How far the time of day is ahead of the loop's clock."""
        return self._context.now() - self._begun - timedelta(seconds=asyncio.get_running_loop().time())
