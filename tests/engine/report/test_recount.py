"""A company's reports against a recount that knows nothing of the program: every figure, of each team and of all.

`tests/benchmarks/recount.py` does the same with half a year and 14,000 mails.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from inboxwatch.core.calendar_period import CalendarPeriod
from inboxwatch.engine.report.period import Period
from tests.support.company_desk import CompanyDesk
from tests.support.recount import Recount
from tests.support.report_check import differences
from tests.support.sales_company import TEAMS, SalesCompany

LONDON = ZoneInfo("Europe/London")


def unlike(desk: CompanyDesk, recount: Recount, *periods: str) -> list[str]:
    """What reports of some periods say otherwise than the recount."""
    end, found = desk.company.end, list[str]()
    for code in periods:
        period = Period.of(CalendarPeriod.parse(code, end.date()), LONDON, end)
        for team in ("", *TEAMS):
            found += [f"{code} {team}: {one}" for one in differences(desk, recount, period, team)]
    return found


def test_a_report_of_what_was_lived_through_says_what_truly_happened(tmp_path: Path) -> None:
    """With deeds, hand-overs, leave and ladders."""
    company = SalesCompany(seed=13, mails=60, days=12)
    desk = CompanyDesk(tmp_path, company)
    desk.live()
    recount = Recount(company, lived=True)
    assert sum(len(wait.escalated) for wait in recount.waits) > 20
    assert sum(len(wait.given) > 1 for wait in recount.waits) > 10
    assert unlike(desk, recount, "2026-01") == []
    desk.store.close()


def test_a_report_of_history_says_what_truly_happened(tmp_path: Path) -> None:
    """Also of who was on leave then, whichever mailbox is read first."""
    company = SalesCompany(seed=5, mails=200, days=22)
    desk = CompanyDesk(tmp_path, company)
    desk.history()
    assert unlike(desk, Recount(company, lived=False), "2026-01") == []
    desk.store.close()
