"""A seeded world around the real engine, store, poller, ticker and outbox, stepped in virtual time.

Buyers write, reps answer late or not at all, mail lags, doubles and bounces, mailboxes go blind, channels fail, the
daemon is killed and started again. After each instant the invariants of `tests.world_checks` must hold.
`python -m tests.world SEED` prints the story of one seed.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, ParamSpec, TypeVar

import structlog
from sqlalchemy import func, literal, select, union_all

from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, PersonId
from inboxwatch.core.timeline import Act, Deed
from inboxwatch.engine import Engine, Refused
from inboxwatch.engine.mailroom import Mailroom
from inboxwatch.notify import ChannelError, Notice, Person, Receipt
from inboxwatch.outbox import Outbox
from inboxwatch.poller import Poller
from inboxwatch.store import Store, tables
from inboxwatch.ticker import Ticker
from inboxwatch.worker import Worker
from tests.world_checks import Checks
from tests.world_mail import Box, Letter, Reader, bounced

P = ParamSpec("P")
R = TypeVar("R")

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
"""A Monday morning."""
MINUTE = timedelta(minutes=1)
_TICKER = "ticker"
_WAKE, _DUE = tables.clock.c, tables.delivery.c
_OWED = union_all(
    select(literal(_TICKER), func.min(_WAKE.wake_at)).where(_WAKE.state == "running"),
    select(_DUE.channel, func.min(_DUE.next_at)).where(_DUE.state.in_(("pending", "claimed"))).group_by(_DUE.channel),
)
"""When the ticker and each outbox wake by themselves."""

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
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana, poll_every: 45m}
  ben: {connector: maildir, address: ben@acme.test, owner: ben, path: ben, poll_every: 45m}
  sales: {connector: maildir, address: sales@acme.test, team: emea, path: sales, poll_every: 45m}
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


class Killed(BaseException):
    """The process is killed here; no handler of the program sees it."""


class Inline(Worker):
    """Runs units of work at once; a fuse kills the process before or after one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse: int | None = None
        """How many units, halves counted, until the process dies."""

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._burn()
        done = unit(*args, **kwargs)
        self._burn()
        return done

    def _burn(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.fuse = None
                raise Killed


@dataclass(frozen=True)
class Sent:
    """A notice that reached a reader."""

    at: datetime
    channel: str
    destination: str
    key: str
    notice: Notice


@dataclass
class Wire:
    """A channel of the world: it delivers, fails for a while, refuses for good, or dies with the process."""

    name: str
    world: World
    down: list[tuple[datetime, datetime, bool]] = field(default_factory=list)
    """(from, to, permanent): when it refuses."""
    deadly: int = 0
    """How many of the next messages arrive, but kill the process before that is known."""

    settings: Any = None

    def reaches(self, person: Person) -> str | None:
        return person.id

    def accepts(self, destination: str) -> str | None:
        return None

    async def send(
        self, notice: Notice, destination: str, person: Person | None, key: str, earlier: str | None = None
    ) -> Receipt:
        now = self.world.now()
        for start, end, permanent in self.down:
            if start <= now < end:
                raise ChannelError("refused" if permanent else "busy", permanent=permanent)
        sent = Sent(now, self.name, destination, key, notice)
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


class _Meter:
    """Counts nothing."""

    def poll_finished(self, connector: str, seconds: float) -> None: ...
    def mailbox_error(self, mailbox: str, reason: str) -> None: ...
    def detected(self, connector: str, lag_seconds: float) -> None: ...


class World:
    """One seed: everything that happens is drawn before it begins, except what people do to waits that exist then."""

    def __init__(self, seed: int, show: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.chance = chance = Random(seed)
        self.config = config_of(chance.choice(("load", "round_robin")), chance.random() < 0.7)
        self.at = START
        self.store = Store("sqlite://")
        self.sent: list[Sent] = []
        self.deeds: list[Act] = []
        """What people did to waits and leads, as the daemon was told."""
        self.letters: list[Letter] = []
        self.boxes = {
            MailboxId(name): Box(MailboxId(name), timedelta(seconds=chance.randint(-40, 40)))
            for name in ("ana", "ben", "sales")
        }
        self.wires = {name: Wire(name, self) for name in self.config.channels}
        self.checks = Checks(self)
        self.alive = True
        self.kills = 0
        self._boots = 0
        self._show = show
        self._queue: list[tuple[datetime, int, Callable[[], Coroutine[Any, Any, None]]]] = []
        self._serial = 0
        self._beside: list[Coroutine[Any, Any, None]] = []
        self.end = START + timedelta(hours=chance.choice((7, 7, 7, 25)))
        self._draw()

    def now(self) -> datetime:
        return self.at

    def tell(self, text: str) -> None:
        if self._show is not None:
            self._show(f"{self.at:%a %H:%M:%S}  {text}")

    # The daemon.

    def boot(self) -> None:
        """Starts the daemon over the same store, as after a restart."""
        self.alive = True
        self.worker = Inline()
        self.engine = Engine(self.store, self.config, self.wires)
        Mailroom(self.engine).sweep(list(self.wires), self.at)
        self.pollers = {
            name: Poller(
                name, box, Reader(self.boxes[name], self.now), self.engine, self.worker, _Meter(), self.now, self._nudge
            )
            for name, box in self.config.mailboxes.items()
        }
        self.ticker = Ticker(self.engine, self.worker, self._look, self.now, self._beside.append, self._nudge)
        self.outboxes = {
            name: Outbox(name, wire, self.engine, self.worker, self._look, self.now) for name, wire in self.wires.items()
        }
        self._boots += 1
        # Nobody knows which of its loops is first.
        begin = self.at + timedelta(seconds=self.chance.choice((0, 2)))
        for name in self.pollers:
            self._put(begin, partial(self._poll, name, self._boots))

    def _nudge(self) -> None:
        """The world turns the ticker after everything that happens."""

    async def _look(self, mailboxes: Iterable[str]) -> bool:
        return all([await self.pollers[MailboxId(name)].look() for name in sorted(mailboxes)])

    async def _poll(self, name: MailboxId, boot: int) -> None:
        if not self.alive or boot != self._boots:
            return
        pause = await self.pollers[name].poll()
        every = self.config.mailboxes[name].poll_every
        self._put(self.at + (every if pause is None else timedelta(seconds=pause)), partial(self._poll, name, boot))

    async def _work(self) -> None:
        """Turns the ticker and the outboxes until nothing is due any more."""
        for _ in range(30):
            due = [name for name, at in self._owed().items() if at <= self.at]
            if not due:
                return
            if _TICKER in due:
                await self.ticker.turn()
                while self._beside:
                    await self._beside.pop()
            for name in due:
                while name != _TICKER and await self.outboxes[name].deliver_one():
                    pass
        raise AssertionError(f"seed {self.seed} at {self.at}: the daemon never comes to rest")

    def _owed(self) -> dict[str, datetime]:
        """When the ticker and each outbox wake by themselves."""
        with self.store.reading() as tx:
            times = [tuple(row) for row in tx.connection.execute(_OWED)]
        return {name: at for name, at in times if at is not None}

    async def run(self) -> None:
        """Plays the world to its end, then lets everything arrive and compares."""
        self.boot()
        self.engine.learn("known", LEADS, self.at)
        while True:
            due = min(self._owed().values(), default=None) if self.alive else None
            assert due is None or due > self.at, f"seed {self.seed} at {self.at}: due again at once"
            upcoming = self._queue[0][0] if self._queue else None
            at = min((one for one in (due, upcoming) if one is not None), default=None)
            if at is None or at > self.end:
                break
            await self._instant(at)
        await self._settle_down()

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
        for one in self._beside:
            one.close()
        self._beside.clear()
        down = timedelta(minutes=self.chance.choice((0, 1, 5, 30)))
        self.tell(f"KILLED, down for {down}")
        self._put(self.at + down, self._reboot)

    async def _reboot(self) -> None:
        if not self.alive:
            self.tell("started again")
            self.boot()

    async def _settle_down(self) -> None:
        """Every fault is mended, everything under way arrives; then the ends must meet."""
        lag = max((copy.visible_at for box in self.boxes.values() for copy in box.copies), default=self.at)
        self.at = max(self.at, lag, self.end)
        for box in self.boxes.values():
            box.dark.clear()
            box.cut = 0
        for wire in self.wires.values():
            wire.down.clear()
            wire.deadly = 0
        self._queue.clear()
        self.boot()
        self._queue.clear()
        for poller in self.pollers.values():
            assert await poller.poll() is None, f"seed {self.seed}: {poller.name} stays unreadable"
        self.worker.fuse = None
        for _ in range(3):
            self.at += timedelta(minutes=6)
            await self._work()
        self.checks.instant()
        self.checks.end()

    # The world.

    def _put(self, at: datetime, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (at, self._serial, what))

    def _draw(self) -> None:
        chance = self.chance
        for number in range(chance.randint(1, 4)):
            self._conversation(number)
        for box in self.boxes.values():
            if chance.random() < 0.35:
                start = self._some_time()
                box.dark.append((start, start + chance.choice((3, 12, 45, 90)) * MINUTE))
            if chance.random() < 0.2:
                box.cut = 1
        for wire in self.wires.values():
            if chance.random() < 0.3:
                start = self._some_time()
                wire.down.append((start, start + chance.choice((1, 10, 90)) * MINUTE, chance.random() < 0.3))
            if chance.random() < 0.2:
                wire.deadly = 1
        for _ in range(chance.choice((0, 1, 2))):
            self._put(self._some_time(), partial(self._arm, chance.randint(1, 40)))
        for _ in range(chance.randint(0, 4)):
            self._put(self._some_time(), self._deed)
        if chance.random() < 0.15:
            self._put(self._some_time(), self._vacation)
        if chance.random() < 0.15:
            self._put(self._some_time(), self._close_lead)

    def _some_time(self) -> datetime:
        return START + timedelta(minutes=self.chance.randint(5, int((self.end - START) / MINUTE) - 30))

    def _conversation(self, number: int) -> None:
        """A buyer and one of us write to and fro; copies lag, double, bounce and go to colleagues."""
        chance = self.chance
        lead = chance.choice(LEADS)
        rep = str(lead.owner or chance.choice(("ana", "ben")))
        at = START + timedelta(minutes=chance.randint(1, 240))
        subject, last = f"Question {number} about lot {self.seed * 7 + number}", None
        serial = 0
        for _ in range(chance.randint(1, 6)):
            serial += 1
            name = f"c{number}.{serial}"
            kind = chance.choices(("buyer", "answer", "auto", "note"), (4, 4, 1, 1))[0] if last else "buyer"
            if kind == "buyer":
                to = chance.choice(((f"{rep}@acme.test",), ("sales@acme.test",), (f"{rep}@acme.test", "sales@acme.test")))
                last = self._plan(Letter(f"{name}@{lead.domain}", at, lead.id, to, subject, last))
            elif kind == "answer":
                by = chance.choices((rep, "ben" if rep == "ana" else "ana"), (4, 1))[0]
                answer = Letter(f"{name}@acme.test", at, f"{by}@acme.test", (lead.id,), subject, last, answers_buyer=True)
                last = self._plan(answer)
                if chance.random() < 0.15:
                    self._plan(bounced(answer, lead.id, at + chance.choice((1, 7, 50)) * MINUTE))
            elif kind == "auto":
                marks = ("Auto-Submitted: auto-replied",)
                self._plan(Letter(f"{name}@{lead.domain}", at, lead.id, (f"{rep}@acme.test",), f"Away: {subject}", last, marks))
            else:
                self._plan(Letter(f"{name}@acme.test", at, f"{rep}@acme.test", ("ben@acme.test",), f"Fwd: {subject}", last))
            at += timedelta(minutes=chance.choice((3, 8, 25, 50, 110, 240)))

    def _plan(self, letter: Letter) -> Letter:
        self._put(letter.at, partial(self._post, letter))
        return letter

    async def _post(self, letter: Letter) -> None:
        self.letters.append(letter)
        places = [(FolderRole.INBOX, one) for one in letter.to] + [(FolderRole.SENT, letter.sender)]
        told = []
        for role, address in places:
            name, _, domain = address.partition("@")
            box = self.boxes.get(MailboxId(name)) if domain == "acme.test" else None
            if box is None:
                continue
            lag = self.chance.choices((0, 2, 15, 70), (70, 15, 10, 5))[0] * MINUTE
            box.put(letter, role, lag)
            told.append(f"{box.name}+{lag // MINUTE}")
            if self.chance.random() < 0.1:
                box.put(letter, role, lag + 4 * MINUTE)
            if self.chance.random() < 0.6:
                self._put(self.at + lag, partial(self._push, box.name))
        self.tell(f"{letter.sender} writes <{letter.id}> to {', '.join(letter.to)} ({' '.join(told)})")

    async def _push(self, name: MailboxId) -> None:
        """The server says that there is mail."""
        if self.alive:
            await self.pollers[name].poll()

    async def _arm(self, fuse: int) -> None:
        if self.alive:
            self.worker.fuse = fuse

    async def _deed(self) -> None:
        """Somebody acts on a wait that the board shows."""
        if not self.alive:
            return
        with self.store.reading() as tx:
            rows = sorted(tx.clocks.running(), key=lambda row: str(row.id))
        if not rows:
            return
        chance, row = self.chance, self.chance.choice(rows)
        deed = chance.choice((Deed.ACKNOWLEDGED, Deed.SNOOZED, Deed.DISMISSED, Deed.ASSIGNED))
        by = chance.choice(("ana", "ben", "max"))
        until = self.at + chance.choice((5, 40, 120)) * MINUTE
        details: dict[str, object] = {"until": until} if deed is Deed.SNOOZED else {}
        if deed is Deed.ASSIGNED:
            details["owner"] = chance.choice(("ana", "ben", "max"))
        if chance.random() < 0.15:
            self.engine.log_activity(row.lead, by, self.at, "called", self.at)
            self.deeds.append(Act(self.at, Deed.ACTIVITY, by, lead=LeadId(row.lead)))
            self.tell(f"{by} logs a call with {row.lead}")
            return
        try:
            self.engine.act(row.id, deed, by, self.at, **details)
        except Refused as refused:
            self.tell(f"{by}: {deed} of {row.id} refused: {refused}")
            return
        if deed is Deed.ACKNOWLEDGED:
            hold = self.engine.policies[row.policy_version].escalation.acknowledge_for.length
            until = self.at + hold
        holds = until if deed in (Deed.ACKNOWLEDGED, Deed.SNOOZED) else None
        self.deeds.append(Act(self.at, deed, by, row.id, until=holds, serial=len(self.deeds)))
        self.tell(f"{by}: {deed} {row.id} of {row.lead}")

    async def _vacation(self) -> None:
        """A rep's own mailbox answers that he is away."""
        lead = self.chance.choice(LEADS)
        marks = ("Auto-Submitted: auto-replied",)
        name = f"away.{int(self.at.timestamp())}@acme.test"
        await self._post(Letter(name, self.at, "ana@acme.test", (lead.id,), "Out of office: away", None, marks))

    async def _close_lead(self) -> None:
        """The list of leads says that one is lost."""
        if not self.alive:
            return
        lost = self.chance.choice(LEADS)
        listed = [Lead(**{**_fields(one), "status": "lost"}) if one.id == lost.id else one for one in LEADS]
        self.engine.learn("known", listed, self.at)
        self.deeds.append(Act(self.at, Deed.LEAD_CLOSED, "known", lead=lost.id))
        self.tell(f"{lost.id} is lost")


def _fields(lead: Lead) -> dict[str, Any]:
    return {name: getattr(lead, name) for name in lead.__dataclass_fields__}


def _steps(notice: Notice) -> str:
    steps = [f"{one['id']}#{one.get('step')}.{one.get('round')} {one.get('reason')}" for one in notice.clocks]
    return f"{', '.join(steps)} {notice.title}".strip()


def play(seed: int, show: Callable[[str], None] | None = None) -> World:
    """Runs one seed; raises AssertionError where an invariant is broken."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = World(seed, show)
    try:
        asyncio.run(world.run())
    finally:
        world.store.close()
    return world


if __name__ == "__main__":
    play(int(sys.argv[1]), print)
