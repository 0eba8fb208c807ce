"""An inquiry as the figures of qualification see it: what it was as it came, what became of it, what people said.

Figures count what is known now (rule 54); open ones have lasted at least so long (`survival.Length`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from inboxwatch.core.qualification.decision import SALES, UNKNOWN, Decision
from inboxwatch.core.statistics.survival import Length

SELLERS = frozenset({SALES, UNKNOWN})
"""The classes of waits for which it is right to tell a seller."""


class Word(NamedTuple):
    """What a wait was said to be, from an instant on."""

    at: datetime
    gives: str
    by: str = ""
    """The person who said so; empty: rules, a source of leads, the program."""
    takes_back: bool = False
    """It takes back the person's word before it, and gives what stood before that."""


class AwaitedVerdict(NamedTuple):
    """The clock of a verdict (rule 44)."""

    owner: str
    wall: Length
    business: Length
    in_time: bool | None
    """None: it is neither judged nor due yet, or has ended otherwise before it was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryCase:
    """A wait of our court that began in the time that is looked at."""

    id: str
    at: datetime
    came_as: Decision
    """What it was as it came."""
    ruled: Decision
    """What the program made of it last: a later message may decide what was unknown."""
    gives: str
    """What it is by all that is known now."""
    by: str
    """What has decided that, as `Decision.by`."""
    tier: str = ""
    first_response: bool = True
    filtered: bool = False
    """It is over since nobody owes an answer."""
    contradicted_at: datetime | None = None
    """Of a filtered one: when one of ours answered all the same, or its sender became an open lead."""
    wall: Length
    """Until one of ours answered."""
    business: Length
    stopped_at: datetime | None = None
    answered: bool = False
    dismissed: bool = False
    """A person said, as it stopped, that no reply was owed."""
    breached_at: datetime | None = None
    breach_class: str = ""
    """What it was when it fell due."""
    awaited: AwaitedVerdict | None = None
    words: tuple[Word, ...] = ()
    """In the order of time."""
    owners: tuple[tuple[datetime, str], ...] = ()
    """Who had it since when."""
    told: tuple[tuple[datetime, str, int], ...] = ()
    """(when, policy, step) of each step of its ladder that was told, those of the verdict's ladder left out."""

    @property
    def verdicts(self) -> tuple[Word, ...]:
        """What people said, in the order of time."""
        return tuple(word for word in self.words if word.by)

    @property
    def judged(self) -> bool:
        """Whether a person's word on it stands."""
        standing = 0
        for word in self.verdicts:
            standing = max(0, standing - 1) if word.takes_back else standing + 1
        return standing > 0

    def class_at(self, at: datetime) -> str:
        """What was known of it at an instant, that instant's words included."""
        return next((word.gives for word in reversed(self.words) if word.at <= at), self.came_as.gives)

    def owner_at(self, at: datetime) -> str:
        """Who had it just before an instant; empty: nobody."""
        before = [owner for since, owner in self.owners if since < at] or [owner for _, owner in self.owners[:1]]
        return before[-1] if before else ""

    def seller(self, triage: Collection[str]) -> str:
        """Who had it as a sales wait and is not of the triage; empty: nobody."""
        ends = [*(at for at, _ in self.owners[1:]), None]
        for (since, owner), until in zip(self.owners, ends[: len(self.owners)], strict=True):
            if owner in triage or (self.stopped_at is not None and since > self.stopped_at):
                continue
            end = self.stopped_at if until is None else until
            meanwhile = [word.gives for word in self.words if since <= word.at and (end is None or word.at < end)]
            if SALES in (self.class_at(since), *meanwhile):
                return owner
        return ""

    @property
    def moved(self) -> bool:
        """Whether a person's word has moved it into the figures of sales or out of them once it had counted there."""
        counted = [at for at in (self.breached_at, self.stopped_at) if at is not None]
        later = [word for word in self.verdicts if counted and word.at > min(counted)]
        return bool(later) and (self.class_at(min(counted)) == SALES) != (self.gives == SALES)

    @property
    def reversals(self) -> list[tuple[str, bool]]:
        """(who, whether a later word says otherwise) of each word of a person."""
        said = self.verdicts
        pairs = [(one, other.gives != one.gives) for one, other in pairwise(said)]
        pairs += [(said[-1], False)] if said else []
        return [(word.by, reversed_) for word, reversed_ in pairs if not word.takes_back]
