"""Follows the sources of known leads, each by itself: what has changed is taken over, a failure harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from random import Random

import structlog

from inboxwatch.connector import LeadSource, MailboxError, Reason
from inboxwatch.core.backoff import Backoff, jittered
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.time_limit import TimeLimit
from inboxwatch.engine.lead_feeds import Taken, look_failed, looked, position, settle_sources, take_batch, take_list
from inboxwatch.lead_feed import LeadFeed

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
"""How often a source is asked whether it has changed that names no interval."""
BACK_OFF = Backoff(5.0, 900.0)
"""Pauses in seconds after failures in a row."""
LONGEST_REST = 3600.0
"""Seconds for which a source is left alone at most, whatever it asks for."""
BATCH_LIMIT = 300.0
"""Seconds in which a list, or a batch of a feed, must come."""
FIRST_LOOK = 30.0
"""Seconds that mail waits for feeds that were never read to their end, so that it meets their leads."""
NOTED = timedelta(minutes=1)
"""How often looks that find nothing are noted at most."""
SHOWN = 5
"""So many of what is refused are named; `check` names more."""


class LeadSync:
    """Keeps the store's leads as their sources have them. How far each was read is remembered in the store alone."""

    def __init__(self, sources: Mapping[str, LeadSource | LeadFeed], context: LoopContext) -> None:
        self._context = context
        self._followers = {name: _Follower(name, source, context) for name, source in sources.items()}

    async def first(self, limit: float | None = FIRST_LOOK) -> None:
        """Brings the leads in line with the config, and reads every source before mail is: lists to their end, feeds
        that were read before not at all, others for `limit` seconds at most.
        """
        context = self._context
        if changed := await context.writer.write(settle_sources, context.rules, context.now()):
            log.info("leads made anew for the config in force", changed=changed)
        new = [one for one in self._followers.values() if await one.is_new()]
        for one in new:
            one.begun = asyncio.create_task(one.look())
        feeds = {one.begun for one in new if one.is_feed and one.begun}
        lists = {one.begun for one in new if not one.is_feed and one.begun}
        if lists:
            await asyncio.wait(lists)
        if feeds and (await asyncio.wait(feeds, timeout=limit))[1]:
            slow = [one.name for one in new if one.begun in feeds and not one.begun.done()]
            log.warning("mail is read before all leads of these sources are known", sources=slow)

    async def look(self) -> None:
        """Looks at each source once, now."""
        await asyncio.gather(*(one.look() for one in self._followers.values()))

    async def repeat(self) -> None:
        """Goes on until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for one in self._followers.values():
                    group.create_task(one.repeat())
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Ends first looks that go on; `repeat` ends by being cancelled."""
        begun = [one.begun for one in self._followers.values() if one.begun is not None]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


