"""Runs what one config makes: connectors, channels and their loops, all of them supervised."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import structlog

from inboxwatch.config import Config
from inboxwatch.connector import Expires, LeadSource, MailConnector, MemberSource, Reading
from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.clock_watch import ClockWatch
from inboxwatch.daemon.direct_notice import DirectNotice
from inboxwatch.daemon.directory_sync import DirectorySync
from inboxwatch.daemon.housekeeping import Housekeeping
from inboxwatch.daemon.lead_sync import LeadSync
from inboxwatch.daemon.looks import Looks
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.mailbox_loops import MailboxLoops
from inboxwatch.daemon.poller import Poller
from inboxwatch.daemon.reload_summary import SEE, left
from inboxwatch.daemon.scheduler import Scheduler
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.store_alert import StoreAlert
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.alarms import Access
from inboxwatch.engine.clock_jump import begin_again
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.delivery.settle import sweep
from inboxwatch.engine.departures import settle_departures
from inboxwatch.engine.loaded_config import note_config
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.engine.policies import prepare
from inboxwatch.engine.rules import Rules
from inboxwatch.lead_feed import LeadFeed
from inboxwatch.notify import Channel, Interactive
from inboxwatch.notify.links import Links
from inboxwatch.store import Store

log = structlog.get_logger(__name__)

CLOCK = "it was set back, or was wrong then; timedatectl shows whether it is set by NTP"
IDLE = 30.0
"""Seconds after which the clocks are looked at unasked."""
DRAIN = 3.0
"""Seconds that a message on its way has to leave at a clean stop."""


class Supervised(DaemonPort, Protocol):
    """The daemon as its loops see it."""

    store: Store
    writer: Writer
    settled: Callable[[], None]
    """Called once what the config makes is in memory."""
    worker: int | None
    """The number of this process among several; None where it is the only one."""

    def reads(self, mailbox: MailboxId) -> bool:
        """Whether this worker reads a mailbox now."""
        ...

    def fail(self, error: BaseException) -> None:
        """A loop has ended by a defect."""
        ...

    def members_changed(self) -> None:
        """The store's members of directories are others than those in force."""
        ...


