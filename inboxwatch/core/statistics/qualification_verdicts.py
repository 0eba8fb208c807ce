"""What the triage does: how soon it judges, how often that is reversed, what sellers get that is none of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.qualification.decision import SALES
from inboxwatch.core.statistics.qualification_inquiry import AwaitedVerdict, InquiryCase
from inboxwatch.core.statistics.share import ENOUGH, Share
from inboxwatch.core.statistics.survival import Survival, kaplan_meier

SETTLED = timedelta(days=7)
"""So old must a wait be before it counts whether a seller got what was none of his."""


@dataclass(frozen=True, slots=True)
class VerdictTimes:
    """How long waits of unknown class are not judged."""

    clocks: int
    judged: int
    wall: Survival
    """Until a person's verdict; those that are open or ended otherwise have lasted at least so long."""
    business: Survival
    in_target: Share
    """In time, of those in time and those that missed it."""

    @property
    def claimed(self) -> bool:
        """Whether enough were judged to say how soon."""
        return self.judged >= ENOUGH

    @classmethod
    def of(cls, awaited: Iterable[AwaitedVerdict]) -> VerdictTimes:
        known = list(awaited)
        decided = [one.in_time for one in known if one.in_time is not None]
        return cls(
            len(known),
            sum(one.wall.ended for one in known),
            kaplan_meier(one.wall for one in known),
            kaplan_meier(one.business for one in known),
            Share(sum(decided), len(decided)),
        )


def verdict_times(cases: Iterable[InquiryCase]) -> tuple[VerdictTimes, Mapping[str, VerdictTimes]]:
    """Of all, and by whose it was to judge."""
    awaited = [case.awaited for case in cases if case.awaited is not None]
    whose = sorted({one.owner for one in awaited})
    return VerdictTimes.of(awaited), {
        owner: VerdictTimes.of(one for one in awaited if one.owner == owner) for owner in whose
    }


def reversals(cases: Iterable[InquiryCase]) -> tuple[Share, Mapping[str, Share]]:
    """Verdicts that a later word on the wait has changed, of all verdicts; and by who gave them."""
    given, changed = Counter[str](), Counter[str]()
    for case in cases:
        for who, reversed_ in case.reversals:
            given[who] += 1
            changed[who] += reversed_
    whole = Share(changed.total(), given.total())
    return whole, {who: Share(changed[who], given[who]) for who in sorted(given)}


def later_unqualified(cases: Iterable[InquiryCase], triage: Collection[str], until: datetime) -> Share:
    """Waits that somebody outside the triage had as sales and that are none by now, of all such waits that are old
    enough. A lower bound: sellers mark by choice.
    """
    sold = [case for case in cases if case.at <= until - SETTLED and case.seller(triage)]
    return Share(sum(case.gives != SALES for case in sold), len(sold))
