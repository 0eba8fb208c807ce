"""The daemon: builds the graph of a config, runs it, reloads it, ends it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog
from aiohttp import web as aiohttp_web

from inboxwatch import config as configuration
from inboxwatch.config import Config, ConfigError
from inboxwatch.connector import Expires, LeadSource, MailConnector, Reading
from inboxwatch.core.model import MailboxId
from inboxwatch.daemon.census import Census
from inboxwatch.daemon.gc_tuning import collect_seldom
from inboxwatch.daemon.housekeeping import Rounds
from inboxwatch.daemon.poller import Poller
from inboxwatch.daemon.scheduler import Ticker
from inboxwatch.daemon.sender import Outbox
from inboxwatch.daemon.store_alert import DirectLine
from inboxwatch.daemon.writer import Worker
from inboxwatch.engine import Engine
from inboxwatch.engine.delivery.claim import Mailroom
from inboxwatch.engine.notice_actions import WaitActions
from inboxwatch.metrics import Metrics
from inboxwatch.notify import Channel, Interactive
from inboxwatch.notify.links import Links
from inboxwatch.now import Now
from inboxwatch.now import now as utc_now
from inboxwatch.store import Store, Transaction
from inboxwatch.web import make_app

log = structlog.get_logger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

LEADS_EVERY = timedelta(seconds=5)
"""How often lead sources are asked whether they have changed."""
LOOK_LIMIT = 60.0
"""Seconds that mailboxes may take to be read before a step is held back."""
COURTESY = 5.0
"""Seconds that a step waits for mailboxes in which an answer is possible, but unlikely."""
IDLE = 30.0
"""Seconds after which the clocks are looked at unasked."""
DRAIN = 3.0
"""Seconds that a message on its way has to leave at a clean stop."""


class Crew:
    """The running parts that one config makes: connectors, channels and their loops."""

    def __init__(self, app: App, config: Config) -> None:
        self.config = config
        self.channels: dict[str, Channel] = {name: one.connect() for name, one in config.channels.items()}
        reading = Reading(privacy=config.privacy, since=app.now() - config.look_back)
        self.connectors: dict[MailboxId, MailConnector] = {
            name: box.connect(reading) for name, box in config.mailboxes.items()
        }
        self.sources: dict[str, LeadSource] = {name: one.connect() for name, one in config.leads.items()}
        self._app = app
        self._tasks: set[asyncio.Task[Any]] = set()
        self._due = asyncio.Event()
        self._versions: dict[str, str] = {}
        self._unreadable: set[str] = set()
        """Lead sources whose failure was told."""
        self._line: DirectLine | None = None
        self.pollers: dict[str, Poller] = {}
        self.outboxes: dict[str, Outbox] = {}

    async def start(self, engine: Engine) -> None:
        """Starts every loop; the leads are read first, so that the first mail meets them."""
        app = self._app
        for mailbox, connector in self.connectors.items():
            box = self.config.mailboxes[mailbox]
            self.pollers[mailbox] = Poller(
                mailbox, box, connector, engine, app.worker, app.metrics, app.now, self.nudge
            )
        actions, links = WaitActions(app), Links(app.store.key, self.config.web.url)
        for name, channel in self.channels.items():
            if isinstance(channel, Interactive):
                await channel.start(actions, links)
            self.outboxes[name] = Outbox(name, channel, engine, app.worker, self.look, app.now, self.nudge)
        self._line = DirectLine(engine, self.channels, app.now)
        app.worker.on_outage = self._line.store_away
        await app.worker.run(Mailroom(engine).sweep, list(self.channels), app.now())
        for name, source in self.sources.items():
            await self._read_leads(name, source)
        collect_seldom()
        self._spawn(self._follow_leads())
        for poller in self.pollers.values():
            self._spawn(self._watch(poller))
            census = Census(poller, self.connectors[poller.name], engine, app.worker, app.now)
            self._spawn(census.repeat(self.config.census_every))
        for outbox in self.outboxes.values():
            self._spawn(outbox.deliver())
        self._spawn(self._tick())
        self._spawn(Rounds(engine, app.worker, self._expiring, app.now, self.nudge).walk())

    def _expiring(self) -> dict[str, datetime | None]:
        return {name: one.expires_at for name, one in self.connectors.items() if isinstance(one, Expires)}

    async def _watch(self, poller: Poller) -> None:
        """Watches a mailbox; shared ones are read first.

        A stranger's question makes him a lead, and our answer to him means nothing until it has.
        """
        if not self.config.mailboxes[poller.name].shared:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_LIMIT):
                    for other in self.pollers.values():
                        if self.config.mailboxes[other.name].shared:
                            await other.tried.wait()
        await poller.watch()

    @property
    def tried(self) -> set[str]:
        """The mailboxes that were tried at least once."""
        return {name for name, poller in self.pollers.items() if poller.tried.is_set()}

    def nudge(self) -> None:
        """Says that clocks or deliveries may be due."""
        self._due.set()
        for outbox in self.outboxes.values():
            outbox.nudge()

    async def look(self, nearest: Iterable[str], others: Iterable[str]) -> bool:
        """Reads mailboxes now; False where one of the nearest cannot be read in time. For the others it waits less."""
        near, far = set(nearest) & set(self.pollers), set(others) & set(self.pollers)
        begun = asyncio.get_running_loop().time()
        besides = [asyncio.create_task(self.pollers[name].look()) for name in sorted(far - near)]
        try:
            async with asyncio.timeout(LOOK_LIMIT):
                well = all(await asyncio.gather(*(self.pollers[name].look() for name in sorted(near))))
        except TimeoutError:
            well = False
        if besides:
            left = begun + COURTESY - asyncio.get_running_loop().time()
            _, slow = await asyncio.wait(besides, timeout=max(0.0, left))
            for task in slow:
                task.cancel()
        return well

    async def _tick(self) -> None:
        """Turns the ticker whenever a clock is due or something has changed."""
        app = self._app
        ticker = Ticker(app.engine, app.worker, self.look, app.now, self._spawn, self.nudge)
        while True:
            self._due.clear()
            if await ticker.turn():
                continue
            wake = await ticker.next_wake()
            seconds = IDLE if wake is None else min(IDLE, max(0.0, (wake - app.now()).total_seconds()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._due.wait()

    async def _follow_leads(self) -> None:
        while True:
            await asyncio.sleep(LEADS_EVERY.total_seconds())
            for name, source in self.sources.items():
                await self._read_leads(name, source)

    async def _read_leads(self, name: str, source: LeadSource) -> None:
        """Takes over a source's list where it has changed; a source that fails keeps the list it gave last."""
        try:
            found = await source.read(self._versions.get(name))
        except Exception as error:  # noqa: BLE001  (a broken lead list must not end the daemon; the old list stays)
            if name not in self._unreadable:
                self._unreadable.add(name)
                log.warning("leads unreadable, the last list stays in force", source=name, error=str(error))
            return
        self._unreadable.discard(name)
        if found is None:
            return
        leads = [row.lead for row in found.rows]
        await self._app.worker.run(self._app.engine.learn, name, leads, self._app.now())
        log.info("leads read", source=name, leads=len(leads), refused=len(found.refused))
        for place, reason in found.refused:
            log.warning("lead refused; `inboxwatch check` says why", place=place)
            log.debug("lead refused", place=place, reason=reason)
        self._versions[name] = found.version

    def _spawn(self, loop: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(loop)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._app.fail(error)

    async def stop(self) -> None:
        """Lets messages on their way leave, then ends every loop and session."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                for outbox in self.outboxes.values():
                    await outbox.sending.acquire()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(poller.aclose() for poller in self.pollers.values()), return_exceptions=True)
        if self._line is not None:
            await self._line.aclose()
        closing: list[MailConnector | Channel | LeadSource] = [*self.connectors.values(), *self.channels.values()]
        closing += self.sources.values()
        if closing:
            await asyncio.wait([asyncio.ensure_future(one.aclose()) for one in closing], timeout=1)


class App:
    """One daemon over one store. Also the web's gate to it."""

    def __init__(self, path: Path, config: Config, now: Now = utc_now) -> None:
        """`path` is where `config` was loaded from and is reloaded from. Raises StoreError."""
        self.path = path
        self.now = now
        self.worker = Worker()
        self.config = config
        self.store = Store(self.config.store_url.reveal())
        self.metrics = Metrics()
        self.crew = Crew(self, self.config)
        self.engine = Engine(self.store, self.config, self.crew.channels)
        self.metrics.watch(self)
        self.metrics.reloaded(True)
        self._stop = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._failure: BaseException | None = None
        self._tried: set[str] = set()
        self.port = 0
        """The port that the web listens on, once it does."""

    async def serve(self, started: Callable[[App], None] | None = None) -> None:
        """Runs until told to stop; then drains."""
        runner = aiohttp_web.AppRunner(make_app(self), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        listen = self.config.web.listen
        try:
            site = aiohttp_web.TCPSite(runner, listen.host, listen.port)
            await site.start()
            self.port = runner.addresses[0][1]
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
            loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self.reload()))
            await self.crew.start(self.engine)
            log.info(
                "started", mailboxes=len(self.config.mailboxes), channels=len(self.config.channels), port=self.port
            )
            if started is not None:
                started(self)
            await self._stop.wait()
        finally:
            log.info("stopping")
            await self.crew.stop()
            await runner.cleanup()
            self.worker.close()
            self.store.close()
            log.info("stopped")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._stop.set()

    def fail(self, error: BaseException) -> None:
        """A loop of the program's own has ended by a defect: better to stop loudly than to watch half the mailboxes."""
        log.error("a loop has ended by a defect", error=repr(error))
        self._failure = error
        self._stop.set()

    async def reload(self) -> list[str]:
        """Takes over the config file as it is now, all or nothing. Returns its problems; none: it is in force."""
        async with self._reloading:
            try:
                config = await asyncio.to_thread(configuration.load, self.path)
                problems = self._fixed(config)
                crew = Crew(self, config) if not problems else self.crew
            except ConfigError as error:
                problems = [str(problem) for problem in error.problems]
            if problems:
                self.metrics.reloaded(False)
                log.error("config not reloaded, the old one stays in force", problems=problems)
                return problems
            await self.crew.stop()
            await self.worker.run(self.engine.reload, config, crew.channels)
            self.config, self.crew = config, crew
            await crew.start(self.engine)
            self.metrics.reloaded(True)
            log.info("config reloaded")
            return []

    def _fixed(self, config: Config) -> list[str]:
        """What only a restart can change."""
        problems = []
        if config.web.listen != self.config.web.listen:
            problems.append("web.listen: restart the daemon to listen on another address")
        if config.store_url != self.config.store_url:
            problems.append("store.url: restart the daemon to use another store")
        return problems

    def ready(self) -> bool:
        """True once the store is migrated and every mailbox was tried once, before or after a reload."""
        self._tried |= self.crew.tried
        return self._tried >= self.config.mailboxes.keys()

    async def run(self, unit: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """One unit of work of the engine; whoever waits for its consequences is told."""
        done = await self.worker.run(unit, *args, **kwargs)
        self.crew.nudge()
        return done

    async def read(self, query: Callable[[Transaction], R], /) -> R:
        """A query on a consistent view of the store, beside the writer."""

        def ask() -> R:
            with self.store.reading() as tx:
                return query(tx)

        return await asyncio.to_thread(ask)
