"""Half a year of a sales company, replayed as it came and read as history: its reports against an independent recount.

Every report of a month and of a week, of all and of each team, as JSON and as a page, wait by wait. One line a way of
reading, with the number of figures that differ; they are printed below it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from inboxwatch.core.calendar_period import CalendarPeriod
from inboxwatch.engine.report.period import Period
from tests.support.company_desk import CompanyDesk
from tests.support.recount import Recount
from tests.support.report_check import differences
from tests.support.sales_company import BEGIN, TEAMS, SalesCompany

LONDON = ZoneInfo("Europe/London")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=14_000)
    parser.add_argument("--days", type=int, default=182)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    company = SalesCompany(given.seed, given.mails, given.days)
    for name in ("lived", "history"):
        with tempfile.TemporaryDirectory() as folder:
            desk, begun = CompanyDesk(Path(folder), company), time.process_time()
            if name == "lived":
                desk.live()
            else:
                desk.history()
            seconds = time.process_time() - begun
            _tell(desk, Recount(company, lived=name == "lived"), f"{name}, {seconds:.0f} s of CPU")
            desk.store.close()


def _tell(desk: CompanyDesk, recount: Recount, how: str) -> None:
    company, found, reports = desk.company, list[str](), 0
    days = [BEGIN.date() + timedelta(days=number) for number in range(company.days)]
    weeks, months = (dict.fromkeys(f"{day:{form}}" for day in days) for form in ("%G-W%V", "%Y-%m"))
    for code in (*weeks, *months):
        period = Period.of(CalendarPeriod.parse(code, company.end.date()), LONDON, company.end)
        for team in ("", *TEAMS):
            reports += 1
            found += [f"{code} {team}: {one}" for one in differences(desk, recount, period, team)]
    about = f"{len(company.letters)} mails, {len(company.leads)} leads, {len(recount.waits)} waits, {reports} reports"
    escalated = sum(len(wait.escalated) for wait in recount.waits)
    moved = sum(len(wait.given) - 1 for wait in recount.waits)
    sys.stdout.write(f"recount ({how}): {about}, {escalated} escalations, {moved} assignments: {len(found)} differ\n")
    for one in found:
        sys.stdout.write(f"  {one}\n")


if __name__ == "__main__":
    main()
