"""How the inquiries of a report's period were qualified, and which were overdue before it was known what they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.statistics.qualification import QualificationFigures, QualificationPeriod
from inboxwatch.engine.qualification import person_shown, read_qualification
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify.text import clean
from inboxwatch.store import Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

LISTED = 15


@dataclass(frozen=True, slots=True)
class OverdueBefore:
    """A wait that fell due before a person said that it is none of sales."""

    id: str
    buyer: str
    """Untrusted text, cleaned."""
    gives: str
    was: str
    """Its class when it fell due."""
    owner: str
    """Whose it was then: a person, or a team where people are not shown."""
    breached_at: datetime


@dataclass(frozen=True, slots=True)
class ReportedQualification:
    """The figures, and the waits that they list."""

    figures: QualificationFigures
    overdue_before: tuple[OverdueBefore, ...]
    """The last `LISTED` of them."""


def read_qualified(tx: Transaction, config: Config, period: Period, team: str = "") -> ReportedQualification | None:
    """How a period's inquiries were qualified, of all or of a team's; None where the config has no classes."""
    if config.qualification is None:
        return None
    rules = Rules.of(config, {})
    asked = QualificationPeriod(period.start, period.end)
    found = read_qualification(tx, rules, config.qualification, asked, team)
    shown = person_shown(config)
    cases = found.overdue_before[-LISTED:]
    rows = tx.board.of_ids([case.id for case in cases])
    names = {str(view.id): clean(view.buyer, 60) for view in wait_views(tx, rules, rows, period.end, Detail.BUYER)}
    listed = [
        OverdueBefore(case.id, names.get(case.id, ""), case.gives, case.breach_class, shown(case.owner_at(at)), at)
        for case in cases
        if (at := case.breached_at) is not None
    ]
    return ReportedQualification(found, tuple(listed))
