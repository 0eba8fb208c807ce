"""How long to leave a mailbox alone between two readings: a fold over what the readings brought.

Two lengths move apart from each other, and the pause is the longer one. `wanted` follows the mail: after news the
mailbox is read sooner, then less and less often. `borne` follows the provider, as TCP follows a network (additive
increase, multiplicative decrease, RFC 5681): a refusal doubles the pause, each reading that goes through adds a fixed
share to the rate again, so that a thousand mailboxes of one project calm down and recover together.

A mailbox without news slides to `idle` even while a buyer waits for its owner. Nothing depends on seeing the answer
early: each mailbox that could hold it is read just before a step leaves (rule 30), and an answer counts from its
receipt by the server (rule 13). Waits last for days; to read at full pace while one is open would be to do so always.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

QUICK = timedelta(seconds=10)
"""No mailbox is read sooner again than this, unless its ordinary pause is shorter."""
QUIET = timedelta(hours=1)
"""A mailbox that has brought nothing for so long is idle."""
STEPS = 8
"""So many readings that go through add the ordinary rate to the rate that the provider bears."""


class ReadingOutcome(StrEnum):
    """What an attempt to read a mailbox has brought."""

    NEWS = "news"
    """It was read to its end, and there was mail."""
    NOTHING = "nothing"
    """It was read to its end."""
    PART = "part"
    """A part of a long reading came through."""
    LIMITED = "limited"
    """The provider refused: too many requests."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one mailbox. Always `quickest <= pause <= idle`."""

    every: timedelta
    """The ordinary pause."""
    idle: timedelta
    """The longest pause; not shorter than `every`."""
    wanted: timedelta
    borne: timedelta
    quiet_since: datetime
    """When it brought news last, or was begun with."""

    @classmethod
    def begin(cls, every: timedelta, idle: timedelta, at: datetime) -> Pace:
        """The pace of a mailbox of which nothing is known yet."""
        return cls(every, idle, every, _quickest(every), at)

    @property
    def pause(self) -> timedelta:
        """How long to leave the mailbox alone now."""
        return max(self.wanted, self.borne)

    @property
    def quickest(self) -> timedelta:
        """The shortest pause."""
        return _quickest(self.every)

    def after(self, event: ReadingOutcome, at: datetime) -> Pace:
        """The pace once an attempt has brought `event` at an instant."""
        if event is ReadingOutcome.LIMITED:
            return replace(self, borne=min(self.idle, 2 * self.pause))
        # 1/borne grows by 1/relief.
        relief = STEPS * self.every
        eased = replace(self, borne=max(self.quickest, self.borne * (relief / (relief + self.borne))))
        if event is ReadingOutcome.PART:
            return eased
        if event is ReadingOutcome.NEWS:
            return replace(eased, wanted=self.quickest, quiet_since=at)
        quiet_since = min(self.quiet_since, at)  # the clock may have been set back
        longest = self.idle if at - quiet_since >= QUIET else self.every
        return replace(eased, wanted=max(self.wanted, min(longest, 2 * self.wanted)), quiet_since=quiet_since)


def _quickest(every: timedelta) -> timedelta:
    return max(every / 4, min(every, QUICK))
