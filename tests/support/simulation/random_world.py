"""A simulated world drawn from a seed: buyers write, reps answer late or not at all, mail lags, doubles and bounces,
mailboxes go blind, channels fail, the daemon is killed and started again. After each instant the invariants of
`invariants` must hold. `python -m tests.support.simulation SEED` prints what happens with one seed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

import structlog

from inboxwatch.core.model import FolderRole, LeadId
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.refused import Refused
from tests.support.simulation.mail import SimulatedMail, SimulatedMailbox, bounced
from tests.support.simulation.world import LEADS, MINUTE, START, SimulatedWorld, config_of

AUTOMATIC = ("Auto-Submitted: auto-replied",)


class RandomWorld(SimulatedWorld):
    """One seed: everything that happens is drawn before it begins, except what people do to waits that exist then."""

    def __init__(
        self, seed: int, show: Callable[[str], None] | None = None, *, url: str = "sqlite://", processes: int = 1
    ) -> None:
        chance = Random(seed)
        config = config_of(chance.choice(("load", "round_robin")), chance.random() < 0.7)
        super().__init__(config, chance, show, url=url, processes=processes)
        self.seed = seed
        for box in self.boxes.values():
            box.skew = timedelta(seconds=chance.randint(-40, 40))
        self.end = START + timedelta(hours=chance.choice((6, 6, 6, 6, 25)))
        self._draw()

    async def run(self) -> None:
        """Plays the world to its end, then lets everything arrive and compares."""
        self.boot()
        self.engine.learn("known", LEADS, self.at)
        await self.until(self.end)
        await self._settle_down()

    async def _settle_down(self) -> None:
        """Every fault is mended, everything under way arrives; then the ends must meet."""
        lag = max((copy.visible_at for box in self.boxes.values() for copy in box.copies), default=self.at)
        self.at = max(self.at, lag, self.end)
        for box in self.boxes.values():
            box.dark.clear()
            box.cut = 0
        for channel in self.channels.values():
            channel.down.clear()
            channel.deadly = 0
        self._queue.clear()
        self.boot()
        self._queue.clear()
        for poller in self.process.pollers.values():
            assert await poller.poll() is None, f"seed {self.seed}: {poller.name} stays unreadable"
        for process in self.processes:
            process.writer.units_left = None
        for _ in range(3):
            self.at += timedelta(minutes=6)
            await self._work()
        self.checks.instant()
        self.checks.end()

    def _draw(self) -> None:
        chance = self.chance
        for number in range(chance.randint(1, 4)):
            self._conversation(number)
        for box in self.boxes.values():
            if chance.random() < 0.35:
                start = self._some_time()
                box.dark.append((start, start + chance.choice((3, 12, 45)) * MINUTE))
            if chance.random() < 0.2:
                box.cut = 1
        for channel in self.channels.values():
            if chance.random() < 0.3:
                start = self._some_time()
                channel.down.append((start, start + chance.choice((1, 10, 90)) * MINUTE, chance.random() < 0.3))
            if chance.random() < 0.2:
                channel.deadly = 1
        for _ in range(chance.choice((0, 1, 2))):
            self.put(self._some_time(), partial(self._kill_after, chance.randint(1, 40)))
        for _ in range(chance.randint(0, 4)):
            self.put(self._some_time(), self._deed)
        if chance.random() < 0.15:
            self.put(self._some_time(), self._vacation)
        if chance.random() < 0.15:
            self.put(self._some_time(), self._close_lead)

    def _some_time(self) -> datetime:
        return START + timedelta(minutes=self.chance.randint(5, int((self.end - START) / MINUTE) - 30))

    def _conversation(self, number: int) -> None:
        """A buyer and one of us write to and fro; copies lag, double, bounce and go to colleagues."""
        chance = self.chance
        lead = chance.choice(LEADS)
        rep, other = chance.sample(("ana", "ben"), 2) if lead.owner is None else _pair(lead.owner)
        mine, sales = f"{rep}@acme.test", "sales@acme.test"
        at, last = START + timedelta(minutes=chance.randint(1, 240)), None
        subject = f"Question {number} about lot {self.seed * 7 + number}"
        for serial in range(chance.randint(1, 6)):
            theirs, ours = f"c{number}.{serial}@{lead.domain}", f"c{number}.{serial}@acme.test"
            kind = chance.choices(("buyer", "answer", "auto", "note"), (4, 4, 1, 1))[0] if last else "buyer"
            if kind == "buyer":
                to = chance.choice(((mine,), (sales,), (mine, sales)))
                last = self._plan(SimulatedMail(theirs, at, lead.id, to, subject, last))
            elif kind == "answer":
                by = f"{chance.choices((rep, other), (4, 1))[0]}@acme.test"
                last = self._plan(SimulatedMail(ours, at, by, (lead.id,), subject, last, answers_buyer=True))
                if chance.random() < 0.15:
                    self._plan(bounced(last, lead.id, at + chance.choice((1, 7, 50)) * MINUTE))
            elif kind == "auto":
                self._plan(SimulatedMail(theirs, at, lead.id, (mine,), f"Away: {subject}", last, AUTOMATIC))
            else:
                self._plan(SimulatedMail(ours, at, mine, ("ben@acme.test",), f"Fwd: {subject}", last))
            at += timedelta(minutes=chance.choice((3, 8, 25, 50, 110, 240)))

    def _plan(self, letter: SimulatedMail) -> SimulatedMail:
        self.put(letter.at, partial(self.post, letter))
        return letter

    def deliver(self, box: SimulatedMailbox, letter: SimulatedMail, role: FolderRole) -> None:
        """A copy arrives, late or twice or unannounced."""
        lag = self.chance.choices((0, 2, 15, 70), (70, 15, 10, 5))[0] * MINUTE
        box.put(letter, role, lag)
        self.tell(f"   ... in {box.name} after {lag}")
        if self.chance.random() < 0.1:
            box.put(letter, role, lag + 4 * MINUTE)
        if self.chance.random() < 0.6:
            self.put(self.at + lag, partial(self.push, box.name))

    async def _kill_after(self, units: int) -> None:
        if self.alive:
            self.process.writer.units_left = units

    async def _deed(self) -> None:
        """Somebody acts on a wait that the board shows."""
        if not self.alive:
            return
        with self.store.reading() as tx:
            rows = sorted(tx.clocks.running(), key=lambda row: str(row.id))
        if not rows:
            return
        chance, row = self.chance, self.chance.choice(rows)
        kind = chance.choice((ActionKind.ACKNOWLEDGED, ActionKind.SNOOZED, ActionKind.DISMISSED, ActionKind.ASSIGNED))
        by = chance.choice(("ana", "ben", "max"))
        until = self.at + chance.choice((5, 40, 120)) * MINUTE
        details: dict[str, object] = {"until": until} if kind is ActionKind.SNOOZED else {}
        if kind is ActionKind.ASSIGNED:
            details["owner"] = chance.choice(("ana", "ben", "max"))
        if chance.random() < 0.15:
            self.engine.log_activity(row.lead, by, self.at, "called", self.at)
            self.actions.append(Action(self.at, ActionKind.ACTIVITY, by, lead=LeadId(row.lead)))
            self.tell(f"{by} logs a call with {row.lead}")
            return
        try:
            self.act(row, kind, by, **details)
        except Refused as refused:
            self.tell(f"{by}: {kind} of {row.id} refused: {refused}")
            return
        self.tell(f"{by}: {kind} {row.id} of {row.lead}")

    async def _vacation(self) -> None:
        """A rep's own mailbox answers that he is away."""
        lead = self.chance.choice(LEADS)
        name = f"away.{int(self.at.timestamp())}@acme.test"
        await self.post(
            SimulatedMail(name, self.at, "ana@acme.test", (lead.id,), "Out of office: away", None, AUTOMATIC)
        )

    async def _close_lead(self) -> None:
        """The list of leads says that one is lost."""
        if not self.alive:
            return
        lost = self.chance.choice(LEADS)
        listed = [replace(one, status="lost") if one.id == lost.id else one for one in LEADS]
        self.engine.learn("known", listed, self.at)
        self.actions.append(Action(self.at, ActionKind.LEAD_CLOSED, "known", lead=lost.id))
        self.tell(f"{lost.id} is lost")


def _pair(owner: str) -> tuple[str, str]:
    return ("ana", "ben") if owner == "ana" else ("ben", "ana")


def play(
    seed: int, show: Callable[[str], None] | None = None, *, url: str = "sqlite://", processes: int = 1
) -> RandomWorld:
    """Runs one seed; raises AssertionError where an invariant is broken."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = RandomWorld(seed, show, url=url, processes=processes)
    try:
        asyncio.run(world.run())
    finally:
        world.close()
    return world
