"""One supervised loop a mailbox: push hint, poll, pace, back-off, health, seen_until."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from inboxwatch.connector import (
    Batch,
    MailboxError,
    MailConnector,
    Reason,
    Recovers,
    Remarks,
    Reread,
    Rereads,
    Waits,
)
from inboxwatch.core.backoff import Backoff, jittered
from inboxwatch.core.model import MailboxId
from inboxwatch.core.pace import Pace, ReadingOutcome
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.rereading import reread
from inboxwatch.daemon.time_limit import TimeLimit
from inboxwatch.engine import mailbox_health, second_readings
from inboxwatch.engine.ingest import Arrival, Ingested, ingest
from inboxwatch.engine.mailbox_health import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inboxwatch.store.quarantine import SetAside

log = structlog.get_logger(__name__)

BATCH_LIMIT = 300.0
"""Seconds that one batch may take, a turn among a thousand mailboxes of one server included; longer is a hang."""
SLACK = 30.0
"""Seconds that ending a reading may take, and by which a wait for news may last longer than it was asked to."""
BACK_OFF = Backoff(1.0, 300.0)
"""Pauses between attempts that fail."""
LONGEST_REST = 86400.0
"""Seconds that a provider may ask us to stay away; what asks for more is taken for a defect of its clock."""
SHOWN = 3
"""So many messages that cannot be read are named; the board names all."""
FALSE_ALARMS = 3
"""So many hints in a row may bring nothing before they are heeded less and less readily."""

REFUSES = "the server refuses the position at which it was read last, again and again"
REFUSES_HINT = (
    "over IMAP: its folders get a new UIDVALIDITY at each opening; open the mailbox once with a program that may "
    "write, so that the server keeps its numbers"
)


class Meter(Protocol):
    """What a poller counts."""

    def poll_finished(self, connector: str, seconds: float) -> None: ...
    def mailbox_error(self, mailbox: str, reason: str) -> None: ...
    def detected(self, connector: str, lag_seconds: float) -> None: ...
    def paced(self, mailbox: str, seconds: float) -> None: ...
    def backlog(self, mailbox: str, messages: int) -> None: ...


class Poller:
    """Watches one mailbox until cancelled; no failure of its connector ends it."""

    def __init__(self, name: MailboxId, connector: MailConnector, meter: Meter, context: LoopContext) -> None:
        rules, now = context.rules, context.now
        self.name = name
        self._box = box = rules.config.mailboxes[name]
        self._connector = connector
        self._rules = rules
        self._writer = context.writer
        self._meter = meter
        self._now = now
        self._wake = context.wake
        self._one_reading = asyncio.Lock()
        self._asked: asyncio.Task[bool] | None = None
        self._looks: set[asyncio.Task[bool]] = set()
        self._reading = TimeLimit()
        self._hearing = TimeLimit()
        self._pace = Pace.begin(box.poll_every, box.poll_idle, now())
        self._sooner: asyncio.Future[None] | None = None
        """Ends the pause under way."""
        self._vain = 0
        """Hints in a row that brought nothing."""
        self._begun = 0
        """Readings so far."""
        self._failures = 0
        self._told: Reason | None = None
        """Of the failure that was logged: while it lasts, it is not logged again."""
        self._trouble_since = self._rests_from = self._rests_until = now()
        self._chance = random.Random(name)  # noqa: S311  (jitter, not secrecy)
        self.tried = asyncio.Event()
        """Set once the mailbox was tried, whatever came of it."""
        self.healthy = False
        """Whether the last reading came to its end."""

    async def watch(self) -> None:
        self._meter.paced(self.name, self._pace.pause.total_seconds())
        while True:
            pause = await self.poll()
            if pause is None:
                await self._listen(self._jittered(self._pace.pause.total_seconds()))
            else:
                await self._rest(pause)

    async def look(self) -> bool:
        """Reads the mailbox now, before a step leaves; False where it cannot be read.

        All who ask while it is being read share the next reading. A mailbox that rests after a failure is let rest.
        """
        if self._failures and self._rests_from <= self._now() < self._rests_until:
            return False
        if self._asked is None:
            self._asked = asyncio.create_task(self._look())
            self._looks.add(self._asked)
            self._asked.add_done_callback(self._looks.discard)
        return await asyncio.shield(self._asked)

    async def _look(self) -> bool:
        async with self._one_reading:
            self._asked = None  # what comes in from now on, this reading may miss
            was_healthy, pause = self.healthy, self._pace.pause
            await self._poll()
            if self.healthy and (not was_healthy or self._pace.pause < pause):
                self._hurry()
            return self.healthy

    async def poll(self) -> float | None:
        """Reads all that is new. Returns None on success, else how many seconds to pause."""
        async with self._one_reading:
            return await self._poll()

    async def _poll(self) -> float | None:
        begun = time.monotonic()
        self._begun += 1
        log.debug("reading begins", mailbox=self.name)
        try:
            news = await self._read()
        except MailboxError as error:
            return await self._failed(error)
        except TimeoutError:
            return await self._failed(MailboxError(Reason.TIMEOUT, f"no answer within {BATCH_LIMIT:.0f} s"))
        except Exception as error:  # a defect in one connector must not end the daemon; it is reported
            if not self._failures:
                log.exception("poll failed by a defect", mailbox=self.name)
            return await self._failed(MailboxError(Reason.CLIENT, f"defect in the connector: {type(error).__name__}"))
        finally:
            self.tried.set()
        self._meter.poll_finished(self._box.connector, time.monotonic() - begun)
        self._meter.backlog(self.name, 0)
        if self._told is not None:
            log.info("mailbox readable again", mailbox=self.name, failures=self._failures)
        self._failures, self._told = 0, None
        self.healthy = True
        if news:
            self._vain = 0
        self._step(ReadingOutcome.NEWS if news else ReadingOutcome.NOTHING)
        log.debug("reading ends", mailbox=self.name, news=news, pause=self._pace.pause.total_seconds())
        return None

    async def _read(self) -> bool:
        """Takes in all that is new; True where it is news: the past of a mailbox seen for the first time is not."""
        if self._reading.stuck:
            raise MailboxError(
                Reason.TIMEOUT,
                "an earlier reading hangs and cannot be ended",
                hint="restart inboxwatch: nothing is lost",
            )
        cursor, quiet = await self._writer.read(mailbox_health.position, self.name)
        batches = aiter(self._connector.poll(cursor))
        fresh = 0
        try:
            while (batch := await self._reading.run(anext(batches, None), BATCH_LIMIT)) is not None:
                arrival = Arrival(self.name, self._now(), quiet)
                result = await self._writer.write(ingest, self._rules, batch, cursor, arrival)
                if result.stale:
                    log.info("another process reads this mailbox", mailbox=self.name)
                    return False
                cursor = batch.cursor
                if batch.resynced and await self._writer.write(mailbox_health.resynced, self.name, self._now()):
                    raise MailboxError(Reason.PROTOCOL, REFUSES, hint=REFUSES_HINT)
                quiet = quiet or batch.resynced
                fresh += result.fresh
                await self._took(batch, result, quiet)
        finally:
            await self._reading.close(batches, SLACK)
        if quiet:
            await self._writer.write(mailbox_health.first_sight_over, self._rules, self.name, self._now())
        fresh += await self._over()
        if fresh or quiet or not self.healthy:
            self._wake()
        return fresh > 0 and not quiet

    async def _over(self) -> int:
        """After a complete reading: what could not be read before is tried again, and what was nobody's and turned out
        to be a lead's is read again. Returns how much was read.
        """
        connector = self._connector
        remarks = connector.remarks if isinstance(connector, Remarks) else ()
        can = isinstance(connector, Rereads | Recovers)
        due = await self._writer.write(second_readings.read_whole, self._rules, self.name, self._now(), remarks, can)
        if not isinstance(connector, Rereads | Recovers):
            return 0
        read = 0
        while due and (found := await self._reread(connector, due)) is not None:
            now = self._now()
            result = await self._writer.write(second_readings.read_again, self._rules, self.name, due, found, now)
            if result.recovered:
                log.info("messages recovered that had been set aside", mailbox=self.name, count=result.recovered)
            read += len(found.messages)
            if not any(one.recalled for one in due):
                break
            # One lead's mail leads to further mail: all of it is wanted before anybody is paged.
            due = await self._writer.write(second_readings.due, self.name, now)
        return read

    async def _reread(self, connector: Rereads | Recovers, due: Sequence[SetAside]) -> Reread | None:
        """What became of messages that are to be read again; None where they cannot be now."""
        try:
            return await self._reading.run(reread(connector, [one.ref for one in due]), BATCH_LIMIT)
        except (MailboxError, TimeoutError) as error:  # the next poll says what ails the mailbox, if anything does
            reason = error.reason.value if isinstance(error, MailboxError) else Reason.TIMEOUT.value
            words = str(error) or f"no answer within {BATCH_LIMIT:.0f} s"
            log.warning("messages cannot be read again now", mailbox=self.name, reason=reason, error=words)
        except Exception:  # nor does a defect there make the mailbox unreadable; it is logged
            log.exception("messages cannot be read again by a defect", mailbox=self.name)
        return None

    async def _took(self, batch: Batch, result: Ingested, quiet: bool) -> None:
        """Counts a batch that was taken in. One that brings mail is a sign of life, though more is to come."""
        if batch.resynced:
            log.warning("position refused by the server, reading again from the horizon", mailbox=self.name)
        if result.quarantined:
            log.warning(
                "messages set aside: they cannot be read",
                mailbox=self.name,
                count=result.quarantined,
                first=[f"{ref}: {reason}" for ref, reason in result.problems[:SHOWN]],
                see="/mailboxes",
            )
        if batch.remaining is not None:
            self._meter.backlog(self.name, batch.remaining)
        if not quiet:
            for received, seen in result.started:
                self._meter.detected(self._box.connector, max(0.0, (seen - received).total_seconds()))
        if not result.fresh:
            return
        log.info("mail read", mailbox=self.name, messages=result.fresh, remaining=batch.remaining)
        if batch.seen_until is None:
            self._failures = 0
            self._step(ReadingOutcome.PART)
            if not self.healthy:
                await self._writer.write(mailbox_health.reads_on, self._rules, self.name, self._now())

    async def _failed(self, error: MailboxError) -> float:
        self.healthy = False
        now = self._now()
        limited = error.reason is Reason.RATE_LIMITED
        if not self._failures or now < self._trouble_since:  # the clock may have been set back
            self._trouble_since = now
        news = error.reason is not self._told
        self._told = error.reason
        self._failures += 1
        self._meter.mailbox_error(self.name, error.reason.value)
        rest = pause = self._back_off(error)
        if limited:
            self._step(ReadingOutcome.LIMITED)
            pause = max(rest, self._jittered(self._pace.pause.total_seconds()))
        if news:
            log.warning(
                "mailbox held back by its provider" if limited else "mailbox unreadable",
                mailbox=self.name,
                server=self._box.server,
                reason=error.reason.value,
                error=str(error),
                hint=error.hint,
                failures=self._failures,
                again_in=round(pause, 1),
            )
        self._rests_from, self._rests_until = now, now + timedelta(seconds=rest)
        unread = Unreadable(error, self._trouble_since, now + timedelta(seconds=pause))
        await self._writer.write(mailbox_health.failed, self._rules, self.name, unread, now)
        self._wake()
        return pause

    def _back_off(self, error: MailboxError) -> float:
        """Seconds to leave a mailbox alone after a failure, whoever asks. Those refused together come back apart."""
        longest = min(BACK_OFF.longest, max(BACK_OFF.first, self._box.poll_every.total_seconds() * 4))
        pause = longest if error.permanent else min(longest, BACK_OFF.pause(self._failures))
        asked = min(error.retry_after or 0.0, LONGEST_REST)
        return max(self._jittered(pause), jittered(asked, self._chance, 1.0, 1.2))

    def _step(self, event: ReadingOutcome) -> None:
        self._pace = self._pace.after(event, self._now())
        self._meter.paced(self.name, self._pace.pause.total_seconds())

    def _jittered(self, seconds: float) -> float:
        """A little less than was said, and different for each mailbox."""
        return jittered(seconds, self._chance)

    async def _listen(self, seconds: float) -> None:
        """Until the connector hears of mail, at most `seconds`: push is a hint, the poll is the truth."""
        if not isinstance(self._connector, Waits) or self._hearing.stuck:
            await self._rest(seconds)
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        begun = self._begun
        self._sooner = loop.create_future()
        try:
            heard = await self._hearing.run(self._connector.wait(seconds), seconds + SLACK, self._sooner)
            if not heard:
                self._vain = 0
            elif self._begun == begun:  # else a look needed the connection
                self._vain += 1
        except Exception as error:  # whatever ails a hint, the poll goes on; the next one says what is wrong
            if self._sooner.done():
                return
            if not isinstance(error, MailboxError | TimeoutError) and self._vain <= FALSE_ALARMS:
                log.exception("wait failed by a defect", mailbox=self.name)
            heard = True
            self._vain = max(self._vain, FALSE_ALARMS) + 1
        if heard:
            # Servers ban those who come back at once, time and again.
            vain = self._vain - FALSE_ALARMS
            end = min(end, loop.time() + (self._jittered(BACK_OFF.pause(vain))))
        await self._rest(end - loop.time())

    async def _rest(self, seconds: float) -> None:
        """For so long, or until the pause turns out to be too long."""
        if seconds > 0:
            self._sooner = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._sooner}, timeout=seconds)

    def _hurry(self) -> None:
        if self._sooner is not None and not self._sooner.done():
            self._sooner.set_result(None)

    async def aclose(self) -> None:
        """Ends the readings that were asked for; `watch` ends by being cancelled."""
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
