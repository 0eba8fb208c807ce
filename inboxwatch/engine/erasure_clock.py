"""By what time the age of what is erased is counted: what is erased early cannot be brought back.

The time of day is believed as long as a daemon has seen it pass, and up to `LEAP` where none was at work. A clock that
is further ahead than that may be wrong by years, and then all history would be too old at once: until somebody says
that it is right, age goes on by the time at which it was believed last, and only by what a daemon sees pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.engine.audit import at_the_machine, note
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import BelievedMark, RunningMark

LEAP = timedelta(days=31)
"""A daemon may have been off for so long; what a wrong clock of so much erases is at most a month too young."""
WITNESSED = timedelta(hours=1)
"""Between two looks at the clock: longer, and nobody has seen the time pass."""
TRUST = "store.trust-clock"
"""The deed of who says that the clock is right."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a look at the clock has found."""

    at: datetime
    """By what age is counted; never ahead of the clock."""
    ahead: timedelta
    """How far the clock is ahead of that; nothing where it is believed."""

    @property
    def held(self) -> bool:
        """Whether the clock is not believed."""
        return self.ahead > timedelta(0)


def reckon(tx: Transaction, now: datetime) -> Reckoned:
    """By what time age is counted at `now`, the time of day; notes nothing."""
    believed = _believed(tx, now)
    return Reckoned(min(believed, now), max(timedelta(0), now - believed))


def pass_time(tx: Transaction, now: datetime) -> Reckoned:
    """As `reckon`, and notes how far time has gone."""
    believed = _believed(tx, now)
    tx.marks.set(BelievedMark(), (believed, now))
    return Reckoned(min(believed, now), max(timedelta(0), now - believed))


def trust(tx: Transaction, rules: Rules, now: datetime) -> timedelta:
    """Somebody at the machine says that the time of day is right; returns how far it was ahead of what was believed."""
    ahead = reckon(tx, now).ahead
    tx.marks.set(BelievedMark(), (now, now))
    note(tx, rules, at_the_machine(TRUST), now)
    return ahead


def _believed(tx: Transaction, now: datetime) -> datetime:
    """The latest time of day that is believed. Of two daemons one may have a wrong clock: the other's is then ahead of
    this by nothing, and goes on.
    """
    noted = tx.marks.get(BelievedMark())
    running = tx.marks.get(RunningMark()) or now  # what an earlier version has noted
    believed, seen = noted or (running, running)
    if timedelta(0) < now - seen <= WITNESSED:
        believed += now - seen
    return max(believed, now) if now - believed <= LEAP else believed
