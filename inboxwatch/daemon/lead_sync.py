"""Follows the lists of known leads: what has changed in a source is taken over, by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from inboxwatch.connector import LeadSource
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.leads import list_version, screen, take_list

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
"""How often lead sources are asked whether they have changed."""
SHOWN = 5
"""So many of what is refused are named; `check` names more."""


class LeadSync:
    """Keeps the store's leads as their sources have them. What was read last is remembered in the store."""

    def __init__(self, sources: Mapping[str, LeadSource], context: LoopContext) -> None:
        self._sources = sources
        self._rules = context.rules
        self._writer = context.writer
        self._now = context.now
        self._unreadable: set[str] = set()
        """Sources whose failure was logged."""

    async def once(self) -> None:
        """Reads every source that has changed; one that fails keeps the list it gave last."""
        for name, source in self._sources.items():
            await self._read(name, source)

    async def repeat(self) -> None:
        """Goes on until cancelled."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            await self.once()

    async def _read(self, name: str, source: LeadSource) -> None:
        version = await self._writer.read(list_version, name)
        try:
            found = await source.read(version)
        except Exception as error:  # noqa: BLE001  (a broken lead list must not end the daemon; the old list stays)
            if name not in self._unreadable:
                self._unreadable.add(name)
                log.warning("leads unreadable, the last list stays in force", source=name, error=str(error))
            return
        self._unreadable.discard(name)
        if found is None:
            return
        usable = screen(self._rules.config, found)
        changed = await self._writer.write(take_list, self._rules, name, usable.leads, found.version, self._now())
        refused = usable.refused
        log.info("leads read", source=name, leads=len(usable.leads), changed=changed, refused=len(refused))
        if refused:
            first = [place for place, _ in refused[:SHOWN]]  # reasons quote rows
            see = "inboxwatch check --json"
            log.warning("leads refused", source=name, count=len(refused), first=first, see=see)
        if usable.ownerless:
            count, owners = sum(usable.ownerless.values()), list(usable.ownerless)[:SHOWN]
            log.warning("leads whose owner is no person of the config", source=name, count=count, first=owners)
        for place, reason in refused:
            log.debug("lead refused", source=name, place=place, reason=reason)