class Supervisor:
    """The running parts that one config makes."""

    def __init__(self, daemon: Supervised, config: Config) -> None:
        """Makes connectors and channels; no IO yet."""
        self.config = config
        self.channels: dict[str, Channel] = {name: one.connect() for name, one in config.channels.items()}
        self.rules = Rules.of(config, self.channels)
        self._reading = Reading(privacy=config.privacy, since=daemon.now() - config.look_back)
        self.connectors: dict[MailboxId, MailConnector] = {name: self._connect(name) for name in config.mailboxes}
        self.sources: dict[str, LeadSource | LeadFeed] = {name: one.connect() for name, one in config.leads.items()}
        self.directories = {name: one.connect() for name, one in config.directories.items()}
        self.senders: dict[str, Sender] = {}
        self._daemon = daemon
        self._due = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._loops: asyncio.Task[None] | None = None
        self._context = LoopContext(self.rules, daemon.writer, daemon.now, self.wake)
        self._mailboxes = MailboxLoops(self.connectors, self._connect, daemon.metrics, self._context)
        self._looks = Looks(self.pollers, daemon.store.shared, self._spawn, self._context)
        self._alert = StoreAlert(self.rules, self.channels, daemon.now)
        self.direct = DirectNotice(self.rules, self.channels, daemon.now)
        """Reaches IT past the outbox."""

    async def start(self) -> None:
        """Starts every loop; the leads are read first, so that the first mail meets them."""
        daemon, rules = self._daemon, self.rules
        daemon.writer.on_outage = self._alert.store_away
        await daemon.writer.write(prepare, rules)
        actions, links = NoticeActions(daemon), Links(daemon.key, self.config.web.url)
        for name, channel in self.channels.items():
            if isinstance(channel, Interactive):
                await channel.start(actions, links)
            self.senders[name] = Sender(name, channel, self._looks.look, self._context, daemon.worker)
        if behind := await daemon.writer.write(begin_again, rules, daemon.now()):
            log.warning("the clock is behind the last run", seconds=round(behind.total_seconds()), hint=CLOCK)
        await daemon.writer.write(sweep, rules, daemon.now())
        if gone := await daemon.writer.write(settle_departures, rules, daemon.now()):
            log.warning("open waits needed what the config no longer names", **left(gone), see=SEE)
        await daemon.writer.write(note_config, rules)
        leads = LeadSync(self.sources, self._context)
        await leads.first()
        daemon.settled()
        started = asyncio.Event()
        self._loops = asyncio.create_task(self._supervise([leads.repeat(), *self._duties()], started.set))
        self._loops.add_done_callback(self._ended)
        await started.wait()
        await self.share()

    async def share(self) -> None:
        """Reads the mailboxes that are this worker's now, and no others."""
        wanted = {name for name in self.config.mailboxes if self._daemon.reads(name)}
        await self._mailboxes.end(self.pollers.keys() - wanted)
        fresh = wanted - self.pollers.keys()
        self._mailboxes.begin([name for name in self.connectors if name in fresh], self._spawn)

    def answer(self, mailboxes: Iterable[str]) -> None:
        """Reads mailboxes that another worker wants to be read now."""
        self._looks.answer(mailboxes)

    def _connect(self, mailbox: MailboxId) -> MailConnector:
        return self.config.mailboxes[mailbox].connect(self._reading)

    def _duties(self) -> Iterable[Coroutine[Any, Any, None]]:
        for sender in self.senders.values():
            yield sender.deliver()
        yield self._schedule()
        if self.directories:
            yield DirectorySync(self.directories, self._daemon.members_changed, self._context).repeat()
        yield ClockWatch(self._context).repeat()
        yield Housekeeping(self._daemon.store.file, self._accesses, self._context).repeat()

    async def _supervise(self, loops: Iterable[Coroutine[Any, Any, None]], started: Callable[[], None]) -> None:
        """Runs the loops until cancelled; where one ends by a defect, all end."""
        async with self._group:
            for loop in loops:
                self._group.create_task(loop)
            started()

    def _ended(self, loops: asyncio.Task[None]) -> None:
        if not loops.cancelled() and (error := loops.exception()) is not None:
            self._daemon.fail(error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._group.create_task(work)

    def _accesses(self) -> list[Access]:
        lists = [
            Access(None, name, one.expires_at) for name, one in self.directories.items() if isinstance(one, Expires)
        ]
        return self._mailboxes.accesses + lists

    @property
    def pollers(self) -> dict[str, Poller]:
        """By mailbox, those of this worker."""
        return self._mailboxes.pollers

    @property
    def tried(self) -> set[str]:
        """The mailboxes of this worker that were tried at least once."""
        return self._mailboxes.tried

    def wake(self) -> None:
        """Says that clocks or deliveries may be due."""
        self._due.set()
        for sender in self.senders.values():
            sender.wake()

    async def _schedule(self) -> None:
        """Evaluates clocks whenever one is due or something has changed."""
        daemon = self._daemon
        scheduler = Scheduler(self._looks.look, self._spawn, self._context)
        while True:
            self._due.clear()
            if await scheduler.once():
                continue
            wake = await scheduler.next_wake()
            seconds = IDLE if wake is None else min(IDLE, max(0.0, (wake - daemon.now()).total_seconds()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._due.wait()

    async def stop(self) -> None:
        """Lets messages on their way leave, then ends every loop and session."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                for sender in self.senders.values():
                    await sender.sending.acquire()
        loops = [self._loops] if self._loops is not None else []
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, self._mailboxes.aclose(), return_exceptions=True)
        await self._alert.aclose()
        closing: list[MailConnector | Channel | LeadSource | LeadFeed | MemberSource] = [
            *self.connectors.values(),
            *self.channels.values(),
        ]
        closing += [*self.sources.values(), *self.directories.values()]
        if closing:
            await asyncio.wait([asyncio.ensure_future(one.aclose()) for one in closing], timeout=1)
