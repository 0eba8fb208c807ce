"""The report on the board: by period and team, as one's role and `figures` allow, and never in the way of the rest."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.calendar_period import NAMED, CalendarPeriod
from inboxwatch.engine.report import page
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.teams import shown as told
from inboxwatch.notify.report_messages import PERIODS
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOSTILE = '<script>document.title="owned"</script>'
TEAMS = "teams:\n  emea: {members: [ana], lead: max}\n  apac: {members: [ben]}\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Any:
    """Last week Ana let a buyer wait and Ben answered his; today is the Wednesday after."""
    daemon = InProcessDaemon(tmp_path)
    text = daemon.path.read_text()
    daemon.path.write_text(text.replace("teams:\n  emea: {members: [ana, ben], lead: max}\n", TEAMS))
    daemon.config = configuration.load(daemon.path)
    daemon.lead("bo@buyer.test", owner="ana", name=HOSTILE)
    daemon.lead("cy@other.test", owner="ben", name="Cy Chen")
    daemon.mail("bo@buyer.test", "ana@acme.test", subject="Prices <b>now</b>")
    question = daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    daemon.mail("ben@acme.test", "cy@other.test", mailbox="sales", parent=question, after=HOUR)
    daemon.passes(9 * DAY - HOUR)
    yield daemon
    daemon.close()


async def shown(client: TestClient[Any, Any], **asked: str) -> str:
    answer = await client.get("/report", params=asked)
    assert answer.status == 200, await answer.text()
    return await answer.text()


def on_time(page: str) -> list[str]:
    """The two shares on top of a page, of first and of next replies."""
    return re.findall(r'<li><b class="[^"]*">([^<]+)</b> (?:first|next) replies on time', page)


async def test_the_page_tells_the_last_whole_week_and_leads_to_others(client: TestClient[Any, Any]) -> None:
    page = await shown(client)
    assert "4–10 May 2026" in page
    assert on_time(page) == ["50%", "–"]
    links = dict(re.findall(r'<a (?:rel="\w+" )?href="(/report[^"]+)"(?: aria-current="page")?>([^<]+)</a>', page))
    assert [path.partition("=")[2] for path in links] == [
        "this-week", "last-week", "this-month", "last-month", "2026-W18", "2026-W20",
    ]  # fmt: skip
    for path, words in links.items():
        answer = await client.get(path)
        assert answer.status == 200, words
    assert "not over yet" in await shown(client, period="this-week")
    assert 'rel="next"' not in await shown(client, period="this-week")
    assert "No wait began in this period" in await shown(client, period="2026-W10")


async def test_the_page_speaks_the_readers_language(client: TestClient[Any, Any]) -> None:
    """What is drawn, and what is told of a wait, as well as the sentences."""
    page = await shown(client, lang="de", team="emea")
    for said in (
        "4.–10. Mai 2026, Team",
        "Letzte Woche",
        "50\xa0%",
        "offen, überfällig",
        'aria-label="Anfragen nach ihrem Beginn"',
    ):
        assert said in page
    assert re.findall(r"never answered|on time|business time|May\b", page) == []
    answer = await client.get("/report", headers={"Accept-Language": "es"}, cookies={"inboxwatch-lang": ""})
    assert "Primeras respuestas" in await answer.text()


async def test_a_teams_report_is_that_of_its_people(client: TestClient[Any, Any]) -> None:
    assert on_time(await shown(client, team="emea")) == ["0%", "–"]
    assert on_time(await shown(client, team="apac")) == ["100%", "–"]


@pytest.mark.parametrize(
    "asked", [{"team": "nobody"}, {"period": "soon"}, {"period": "2026-W54"}, {"period": "2027-01"}]
)
async def test_what_there_is_no_report_of_is_said(client: TestClient[Any, Any], asked: dict[str, str]) -> None:
    assert (await client.get("/report", params=asked)).status == 404


async def test_buyers_words_are_text_and_nothing_is_inline(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    page = await shown(client)
    assert "&lt;script&gt;document" in page
    assert "Prices &lt;b&gt;" in page
    assert re.findall(r"<script(?! src=)|<style| style=| on\w+=|https?://(?!www\.w3\.org)", page) == []
    with daemon.store.reading() as tx:
        (wait,) = [row.id for row in tx.clocks.listed({}, None, 9) if row.lead == "bo@buyer.test"]
    assert f'href="/waits/{wait}"' in page
    assert (await client.get("/report.css")).content_type == "text/css"


async def test_where_only_teams_are_shown_the_report_names_nobody(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    assert "Ana Diaz" in await shown(client)
    daemon.path.write_text(daemon.path.read_text().replace("leads: {}", "leads: {}\nfigures: teams"))
    daemon.config = configuration.load(daemon.path)
    for asked in ({}, {"team": "emea"}, {"period": "last-month"}):
        page = re.sub(r"<[^>]+>", " ", await shown(client, **asked))
        assert re.findall(r"Ana Diaz|Ben Ito|Max Ode|\b(?:ana|ben|max)\b", page) == []
    assert on_time(await shown(client, team="emea")) == ["0%", "–"]


async def test_whoever_is_not_signed_in_sees_no_report(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path, token="sesame-open-please")  # a test's own
    async with TestClient(TestServer(make_app(daemon))) as client:
        for path in ("/report", "/report.css"):
            assert (await client.get(path, allow_redirects=False)).status == 401
        answer = await client.get("/report", headers={"Authorization": "Bearer sesame-open-please"})
        assert answer.status == 200
    daemon.close()


def test_there_is_nothing_to_report_of_a_week_that_begins_this_instant() -> None:
    """Shares of no time at all are none."""
    now = datetime(2026, 5, 11, tzinfo=UTC)
    with pytest.raises(ValueError, match="has not begun"):
        Period.of(CalendarPeriod.parse("this-week", now.date()), ZoneInfo("UTC"), now)


def test_a_week_that_is_not_over_is_compared_with_as_much_of_the_week_before() -> None:
    """Also over a change to summer time: Wednesday noon is Wednesday noon."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 4, 1, 12, tzinfo=zone)
    period = Period.of(CalendarPeriod.parse("this-week", now.date()), zone, now)
    assert (period.before.start, period.before.end) == (
        datetime(2026, 3, 23, tzinfo=zone),
        datetime(2026, 3, 25, 12, tzinfo=zone),
    )
    whole = Period.of(CalendarPeriod.parse("last-month", now.date()), zone, now)
    assert whole.end == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert (whole.before.start, whole.before.end) == (datetime(2026, 2, 1, tzinfo=zone), whole.start)


