"""A team means the same wherever one asks: the people whose waits are its waits, whatever mailbox holds them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from inboxwatch import config as configuration
from inboxwatch.engine.report import cases
from inboxwatch.engine.report.period import Period
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

ONE = "teams:\n  emea: {members: [ana, ben], lead: max}\n"
TWO = "teams:\n  emea: {members: [ana], lead: max}\n  apac: {members: [ben, ana]}\n"
"""Ana is in both; the mailbox in which all wait is emea's."""
OWNERS = {"emea": {"ana", "max"}, "apac": {"ben"}}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.path.write_text(daemon.path.read_text().replace(ONE, TWO))
    daemon.config = configuration.load(daemon.path)
    for owner in ("ana", "ben", "max"):
        daemon.lead(f"bo@for-{owner}.test", owner=owner, name=f"Buyer of {owner}")
        daemon.mail(f"bo@for-{owner}.test", "sales@acme.test", mailbox="sales")
    yield daemon
    daemon.close()


async def test_board_api_metrics_and_report_mean_the_owners_team(daemon: InProcessDaemon) -> None:
    async with TestClient(TestServer(make_app(daemon))) as client:
        for team, owners in OWNERS.items():
            listed = await (await client.get("/api/v1/clocks", params={"team": team})).json()
            assert {item["owner"] for item in listed["items"]} == owners
            assert {item["team"] for item in listed["items"]} == {team}
            page = await (await client.get("/waits", params={"team": team})).text()
            assert {owner for owner in ("ana", "ben", "max") if f"Buyer of {owner}" in page} == owners
            assert f"<b>{len(owners)}</b> waiting" in page
        metrics = await (await client.get("/metrics")).text()
    families = text_string_to_metric_families(metrics)
    series = [one.labels for family in families for one in family.samples if one.name == "inboxwatch_owner_info"]
    assert {team: {one["owner"] for one in series if one["team"] == team} for team in OWNERS} == OWNERS
    day = timedelta(days=1)
    with daemon.store.reading() as tx:
        story = cases.read(tx, daemon.config, Period(daemon.at - day, daemon.at + day, ZoneInfo("UTC")))
    by_team = {case.owner: story.teams[case.owner] for case in story.cases}
    assert by_team == {"ana": "emea", "max": "emea", "ben": "apac"}
