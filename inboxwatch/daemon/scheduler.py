"""Wakes clocks when they are due, and looks into mailboxes before anybody is notified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.evaluate import evaluate_due
from inboxwatch.engine.visibility import Unread

Look = Callable[[Iterable[str], Iterable[str]], Awaitable[bool]]
"""Reads mailboxes now, the nearest and others; False where one of the nearest cannot be read."""
Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine beside the loop."""


class Scheduler:
    """Level-triggered: any number of evaluations, early or late, notify of each step once."""

    def __init__(self, look: Look, spawn: Spawn, context: LoopContext) -> None:
        self._rules = context.rules
        self._writer = context.writer
        self._look = look
        self._now = context.now
        self._spawn = spawn
        self._wake = context.wake
        self._looking: set[str] = set()
        """Clocks whose mailboxes are being read right now."""

    async def once(self) -> bool:
        """Brings due clocks up to date; True where more may be due at once."""
        done = await self._writer.write(evaluate_due, self._rules, self._now(), skip=frozenset(self._looking))
        if done.notified or done.stopped:
            self._wake()
        if done.look:
            self._looking |= set(done.look)
            together: dict[Unread, set[str]] = {}
            for clock, unread in done.look.items():
                together.setdefault(unread, set()).add(clock)
            for unread, clocks in together.items():
                self._spawn(self._look_then_evaluate(unread, clocks))
        return bool(done.look or done.notified)

    async def next_wake(self) -> datetime | None:
        """When the next clock is due."""
        return await self._writer.read(lambda tx: tx.clocks.next_wake(frozenset(self._looking)))

    async def _look_then_evaluate(self, unread: Unread, clocks: set[str]) -> None:
        """Waits for these mailboxes only: one that hangs holds back nobody else's steps."""
        asked = self._now()
        try:
            await self._look(unread.nearest, unread.others)
            await self._writer.write(evaluate_due, self._rules, self._now(), only=frozenset(clocks), looked=asked)
        finally:
            self._looking -= clocks
            self._wake()
