"""The waits that a fold has open, side by side, and the ids they go by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from inboxwatch.core.model import ClockId, LeadId, MessageId
from inboxwatch.core.qualification.decision import WORTHLESS, Decision, Worth
from inboxwatch.core.sla.holds import Hold
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.put_off import DueMove
from inboxwatch.core.sla.terms import Qualified
from inboxwatch.core.sla.timeline import Action, Mail
from inboxwatch.core.sla.trust import Flag

_COURTS = {Metric.FOLLOW_UP: "buyer", Metric.VERDICT: "verdict"}


def clock_id(message: MessageId, metric: Metric, ordinal: int = 0) -> ClockId:
    """The id of the wait that this message started: of the message alone, so that re-reading cannot change it."""
    named = f"{_COURTS.get(metric, 'ours')}\0{message}\0{ordinal or ''}"
    return ClockId(hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:16])


@dataclass(slots=True)
class Running:
    """A wait that the fold has open."""

    side: str
    mails: list[Mail]
    """What owes the answer; the first one started the wait."""
    lead: LeadId
    metric: Metric
    ordinal: int = 0
    holds: list[Hold] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    moves: list[DueMove] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    changes: list[Qualified] = field(default_factory=list)
    """What it is about, from when on; empty without qualification."""
    worth: Worth = WORTHLESS
    """By its messages so far and the data known then; a person may name another tier."""

    def id_by(self, mail: Mail) -> ClockId:
        """The id that the wait has where this mail started it."""
        return clock_id(mail.id, self.metric, self.ordinal)

    @property
    def ids(self) -> frozenset[ClockId]:
        return frozenset(map(self.id_by, self.mails))

    def goes_by(self, clock: ClockId | None) -> bool:
        """Whether an id is the wait's, or that of the verdict which it awaits."""
        if clock in self.ids:
            return True
        return self.metric.is_reply and any(clock_id(mail.id, Metric.VERDICT) == clock for mail in self.mails)


@dataclass(slots=True)
class Side:
    """What is open of a buyer's side."""

    wait: Running | None = None
    follow_up: Running | None = None
    filtered: list[int] = field(default_factory=list)
    """Where among the clocks those stand that ended because nobody owes an answer."""
    last: Decision | None = None
    """What its last wait is about, as far as it is known."""
    verdict: Decision | None = None
    """A person's last word on the thread (rule 49)."""
    verdict_tier: str = ""
