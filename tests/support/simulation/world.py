"""A simulated world around the real engine, store, poller, ticker and outbox: virtual time, mailboxes and channels.

Tests put mail into its mailboxes, let time pass and may kill the daemon; `random_world` draws all of it from a seed.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from sqlalchemy import Row, func, literal, select, union_all

from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, PersonId
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.notify import ChannelError, Notice, Receipt, Recipient
from inboxwatch.settings import Settings
from inboxwatch.store import Store, tables
from inboxwatch.store.records import ClockRecord
from tests.support.engine import Engine
from tests.support.inline_writer import Killed
from tests.support.new_stores import new_store
from tests.support.simulation.invariants import Invariants
from tests.support.simulation.mail import SimulatedConnector, SimulatedMail, SimulatedMailbox
from tests.support.simulation.process import SimulatedProcess

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
"""A Monday morning."""
MINUTE = timedelta(minutes=1)
_SCHEDULER = "scheduler"
_WAKE, _DUE = tables.clock.c, tables.delivery.c
_OWED = union_all(
    select(literal(_SCHEDULER), func.min(_WAKE.wake_at)).where(_WAKE.state == "running"),
    select(_DUE.channel, func.min(_DUE.next_at)).where(_DUE.state.in_(("pending", "claimed"))).group_by(_DUE.channel),
)
"""When a scheduler and each sender wake by themselves."""

CONFIG = """
organization: {domains: [acme.test]}
calendars:
  office: {timezone: UTC, hours: {mon-fri: ["08:00-12:00", "13:00-18:00"]}}
people:
  ana: {name: Ana Diaz, email: ana@acme.test, manager: max}
  ben: {name: Ben Ito, email: ben@acme.test, manager: max}
  max: {name: Max Ode, email: max@acme.test}
teams:
  emea: {members: [ana, ben], lead: max}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana, poll_every: 60m}
  ben: {connector: maildir, address: ben@acme.test, owner: ben, path: ben, poll_every: 60m}
  sales: {connector: maildir, address: sales@acme.test, team: emea, path: sales, poll_every: 60m}
unknown_senders: never
leads: {}
routing:
  rules: [{assign: lead.owner}, {assign: {team: emea, by: ROUTING}}, {assign: mailbox.owner}]
  fallback: max
sla_policies:
  - {name: hot, when: {tier: hot}, calendar: office, first_response: 40m, next_response: 1h, escalation: fast}
  - {name: default, calendar: office, first_response: 90bm, next_response: 2bh, follow_up: 3bh, escalation: standard}
escalation_policies:
  fast:
    steps:
      - {at: 100%, notify: [owner, "desk"]}
      - {at: 100% + 20m, notify: [manager], reassign: next}
    repeat: {every: 30m, times: 2}
    acknowledge_for: 30m
    in_hours_only: false
    blind_grace: 15m
  standard:
    steps:
      - {at: 50%, notify: [owner]}
      - {at: 100%, notify: [owner, manager]}
      - {at: 100% + 30bm, notify: [manager, "desk"], reassign: fallback}
    repeat: {every: 1bh, times: 2}
    acknowledge_for: 45m
    in_hours_only: IN_HOURS
    blind_grace: 10m
