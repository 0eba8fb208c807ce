"""All figures of qualification over a time: gatekeeping that is measured, and says of how many (rule 54)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from inboxwatch.core.qualification.decision import SALES, UNKNOWN
from inboxwatch.core.statistics.qualification_answers import AnswerShares, Triaged, answers, triaged
from inboxwatch.core.statistics.qualification_filter import FilterFigures, Shadow, filter_figures, shadow
from inboxwatch.core.statistics.qualification_inquiry import SELLERS, InquiryCase
from inboxwatch.core.statistics.qualification_steps import Escalations, escalations
from inboxwatch.core.statistics.qualification_verdicts import (
    VerdictTimes,
    later_unqualified,
    reversals,
    verdict_times,
)
from inboxwatch.core.statistics.share import Share

LOOK_BACK = timedelta(days=120)
"""Over so long a time it is counted what takes weeks to show, where the period is shorter."""


class QualificationPeriod(NamedTuple):
    """Inquiries that began in [since, until); open ones are as they were at `until`."""

    since: datetime
    until: datetime

    @property
    def matured_since(self) -> datetime:
        """From when on inquiries are counted by what takes weeks to show."""
        return min(self.since, self.until - LOOK_BACK)


@dataclass(frozen=True, slots=True)
class QualificationFigures:
    """Each with the number that it is of."""

    period: QualificationPeriod
    classes: Mapping[str, int]
    """Class, as known now -> inquiries of the period."""
    to_verdict: VerdictTimes
    by_triager: Mapping[str, VerdictTimes]
    answers: AnswerShares
    filter: FilterFigures
    reversals: Share
    reversed_of: Mapping[str, Share]
    """By who gave the verdicts."""
    unqualified_later: Share
    """Of the waits that sellers had as sales: a lower bound."""
    escalations: Escalations
    triaged: Triaged
    shadow: Shadow
    moved: int
    """Inquiries that a later verdict moved into the figures of sales, or out of them."""
    overdue_before: tuple[InquiryCase, ...]
    """Those that fell due before it was known that they are neither sales nor unknown, the latest last."""

    @property
    def inquiries(self) -> int:
        return sum(self.classes.values())

    @property
    def sales(self) -> int:
        return self.classes.get(SALES, 0)

    @property
    def unknown(self) -> int:
        """Still to be judged: they stand apart from sales."""
        return self.classes.get(UNKNOWN, 0)


def qualification_figures(
    period: QualificationPeriod, cases: Iterable[InquiryCase], classes: Mapping[str, bool], triage: Collection[str]
) -> QualificationFigures:
    """The figures of inquiries that began since `period.matured_since`.

    `classes`: class -> whether it has a clock; one that is not listed (any more) has. `triage`: who judges.
    """
    matured = sorted((case for case in cases if case.at < period.until), key=lambda case: (case.at, case.id))
    known = [case for case in matured if case.at >= period.since]
    to_verdict, by_triager = verdict_times(known)
    whole, by_person = reversals(known)
    names = sorted({case.gives for case in known})
    return QualificationFigures(
        period=period,
        classes={name: sum(case.gives == name for case in known) for name in names},
        to_verdict=to_verdict,
        by_triager=by_triager,
        answers=answers(known),
        filter=filter_figures(known, matured, period.until, lambda name: classes.get(name, True)),
        reversals=whole,
        reversed_of=by_person,
        unqualified_later=later_unqualified(matured, triage, period.until),
        escalations=escalations(known),
        triaged=triaged(known),
        shadow=shadow(known, classes),
        moved=sum(case.moved for case in known),
        overdue_before=tuple(
            case for case in known if case.breach_class in SELLERS and case.gives not in SELLERS and case.breached_at
        ),
    )
