"""Follows the lists of our people: who joins, moves and leaves is taken over on a schedule, by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from inboxwatch.connector import MemberSource
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.directories import directory_unread, stored_members, take_members

log = structlog.get_logger(__name__)

READ_LIMIT = 300.0
"""Seconds that a directory may take to be read."""
SHOWN = 5
"""So many of what is refused are named; `check` names more."""


class DirectorySync:
    """Keeps the store's members as their lists have them; which of them are in force is the daemon's business."""

    def __init__(self, sources: Mapping[str, MemberSource], changed: Callable[[], None], context: LoopContext) -> None:
        """`changed` is called whenever the store's members are not those of the config in force."""
        self._sources = sources
        self._changed = changed
        self._context = context

    async def repeat(self) -> None:
        """Reads each directory at once, and then on its schedule, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in self._sources:
                group.create_task(self._follow(name))

    async def _follow(self, name: str) -> None:
        every = self._context.rules.config.directories[name].every.total_seconds()
        while True:
            await self.once(name)
            await asyncio.sleep(every)

    async def once(self, name: str) -> None:
        """Reads one directory; one that fails keeps the members that it had."""
        context = self._context
        config = context.rules.config
        try:
            async with asyncio.timeout(READ_LIMIT):
                found = await self._sources[name].read()
        except Exception as error:  # noqa: BLE001  (whatever a directory does, nobody may become unwatched by it)
            why = str(error) or f"no answer within {READ_LIMIT:.0f} s"
            log.warning("directory unreadable, its members stay", directory=name, error=why)
            new = await context.writer.write(directory_unread, context.rules, name, why, context.now())
        else:
            new = await context.writer.write(take_members, context.rules, name, found.members, context.now())
            log.info("directory read", directory=name, members=len(found.members), refused=len(found.refused))
            if found.refused:
                places = [place for place, _ in found.refused[:SHOWN]]
                log.warning("members refused; `inboxwatch check` says why", directory=name, first=places)
        if new:
            context.wake()
        if await context.writer.read(stored_members, config) != config.members:
            self._changed()
