"""Reports by mail: which period is due when, each owed once however many engines share the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from inboxwatch.core.calendar_period import CalendarPeriod, Every
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import ReportMark

if TYPE_CHECKING:
    from inboxwatch.config import Config, ReportMailConfig

LATE = timedelta(hours=1)
"""From how long after its time on a report says that it leaves late."""


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """A report that is owed to a reader, as the body of its delivery names it."""

    mail: ReportMailConfig
    period: CalendarPeriod
    due_at: datetime
    missed: bool
    """Whether reports of earlier periods were never sent."""

    @classmethod
    def of(cls, config: Config, body: Mapping[str, Any]) -> ReportOrder | None:
        """None where the config names the report no more."""
        mail = config.report_mails.get(body["report"])
        if mail is None:
            return None
        due_at = datetime.fromisoformat(body["due_at"]).astimezone(mail.zone)
        return cls(mail, CalendarPeriod.parse(body["period"], due_at.date()), due_at, bool(body["missed"]))


def due_at(mail: ReportMailConfig, period: CalendarPeriod) -> datetime:
    """When the report of a whole period leaves: on the day and at the time of the config, after its end."""
    day = period.after
    if mail.every is Every.WEEK:
        day += timedelta(days=mail.weekday)
    return datetime.combine(day, time(mail.at // 60, mail.at % 60), mail.zone)


def last_due(mail: ReportMailConfig, now: datetime) -> CalendarPeriod:
    """The last period whose report is due."""
    period = CalendarPeriod.holding(mail.every, now.astimezone(mail.zone).date()).previous
    return period if due_at(mail, period) <= now else period.previous


def enqueue_reports(tx: Transaction, rules: Rules, now: datetime) -> int:
    """Owes what has fallen due since it was looked at last; of several periods the last. Returns how many are new."""
    new = 0
    for mail, period in _due(rules.config, now):
        decided = tx.marks.get(ReportMark(mail.name))
        if decided is not None and decided >= period.after:
            continue
        tx.marks.set(ReportMark(mail.name), period.after)
        if decided is None:
            # What was due before it was first looked for is no news.
            continue
        body = {
            "report": mail.name,
            "period": period.code,
            "due_at": due_at(mail, period).isoformat(),
            "missed": decided < period.first,
        }
        new += tx.deliveries.enqueue(rules.notices.report(f"report/{mail.name}/{period.code}", mail.to, now, **body))
    return new


def _due(config: Config, now: datetime) -> Iterator[tuple[ReportMailConfig, CalendarPeriod]]:
    for mail in config.report_mails.values():
        yield mail, last_due(mail, now)
