"""The daemon: serves the web, supervises what its config makes, reloads it, ends it cleanly."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from aiohttp import web as aiohttp_web

from inboxwatch import __version__
from inboxwatch import config as configuration
from inboxwatch.config import Config, ConfigError
from inboxwatch.config.changes import changes
from inboxwatch.config.members import with_members
from inboxwatch.core.model import MailboxId
from inboxwatch.core.shards import SHARDS, shard_of
from inboxwatch.daemon import systemd
from inboxwatch.daemon.gc_tuning import collect_seldom
from inboxwatch.daemon.logs import set_areas
from inboxwatch.daemon.reload_summary import SEE, left, summary
from inboxwatch.daemon.shard_keeper import ShardKeeper
from inboxwatch.daemon.supervisor import Supervisor
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.audit import RELOAD, Attempt, AuditOutcome, Door, note
from inboxwatch.engine.departures import departures
from inboxwatch.engine.directories import stored_members
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.starts import WINDOW, begin_run, end_run
from inboxwatch.engine.workers import enter, free_claims
from inboxwatch.metrics import Metrics
from inboxwatch.notify import alarm_messages
from inboxwatch.now import Now, machine_is_ahead
from inboxwatch.now import now as utc_now
from inboxwatch.store import Outage, Store, StoreError, Transaction
from inboxwatch.store.one_daemon import OneDaemon
from inboxwatch.web import make_app
from inboxwatch.web.connections import AT_ONCE, Runner

log = structlog.get_logger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class App:
    """One daemon over one store; a DaemonPort."""

    def __init__(
        self, path: Path, config: Config, now: Now = utc_now, settled: Callable[[], None] = collect_seldom
    ) -> None:
        """`path` is where `config` was loaded from and is reloaded from. Raises StoreError.

        `settled` is called once what a config makes is in memory. Its default tunes the whole process, which a daemon
        has for itself.
        """
        self.path = path
        self.now = now
        self.settled = settled
        url = config.store_url.reveal()
        self._alone = OneDaemon(url)
        try:
            self.store = Store(url)
        except StoreError:
            self._alone.close()
            raise
        self.writer = Writer(self.store)
        self.metrics = Metrics()
        self._written = config
        """As the file has it, without members of directories."""
        self.supervisor = Supervisor(self, self._joined(config))
        set_areas(config.log)
        self.metrics.watch(self)
        self.metrics.reloaded(True)
        self._stop = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._joining: asyncio.Task[None] | None = None
        self._members_due = False
        self.worker: int | None = None
        """Its number among several that share the store."""
        self._keeper: ShardKeeper | None = None
        self._freeing: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._tried: set[str] = set()
        self.port = 0
        """The port that the web listens on, once it does."""

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.supervisor.rules

    @property
    def config(self) -> Config:
        """The config in force."""
        return self.supervisor.config

    @property
    def key(self) -> bytes:
        """The secret for signatures that must outlive a restart."""
        return self.store.key

    @property
    def former_key(self) -> tuple[bytes, datetime] | None:
        return self.store.former_key

    @property
    def outage(self) -> str | None:
        """The driver's words while the store cannot be used."""
        return self.writer.outage

    async def serve(self, started: Callable[[App], None] | None = None) -> None:
        """Runs until told to stop; then drains."""
        runner = Runner(make_app(self), lambda: self.config.web)
        await runner.setup()
        listen = self.config.web.listen
        life = asyncio.create_task(systemd.show_life())
        try:
            site = aiohttp_web.TCPSite(runner, listen.host, listen.port, backlog=AT_ONCE)
            await site.start()
            self.port = runner.addresses[0][1]
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
            loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self._hang_up()))
            await self._begin()
            await self._enter()
            await self.supervisor.start()
            await self._join()
            log.info(
                "started", mailboxes=len(self.config.mailboxes), channels=len(self.config.channels), port=self.port
            )
            systemd.tell(READY=1, STATUS=f"watching {len(self.config.mailboxes)} mailboxes")
            if started is not None:
                started(self)
            await self._stop.wait()
        finally:
            log.info("stopping")
            systemd.tell(STOPPING=1)
            if self._joining is not None:
                self._joining.cancel()
                await asyncio.gather(self._joining, return_exceptions=True)
            await self._leave()
            await self.supervisor.stop()
            await runner.cleanup()
            await self._end()
            if self._keeper is not None:
                await self._keeper.aclose()
            life.cancel()
            self.writer.close()
            self.store.close()
            self._alone.close()
            log.info("stopped")
        if self._failure is not None:
            raise self._failure

    async def _begin(self) -> None:
        """Notes the start; a crash loop is told at once, for this run may not live to empty the outbox."""
        loop = await self.writer.write(begin_run, platform.node(), self.now())
        await self.writer.write(note, self.rules, Attempt(Door.START, RELOAD), self.now())
        if loop is not None:
            minutes = int(WINDOW.total_seconds() // 60)
            log.error("the daemon ends again and again", ends=loop.ends, minutes=minutes, defect=loop.error)
            title = alarm_messages.crash_loop(ends=loop.ends, minutes=minutes, words=self.rules.words)
            await self.supervisor.direct.send("crash-loop", title, loop.error)

    async def _enter(self) -> None:
        """Lets the other workers of a store that is shared see that this one lives."""
        if self.store.shared:
            name = f"{platform.node()}/{os.getpid()}"
            self.worker = number = await self.writer.write(enter, name, __version__, self.now())
            self._keeper = ShardKeeper(self.store.locks(number), number, self)
            await self._keeper.open()

    async def _join(self) -> None:
        """Takes its share of the mailboxes, and keeps it."""
        if self._keeper is not None:
            await self._keeper.join()
            self._keeping = asyncio.create_task(self._keeper.repeat())
            self._keeping.add_done_callback(self._kept)

    def _kept(self, keeping: asyncio.Task[None]) -> None:
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            self.fail(error)

    async def _leave(self) -> None:
        """Hands its share over at once, before messages on their way have left."""
        if self._keeping is not None and self._keeper is not None:
            ending = [self._keeping] if self._freeing is None else [self._keeping, self._freeing]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self._keeper.leave()

    def reads(self, mailbox: MailboxId) -> bool:
        """Whether this worker reads a mailbox: the only one reads them all."""
        return self._keeper.reads(mailbox) if self._keeper is not None else True

    async def share(self) -> None:
        """Reads the mailboxes that are this worker's now, and no others."""
        try:
            async with self._reloading:
                await self.supervisor.share()
        except Exception as error:  # noqa: BLE001  (whoever waits for it goes on after some seconds: end loudly)
            self.fail(error)

    def answer(self, mailboxes: list[str]) -> None:
        """Reads mailboxes that another worker wants to be read now."""
        self.supervisor.answer(mailboxes)

    def shared_out(self, workers: int, shards: int, unread: int) -> None:
        """Shows how the workers share the mailboxes."""
        self.metrics.shared_out(workers, shards, unread)

    def machine_is_ahead(self, by: timedelta) -> None:
        """Reckons by the database's clock, as all workers do."""
        machine_is_ahead(by)

    def free_claims(self) -> None:
        """Gives back what workers had claimed that live no more; the store may be away meanwhile."""
        if self.worker is not None and (self._freeing is None or self._freeing.done()):
            self._freeing = asyncio.create_task(self._free_claims(self.worker))

    async def _free_claims(self, worker: int) -> None:
        try:
            if freed := await self.writer.write(free_claims, worker, self.now()):
                log.info("deliveries of a worker that is no more are sent by others", deliveries=freed)
                self.supervisor.wake()
        except Exception as error:  # noqa: BLE001  (nobody waits for this task: end loudly, as for a loop)
            self.fail(error)

    async def _end(self) -> None:
        """Notes how the run ends; a store that is away must not keep it from ending."""
        defect = _place(self._failure) if self._failure is not None else None
        try:
            await self.writer.write_once(end_run, platform.node(), defect)
        except Outage as error:
            log.warning("the end of this run could not be noted", error=str(error))

    async def _hang_up(self) -> None:
        """Reloads at a signal, which bears no name."""
        problems = await self.reload()
        outcome = AuditOutcome.REFUSED if problems else AuditOutcome.DONE
        try:
            await self.write(note, self.rules, Attempt(Door.SIGNAL, RELOAD), self.now(), outcome=outcome)
        except Outage as error:
            log.warning("the reload could not be noted", error=str(error))

    def stop(self) -> None:
        self._stop.set()

    def fail(self, error: BaseException) -> None:
        """A loop of the program's own has ended by a defect: better to stop loudly than to watch half the mailboxes."""
        log.error("a loop has ended by a defect", exc_info=error)
        self._failure = error
        self._stop.set()

    async def reload(self) -> list[str]:
        """Takes over the config file as it is now, all or nothing. Returns its problems; none: it is in force."""
        async with self._reloading:
            try:
                config = await asyncio.to_thread(configuration.load, self.path)
                problems = self._fixed(config)
                supervisor = await self._supervisor(config) if not problems else self.supervisor
            except ConfigError as error:
                problems = [str(problem) for problem in error.problems]
            if problems:
                self.metrics.reloaded(False)
                log.error("config not reloaded, the old one stays in force", problems=problems)
                return problems
            differences = summary(changes(self._written, config))
            self._written = config
            await self._take_over(supervisor)
            self.metrics.reloaded(True)
            log.info("config reloaded", **differences)
            return []

    def members_changed(self) -> None:
        """Takes over who has joined, moved or left, as a reload would."""
        self._members_due = True
        if self._joining is None or self._joining.done():
            self._joining = asyncio.get_running_loop().create_task(self._take_over_members())

    async def _take_over_members(self) -> None:
        while self._members_due:
            self._members_due = False
            async with self._reloading:
                try:
                    supervisor = await self._supervisor(self._written)
                    if supervisor.config.members != self.config.members:
                        await self._take_over(supervisor)
                        log.info("members taken over", mailboxes=len(self.config.mailboxes))
                except Outage as error:
                    log.warning("members not taken over yet", error=str(error))
                except Exception as error:  # noqa: BLE001  (nobody waits for this task: end loudly, as for a loop)
                    self.fail(error)

    async def _supervisor(self, written: Config) -> Supervisor:
        """The running parts of a config and its members, not started yet."""
        return Supervisor(self, await asyncio.to_thread(self._joined, written))

    def _joined(self, written: Config) -> Config:
        """A config with the members of its directories as the store has them."""
        if not written.directories:
            return written
        with self.store.reading() as tx:
            config = with_members(written, stored_members(tx, written))
        for known, why in config.unusable_members:
            log.warning("member not taken", directory=known.directory, person=known.person, reason=why)
        return config

    async def _take_over(self, supervisor: Supervisor) -> None:
        if gone := await self.read(departures, supervisor.rules, self.now()):
            log.warning("open waits need what the new config no longer names", **left(gone), see=SEE)
        await self.supervisor.stop()
        self.supervisor = supervisor
        set_areas(self.config.log)
        await supervisor.start()
        systemd.tell(STATUS=f"watching {len(self.config.mailboxes)} mailboxes")

    def _fixed(self, config: Config) -> list[str]:
        """What only a restart can change."""
        problems = []
        if config.web.listen != self.config.web.listen:
            problems.append("web.listen: restart the daemon to listen on another address")
        if config.store_url != self.config.store_url:
            problems.append("store.url: restart the daemon to use another store")
        return problems

    def ready(self) -> bool:
        """True once the store is migrated and every mailbox was tried once, before or after a reload.

        Of several workers each tries those of its first share.
        """
        self._tried |= self.supervisor.tried
        first = self._keeper.first if self._keeper is not None else frozenset(range(SHARDS))
        return first is not None and self._tried >= {
            name for name in self.config.mailboxes if shard_of(name) in first and self.reads(name)
        }

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Does one use case in one transaction; whoever waits for its consequences is woken."""
        done = await self.writer.write_once(use_case, *args, **kwargs)
        self.supervisor.wake()
        return done

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Asks on a consistent view of the store, beside the writer."""

        def ask() -> R:
            with self.store.reading() as tx:
                return query(tx, *args, **kwargs)

        return await asyncio.to_thread(ask)


def _place(error: BaseException) -> str:
    """What failed and where, without values: they may hold somebody's address."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno} ({frames[-1].name})" if frames else ""
    return type(error).__name__ + last
