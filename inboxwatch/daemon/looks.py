"""The look before a step: mailboxes are read now, those of this worker here, the others by whoever reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from inboxwatch.engine.look_requests import answer, answers, ask

LIMIT = 60.0
"""Seconds that mailboxes may take to be read before a step is held back."""
OTHERS_LIMIT = 5.0
"""Seconds that a step waits for mailboxes in which an answer is possible, but unlikely."""
AGAIN = 0.25
"""Seconds from one look at what another worker has answered to the next."""


class Looks:
    def __init__(
        self,
        pollers: Mapping[str, Poller],
        shared_out: bool,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        context: LoopContext,
    ) -> None:
        """`pollers` are those of this worker, as they are at each moment; `shared_out`: others may have the others."""
        self._pollers = pollers
        self._shared_out = shared_out
        self._spawn = spawn
        self._context = context
        self._answering: set[str] = set()

    async def look(self, nearest: Iterable[str], others: Iterable[str]) -> bool:
        """Reads mailboxes now; False where one of the nearest cannot be read in time. For the others it waits less."""
        known = self._context.rules.config.mailboxes
        near, far = ({name for name in names if name in known} for names in (nearest, others))
        begun = asyncio.get_running_loop().time()
        besides = self._readings(far - near)
        try:
            async with asyncio.timeout(LIMIT):
                well = all(await asyncio.gather(*self._readings(near)))
        except TimeoutError:
            well = False
        if besides:
            left = begun + OTHERS_LIMIT - asyncio.get_running_loop().time()
            _, slow = await asyncio.wait(besides, timeout=max(0.0, left))
            for task in slow:
                task.cancel()
        return well

    def answer(self, mailboxes: Iterable[str]) -> None:
        """Reads what others have asked for, as far as this worker reads it; what is being answered is let be."""
        for name in (set(mailboxes) & self._pollers.keys()) - self._answering:
            self._answering.add(name)
            self._spawn(self._answer(name, self._pollers[name]))

    async def _answer(self, name: str, poller: Poller) -> None:
        begun = self._context.now()
        try:
            await poller.look()
            await self._context.writer.write(answer, name, begun)
        finally:
            self._answering.discard(name)

    def _readings(self, names: Collection[str]) -> list[asyncio.Task[bool]]:
        here = sorted(name for name in names if name in self._pollers)
        readings = [asyncio.create_task(self._pollers[name].look()) for name in here]
        elsewhere = frozenset(names) - frozenset(here)
        if elsewhere and self._shared_out:
            readings.append(asyncio.create_task(self._ask(elsewhere)))
        return readings

    async def _ask(self, names: frozenset[str]) -> bool:
        """True once all were read since now; False as soon as one could not be."""
        writer, asked = self._context.writer, self._context.now()
        await writer.write(ask, names, asked)
        while True:
            found = await writer.read(answers, names, asked)
            if found.unread:
                return False
            if not found.open:
                return True
            await asyncio.sleep(AGAIN)