stop_conditions: [answered, dismissed, meeting_accepted, opted_out, lead_closed, activity, max_rounds]
channels: {pager: {type: console}, mail: {type: console}, desk: {type: console}}
notify_by: [pager, mail]
it_alerts: {notify: [mail]}
store: {url: "sqlite://"}
"""

LEADS = (
    Lead(LeadId("bo@buyer.test"), "Bo", "Buyer", "buyer.test", PersonId("ana"), "hot", source="known"),
    Lead(LeadId("di@buyer.test"), "Di", "Buyer", "buyer.test", PersonId("ana"), "", source="known"),
    Lead(LeadId("cy@other.test"), "Cy", "Other", "other.test", PersonId("ben"), "", source="known"),
    Lead(LeadId("ed@third.test"), "Ed", "Third", "third.test", None, "", source="known"),
)


@cache
def config_of(routing: str, in_hours: bool) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.yaml"
        text = CONFIG.replace("ROUTING", routing).replace("IN_HOURS", str(in_hours).lower())
        path.write_text(text, encoding="utf-8")
        for name in ("ana", "ben", "sales"):
            (Path(folder) / name / "new").mkdir(parents=True)
        return configuration.load(path)


@dataclass(frozen=True)
class SentNotice:
    """A notice that reached a reader."""

    at: datetime
    channel: str
    destination: str
    key: str
    notice: Notice


@dataclass
class SimulatedChannel:
    """A channel of the world: it delivers, fails for a while, refuses for good, or dies with the process."""

    name: str
    world: SimulatedWorld
    down: list[tuple[datetime, datetime, bool]] = field(default_factory=list)
    """(from, to, permanent): when it refuses."""
    deadly: int = 0
    """How many of the next messages arrive, but kill the process before that is known."""

    settings: ClassVar[type[Settings]] = Settings

    def reaches(self, person: Recipient) -> str | None:
        return person.id

    def accepts(self, destination: str) -> str | None:
        return None

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        now = self.world.now()
        for start, end, permanent in self.down:
            if start <= now < end:
                raise ChannelError("refused" if permanent else "busy", permanent=permanent)
        sent = SentNotice(now, self.name, destination, key, notice)
        self.world.tell(f"{self.name} -> {destination or '*'}: {notice.type} {_steps(notice)} [{key}]")
        self.world.checks.sending(sent)
        self.world.sent.append(sent)
        if self.deadly:
            self.deadly -= 1
            raise Killed
        return Receipt(f"{self.name}-{len(self.world.sent)}")

    async def probe(self) -> str:
        return "fine"

    async def aclose(self) -> None:
        """Nothing is held."""


class SimulatedWorld:
    """The daemon and all that is around it. Nothing happens by itself but what the daemon does."""

    seed = 0

    def __init__(
        self,
        config: Config,
        chance: Random | None = None,
        show: Callable[[str], None] | None = None,
        *,
        url: str = "sqlite://",
        processes: int = 1,
    ) -> None:
        """`processes` daemons share the store at `url`, and take turns at random; they die together."""
        self.config = config
        self.chance = chance or Random(0)
        self.at = START
        self.store = new_store(url)
        self._stores = [self.store, *(Store(url) for _ in range(processes - 1))]
        self.processes: list[SimulatedProcess] = []
        self.sent: list[SentNotice] = []
        self.actions: list[Action] = []
        """What people did to waits and leads, as the daemon was told."""
        self.letters: list[SimulatedMail] = []
        self.boxes = {name: SimulatedMailbox(name) for name in map(MailboxId, ("ana", "ben", "sales"))}
        self.channels = {name: SimulatedChannel(name, self) for name in config.channels}
        self.checks = Invariants(self)
        self.alive = False
        self.kills = 0
        self._boots = 0
        self._show = show
        self._queue: list[tuple[datetime, int, Callable[[], Coroutine[Any, Any, None]]]] = []
        self._serial = 0

    def now(self) -> datetime:
        return self.at

    def tell(self, text: str) -> None:
        if self._show is not None:
            self._show(f"{self.at:%a %H:%M:%S}  {text}")

    def boot(self) -> None:
        """Starts the daemon over the same store, as after a restart."""
        self.alive = True
        connectors = {name: SimulatedConnector(box, self.now) for name, box in self.boxes.items()}
        self.processes = [
            SimulatedProcess(store, self.config, self.channels, connectors, self.now) for store in self._stores
        ]
        self._boots += 1
        # Nobody knows which of its loops is first.
        begin = self.at + timedelta(seconds=self.chance.choice((0, 2)))
        for name in self.boxes:
            self.put(begin, partial(self._poll, name, self._boots))

    @property
    def process(self) -> SimulatedProcess:
        """Whose turn it is."""
        return self.processes[0] if len(self.processes) == 1 else self.chance.choice(self.processes)

    @property
    def engine(self) -> Engine:
        """The use cases in the process whose turn it is."""
        return self.process.engine

    def close(self) -> None:
        for store in self._stores:
            store.close()

    async def _poll(self, name: MailboxId, boot: int) -> None:
        if not self.alive or boot != self._boots:
            return
        pause = await self.process.pollers[name].poll()
        every = self.config.mailboxes[name].poll_every
        self.put(self.at + (every if pause is None else timedelta(seconds=pause)), partial(self._poll, name, boot))

    async def _work(self) -> None:
        """Turns schedulers and senders until nothing is due any more."""
        for _ in range(30):
            due = [name for name, at in self._owed().items() if at <= self.at]
            if not due:
                return
            if _SCHEDULER in due:
                await self.process.turn()
            for name in due:
                while name != _SCHEDULER and await self.process.senders[name].deliver_one():
                    pass
        raise AssertionError(f"seed {self.seed} at {self.at}: the daemon never comes to rest")

    def _owed(self) -> dict[str, datetime]:
        """When a scheduler and each sender wake by themselves."""
        with self.store.reading() as tx:
            times = [tuple(row) for row in tx.connection.execute(_OWED)]
        return {name: at for name, at in times if at is not None}

    async def until(self, end: datetime) -> None:
        """Lets time pass: all that happens up to an instant, each thing at its own."""
        while True:
            due = min(self._owed().values(), default=None) if self.alive else None
            upcoming = self._queue[0][0] if self._queue else None
            woken = upcoming is not None and upcoming <= self.at
            assert woken or due is None or due > self.at, f"seed {self.seed} at {self.at}: due again at once"
            at = min((one for one in (due, upcoming) if one is not None), default=None)
            if at is None or at > end:
                self.at = max(self.at, end)
                return
            await self._instant(at)

    async def _instant(self, at: datetime) -> None:
        self.at = max(self.at, at)
        try:
            while self._queue and self._queue[0][0] <= self.at:
                await heapq.heappop(self._queue)[2]()
            if self.alive:
                await self._work()
        except Killed:
            self._die()
        if self.alive:
            self.checks.instant()

    def _die(self) -> None:
        self.alive = False
        self.kills += 1
        for process in self.processes:
            process.die()
        down = timedelta(minutes=self.chance.choice((0, 1, 5, 30)))
        self.tell(f"KILLED, down for {down}")
        self.put(self.at + down, self._reboot)

    async def _reboot(self) -> None:
        if not self.alive:
            self.tell("started again")
            self.boot()

    def put(self, at: datetime, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (at, self._serial, what))

    def act(self, row: ClockRecord | Row[Any], kind: ActionKind, by: str, **details: object) -> None:
        """A person's action on a wait; raises Refused."""
        self.engine.act(row.id, kind, by, self.at, **details)
        until = details.get("until")
        if kind is ActionKind.ACKNOWLEDGED:
            until = self.at + self.engine.rules.policies[row.policy_version].escalation.acknowledge_for.length
        held = until if isinstance(until, datetime) else None
        self.actions.append(Action(self.at, kind, by, row.id, until=held, serial=len(self.actions)))
        self.put(self.at, self._woken)

    async def _woken(self) -> None:
        """Whoever commits a deed wakes the loops: what it owes leaves at once."""

    async def post(self, letter: SimulatedMail) -> None:
        """A letter leaves its author's hand now; every mailbox of ours that is to hold it gets a copy."""
        self.letters.append(letter)
        self.tell(f"{letter.sender} writes <{letter.id}> to {', '.join(letter.to)}")
        for role, address in [*((FolderRole.INBOX, one) for one in letter.to), (FolderRole.SENT, letter.sender)]:
            name, _, domain = address.partition("@")
            if domain == "acme.test" and (box := self.boxes.get(MailboxId(name))) is not None:
                self.deliver(box, letter, role)

    def deliver(self, box: SimulatedMailbox, letter: SimulatedMail, role: FolderRole) -> None:
        """A copy arrives at once, and the server says so."""
        box.put(letter, role, timedelta())
        self.put(self.at, partial(self.push, box.name))

    async def push(self, name: MailboxId) -> None:
        """The server says that there is mail."""
        if self.alive:
            await self.process.pollers[name].poll()


def _steps(notice: Notice) -> str:
    steps = [f"{one.wait.id}#{one.step}.{one.round} {one.reason}" for one in notice.clocks]
    return f"{', '.join(steps)} {notice.title}".strip()
