"""Who follows up when: by day of each owner's own time zone, and every one of them counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.follow_up_days import Day, day_of
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.actions import Actor
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
ZONES = """
  west: {timezone: America/Los_Angeles, hours: {mon-fri: ["00:00-24:00"]}}
  east: {timezone: Asia/Tokyo, hours: {mon-fri: ["00:00-24:00"]}}
people:"""


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[InProcessDaemon]:
    """Ana works in Los Angeles, Ben in Tokyo; each wrote to a buyer, and follows up at Tuesday, 2:00 UTC."""
    daemon = InProcessDaemon(tmp_path, follow_up="17h", store=database)
    text = daemon.path.read_text().replace("\npeople:", ZONES, 1)
    text = text.replace("email: ana@acme.test,", "email: ana@acme.test, calendar: west,")
    text = text.replace("email: ben@acme.test,", "email: ben@acme.test, calendar: east,")
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)
    for owner in ("ana", "ben"):
        daemon.lead(f"bo@for-{owner}.test", owner=owner, name=f"Buyer of {owner}")
    for owner in ("ana", "ben"):
        daemon.mail("ana@acme.test", f"bo@for-{owner}.test")
    yield daemon
    daemon.close()


@pytest.mark.parametrize(
    ("now", "ana", "ben"),
    [
        (datetime(2026, 5, 4, 9, tzinfo=UTC), Day.TODAY, Day.TOMORROW),
        (datetime(2026, 5, 4, 6, 30, tzinfo=UTC), Day.TOMORROW, Day.TOMORROW),
        (datetime(2026, 5, 4, 16, tzinfo=UTC), Day.TODAY, Day.TODAY),
        (datetime(2026, 5, 5, 6, 59, tzinfo=UTC), Day.TODAY, Day.TODAY),
        (datetime(2026, 5, 5, 7, 0, tzinfo=UTC), Day.OVERDUE, Day.TODAY),
        (datetime(2026, 5, 5, 15, 0, tzinfo=UTC), Day.OVERDUE, Day.OVERDUE),
    ],
)
async def test_rule_40_a_follow_up_stands_under_its_day_where_its_owner_lives(
    daemon: InProcessDaemon, now: datetime, ana: Day, ben: Day
) -> None:
    daemon.at = now
    async with TestClient(TestServer(make_app(daemon))) as client:
        for day in Day:
            answer = await client.get("/api/v1/follow-ups", params={"day": day})
            owners = {item["owner"]: item["day"] for item in (await answer.json())["items"]}
            expected = {"ana": "2026-05-04"} if ana is day else {}
            expected |= {"ben": "2026-05-05"} if ben is day else {}
            assert owners == expected, day
        page = await (await client.get("/follow-ups?owner=ana")).text()
        assert f"{'Overdue' if ana is Day.OVERDUE else ana.capitalize()}: 1" in page
        assert "Buyer of ana" in page
        assert "Buyer of ben" not in page
        assert (await client.get("/follow-ups?day=never")).status == 404


def test_the_week_ends_with_its_sunday() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    friday = datetime(2026, 5, 8, 12, tzinfo=zone)
    found = {date(2026, 5, 4 + day): day_of(friday + timedelta(days=day - 4), friday, zone) for day in range(9)}
    assert list(found.values())[3:] == ["overdue", "today", "tomorrow", "week", "later", "later"]


async def test_slack_says_who_follows_up_tomorrow(daemon: InProcessDaemon) -> None:
    actions, page = NoticeActions(daemon), f"{daemon.config.web.url}/follow-ups?day="
    for words in ("follow-ups tomorrow", "who follows up tomorrow?", "Follow ups Tomorrow"):
        assert (await actions.lookup(Actor("link", person="ana"), words)).lines == (
            f"Tomorrow: 1 follow-up. Ben Ito 1. {page}tomorrow",
        )
    assert (await actions.lookup(Actor("link", person="ana"), "followups")).lines == (
        f"Today: 1 follow-up. Ana Diaz 1. {page}today",
        f"Tomorrow: 1 follow-up. Ben Ito 1. {page}tomorrow",
    )


async def test_each_of_many_is_counted_and_reached_by_turning_pages(daemon: InProcessDaemon) -> None:
    for number in range(130):
        daemon.lead(f"p{number:03}@many.test", owner="ana")
        daemon.mail("ana@acme.test", f"p{number:03}@many.test")
    daemon.at += timedelta(days=3)
    async with TestClient(TestServer(make_app(daemon))) as client:
        page = await (await client.get("/follow-ups?team=emea")).text()
        assert "Overdue: 132" in page
        assert "All 132 overdue" in page
        found = [await (await client.get(f"/follow-ups?day=overdue&page={number}")).text() for number in (1, 2, 3)]
        assert [text.count('class="row"') for text in found] == [100, 32, 0]