def test_every_period_that_has_a_name_has_words() -> None:
    assert set(PERIODS) == set(NAMED)


async def followed(client: TestClient[Any, Any], page: str) -> int:
    """Follows every figure of a report that leads to a list, and returns how many there are."""
    links = re.findall(r'<a href="(?:http://127\.0\.0\.1:0)?(/waits\?since=[^"]+)">(\d+)</a>', page)
    for path, number in links:
        answer = await client.get(unescape(path))
        text = await answer.text()
        assert answer.status == 200, path
        assert re.search(rf"<h1>[^<]+: {number}</h1>", text), path
        assert text.count('class="c-buyer"') == int(number), path
    return len(links)


async def test_figures_of_people_teams_and_tiers_lead_to_the_waits_that_they_count(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    """Late, never, open; one whose owner was away is nobody's figure, and one that went over counts for whom it had
    when it fell due."""
    path = daemon.path.read_text()
    leave = "max@acme.test, leave: [{from: 2026-05-13, to: 2026-05-30}]}"
    daemon.path.write_text(path.replace("max@acme.test}", leave))
    daemon.config = configuration.load(daemon.path)
    for place, owner in enumerate(("ana", "ben", "max", "ana")):
        daemon.lead(f"d{place}@deal{place}.test", owner=owner, tier="hot" if place else "")
        question = daemon.mail(
            f"d{place}@deal{place}.test", "sales@acme.test", mailbox="sales", subject=f"Deal {place}"
        )
        if place == 1:
            daemon.mail("ben@acme.test", f"d{place}@deal{place}.test", mailbox="sales", parent=question, after=9 * HOUR)
    daemon.passes(3 * HOUR)
    for asked, least in (({"period": "this-month"}, 15), ({"period": "this-month", "team": "emea"}, 6)):
        text = await shown(client, **asked)
        assert "away=yes" in text
        assert await followed(client, text) >= least
    month = Period.of(CalendarPeriod.parse("this-month", daemon.at.date()), ZoneInfo("UTC"), daemon.at)
    with daemon.store.reading() as tx:
        whole = page.render(told(tx, daemon.config, month), daemon.at)
    assert await followed(client, whole) >= 15, "the file leads there by the board's whole address"


async def test_lists_behind_figures_of_single_people_are_not_shown_where_only_teams_are(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    daemon.path.write_text(daemon.path.read_text() + "figures: teams\n")
    daemon.config = configuration.load(daemon.path)
    text = await shown(client)
    assert await followed(client, text) >= 2
    assert "owner=" not in text
    within = "since=2026-05-04T00:00:00Z&until=2026-05-11T00:00:00Z"
    for path, status in (
        (f"/waits?{within}&owner=ana", 404),
        (f"/waits?{within}&away=yes", 404),
        (f"/waits?{within}&team=emea", 200),
        (f"/waits?{within}&outcome=lost", 404),
        ("/waits?since=yesterday&until=", 404),
    ):
        assert (await client.get(path)).status == status, path