class _Follower:
    """Looks at one source, again and again."""

    def __init__(self, name: str, source: LeadSource | LeadFeed, context: LoopContext) -> None:
        self.name = name
        self.begun: asyncio.Task[float] | None = None
        """The first look, where mail waits for it."""
        self._source = source
        self._context = context
        self._limit = TimeLimit()
        self._failures = 0
        self._told: Reason | None = None
        """The failure that was logged."""
        self._quiet_until = context.now()
        """Until then a look that finds nothing is not noted."""
        self._chance = Random()  # noqa: S311  (spreads load, guards nothing)

    @property
    def is_feed(self) -> bool:
        return isinstance(self._source, LeadFeed)

    @property
    def every(self) -> timedelta:
        every: timedelta = getattr(self._source, "every", EVERY)
        return every

    async def is_new(self) -> bool:
        """Whether mail waits for it: every list, and feeds that nobody has read to their end."""
        if not self.is_feed:
            return True
        name = self.name
        return await self._context.writer.read(lambda tx: tx.lead_sources.get(name).last_success is None)

    async def repeat(self) -> None:
        """Looks on its schedule until cancelled, and seldomer after failures."""
        pause = await self.begun if self.begun is not None else await self.look()
        self.begun = None
        while True:
            await asyncio.sleep(pause)
            pause = await self.look()

    async def look(self) -> float:
        """Reads what has changed; a source that fails keeps what it gave last. Returns the seconds to pause then."""
        context = self._context
        try:
            changed = await self._read(self._source)
        except MailboxError as error:
            return await self._failed(error)
        except TimeoutError:
            return await self._failed(MailboxError(Reason.TIMEOUT, f"no answer within {BATCH_LIMIT:.0f} s"))
        except Exception as error:  # whatever ails a source, or what it gives, must end nothing else
            log.exception("leads unreadable by a defect", source=self.name)
            return await self._failed(MailboxError(Reason.CLIENT, str(error) or type(error).__name__))
        if changed is None:
            log.info("another process reads these leads", source=self.name)
        elif changed or self._told is not None or self._quiet_until <= context.now():
            rules, now = context.rules, context.now()
            self._quiet_until = now + NOTED
            if await context.writer.write(looked, rules, self.name, now, changed=changed) or changed:
                context.wake()
        if self._told is not None:
            log.info("leads readable again", source=self.name)
        self._failures, self._told = 0, None
        return jittered(self.every.total_seconds(), self._chance)

    async def _read(self, source: LeadSource | LeadFeed) -> bool | None:
        """Takes over what is new; None where another worker does. Else whether there was anything."""
        if self._limit.stuck:
            raise MailboxError(Reason.TIMEOUT, "an earlier reading hangs and cannot be ended")
        return await (self._changes(source) if isinstance(source, LeadFeed) else self._list(source))

    async def _changes(self, feed: LeadFeed) -> bool | None:
        context, found = self._context, False
        cursor = await context.writer.read(position, context.rules, self.name)
        batches = feed.changes(cursor)
        try:
            while (batch := await self._limit.run(anext(batches, None), BATCH_LIMIT)) is not None:
                now = context.now()
                taken = await context.writer.write(take_batch, context.rules, self.name, batch, cursor, now)
                if taken is None:
                    return None
                cursor, found = batch.cursor, True
                self._tell(taken, len(batch.rows))
        finally:
            await self._limit.close(batches, BATCH_LIMIT)
        return found

    async def _list(self, source: LeadSource) -> bool | None:
        context = self._context
        version = await context.writer.read(position, context.rules, self.name)
        found = await self._limit.run(source.read(version), BATCH_LIMIT)
        if found is None:
            return False
        now = context.now()
        taken = await context.writer.write(take_list, context.rules, self.name, found, version, now)
        if taken is None:
            return None
        self._tell(taken, len(found.rows))
        return True

    def _tell(self, taken: Taken, rows: int) -> None:
        if rows or taken.changed:
            log.info("leads read", source=self.name, leads=rows, changed=taken.changed, refused=len(taken.refused))
        if taken.refused:
            first = [place for place, _ in taken.refused[:SHOWN]]  # reasons quote rows
            see = "inboxwatch check --json"
            log.warning("leads refused", source=self.name, count=len(taken.refused), first=first, see=see)
        for place, reason in taken.refused:
            log.debug("lead refused", source=self.name, place=place, reason=reason)

    async def _failed(self, error: MailboxError) -> float:
        self._failures += 1
        pause = BACK_OFF.longest if error.permanent else BACK_OFF.pause(self._failures)
        pause = max(jittered(pause, self._chance), min(error.retry_after or 0.0, LONGEST_REST))
        if error.reason is not self._told:
            self._told = error.reason
            log.warning(
                "leads unreadable, the last ones stay in force",
                source=self.name,
                reason=error.reason.value,
                error=str(error),
                hint=error.hint,
                again_in=round(pause, 1),
            )
        context = self._context
        if await context.writer.write(look_failed, context.rules, self.name, error, self.every, context.now()):
            context.wake()
        return pause
