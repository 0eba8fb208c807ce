"""The dashboards are what their code says, and every expression of them yields something in a real Prometheus."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.doubles.prometheus import DEPLOY
from tests.support.monitored_daemon import MonitoredDaemon, monitored_morning
from tests.support.panels import ALL, DASHBOARDS, asked, dashboards, filled

GENERATE = DASHBOARDS.parent / "generate.py"


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredDaemon]:
    with monitored_morning(tmp_path_factory.mktemp("monitored")) as played:
        yield played


def test_the_committed_dashboards_are_what_their_code_generates(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(GENERATE), str(tmp_path)], check=True, timeout=60)
    generated = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.iterdir()}
    assert generated == committed, "run: python deploy/grafana/generate.py"


def test_panels_fill_the_grid_without_overlap_and_say_what_they_show() -> None:
    for dashboard in dashboards():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, f"{panel['title']} lies over another panel"
            taken |= cells
            assert panel["description"].strip(), panel["title"]
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert [link["title"] for link in dashboard["links"]] == ["The live board", "Dashboards"]


@pytest.mark.parametrize(
    "choices",
    [ALL, {"team": "emea", "owner": "ben", "tier": "warm", "mailbox": "ben"}],
    ids=["everything", "one team, owner, tier and mailbox"],
)
def test_every_panel_shows_something(monitored: MonitoredDaemon, choices: dict[str, str]) -> None:
    empty = []
    for one in asked(choices):
        watcher = monitored.prometheus
        found = watcher.now(one.expr) if one.instant else watcher.over(one.expr, monitored.lasted)
        if not found:
            empty.append(f"{one.dashboard}: {one.panel} ({one.ref}): {one.expr}")
    assert not empty, "\n".join(empty)


def test_every_variable_offers_a_choice(monitored: MonitoredDaemon) -> None:
    offered: dict[str, list[str]] = {}
    for dashboard in dashboards():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] != "query":
                continue
            query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert query is not None, variable["query"]
            offered[variable["name"]] = monitored.prometheus.values_of(query[2], filled(query[1], ALL))
    assert offered == {
        "team": ["emea"],
        "owner": ["ana", "ben", "max"],
        "tier": ["hot", "warm"],
        "mailbox": ["ana", "ben", "max"],
    }


def test_every_recording_rule_records_something(monitored: MonitoredDaemon) -> None:
    document = YAML(typ="safe").load((DEPLOY / "inboxwatch.rules.yml").read_text(encoding="utf-8"))
    recorded = {rule["record"] for group in document["groups"] for rule in group["rules"]}
    empty = [name for name in sorted(recorded) if not monitored.prometheus.now(name)]
    assert not empty
    assert not monitored.prometheus.broken_rules()


def test_attainment_counts_open_overdue_waits_as_missed(monitored: MonitoredDaemon) -> None:
    """Ana: one answer in time, one late, one wait open past its due time. Ben: one in time, one open and unverified."""
    value = monitored.prometheus.value
    assert value('sum(inboxwatch_clocks_open{owner="ana"})') == 2
    assert value('owner:inboxwatch_sla_attainment:ratio30d{owner="ana"}') == pytest.approx(1 / 3)
    assert value('owner:inboxwatch_sla_attainment:ratio30d{owner="ben"}') == 1
    assert value("inboxwatch:sla_attainment:ratio30d") == pytest.approx(2 / 4)
    assert value('sum(team_owner_tier:inboxwatch_replies_by_colleague:delta30d{owner="ben"})') == 1


def test_alerts_fire_for_what_is_wrong_and_for_nothing_else(monitored: MonitoredDaemon) -> None:
    firing = monitored.prometheus.firing()
    assert firing.keys() == {
        "InboxwatchMailboxBlind",
        "InboxwatchCoverageLow",
        "InboxwatchDeadLetters",
        "InboxwatchNotificationsPending",
        "InboxwatchConfigReloadFailed",
        "InboxwatchOldestWait",
        "InboxwatchWaitsUnverified",
        "InboxwatchErrorBudgetSpent",
        "InboxwatchFirstContactFailed",
    }
    assert [labels["mailbox"] for labels in firing["InboxwatchMailboxBlind"]] == ["ben"]
    assert [labels["channel"] for labels in firing["InboxwatchDeadLetters"]] == ["gone"]
    assert [labels["channel"] for labels in firing["InboxwatchNotificationsPending"]] == ["away"]
    assert [labels["owner"] for labels in firing["InboxwatchOldestWait"]] == ["ana"]


def test_alertmanager_hands_alerts_to_their_audience(monitored: MonitoredDaemon) -> None:
    def received() -> dict[str, list[str]]:
        alerts = monitored.alertmanager.get("/api/v2/alerts")
        return {one["labels"]["alertname"]: [each["name"] for each in one["receivers"]] for one in alerts}

    monitored.alertmanager.wait(
        lambda: {"InboxwatchMailboxBlind", "InboxwatchOldestWait"} <= received().keys(), "no alert"
    )
    assert received()["InboxwatchMailboxBlind"] == ["it"]
    assert received()["InboxwatchOldestWait"] == ["managers"]
