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
from tests.support.panels import ALL, DASHBOARDS, asked, dashboards, filled, panels_of, rows_of

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
        for panel in [*panels_of(dashboard), *rows_of(dashboard)]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, f"{panel['title']} lies over another panel"
            taken |= cells
        assert all(panel["description"].strip() for panel in panels_of(dashboard))
        ids = [panel["id"] for panel in [*panels_of(dashboard), *rows_of(dashboard)]]
        assert len(set(ids)) == len(ids)
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
        "InboxwatchFilterContradicted",
    }
    assert [labels["mailbox"] for labels in firing["InboxwatchMailboxBlind"]] == ["ben"]
    assert [labels["channel"] for labels in firing["InboxwatchDeadLetters"]] == ["gone"]
    assert [labels["channel"] for labels in firing["InboxwatchNotificationsPending"]] == ["away"]
    assert [labels["owner"] for labels in firing["InboxwatchOldestWait"]] == ["ana"]
    assert [labels["rule"] for labels in firing["InboxwatchFilterContradicted"]] == ["link or article wanted"]


def test_alertmanager_hands_alerts_to_their_audience(monitored: MonitoredDaemon) -> None:
    def received() -> dict[str, list[str]]:
        alerts = monitored.alertmanager.get("/api/v2/alerts")
        return {one["labels"]["alertname"]: [each["name"] for each in one["receivers"]] for one in alerts}

    monitored.alertmanager.wait(
        lambda: {"InboxwatchMailboxBlind", "InboxwatchOldestWait"} <= received().keys(), "no alert"
    )
    assert received()["InboxwatchMailboxBlind"] == ["it"]
    assert received()["InboxwatchOldestWait"] == ["managers"]


def test_a_bar_stands_on_its_own_day_and_today_has_one(tmp_path: Path) -> None:
    """Two rises on the first day, three on the second up to 16:00, asked at the midnights at which both begin."""
    panels = [panel for dashboard in dashboards() for panel in panels_of(dashboard) if panel.get("interval") == "1d"]
    assert len(panels) == 6, "the panels by day"
    (told,) = (panel for panel in panels if panel["title"] == "Steps told, by day")
    case = {
        "interval": "1h",
        "input_series": [
            {"series": 'inboxwatch_escalations_total{reason="breach"}', "values": "0x10 2x22 5x6"},
        ],
        "promql_expr_test": [
            {
                "expr": told["targets"][0]["expr"],
                "eval_time": day,
                "exp_samples": [{"labels": '{reason="breach"}', "value": rise}] if rise else [],
            }
            for day, rise in (("0d", 2), ("1d", 3), ("2d", 0))  # promtool loads samples up to the last time asked for
        ],
    }
    written = tmp_path / "days.yml"
    with written.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"tests": [case]}, file)
    judged = subprocess.run(["promtool", "test", "rules", written], capture_output=True, text=True, timeout=60)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_what_a_panel_leads_to_on_the_board_counts_the_same_state() -> None:
    (overdue,) = (one for dashboard in dashboards() for one in panels_of(dashboard) if one["title"] == "Overdue")
    (link,) = overdue["fieldConfig"]["defaults"]["links"]
    state = re.search(r"state=(\w+)", link["url"])
    assert state is not None
    assert f'state="{state[1]}"' in overdue["targets"][0]["expr"]


def test_what_a_house_without_qualification_lacks_is_in_a_row_that_is_closed_and_says_so() -> None:
    """Grafana asks for the panels of a closed row only once somebody opens it."""
    found = {
        one["title"]: any("verdict" in target["expr"] or "inquiries" in target["expr"] for target in one["targets"])
        for dashboard in dashboards()
        for one in dashboard["panels"]
        if one["type"] != "row"
    }
    assert not any(found.values()), found
    (row,) = (one for dashboard in dashboards() for one in rows_of(dashboard))
    assert row["collapsed"]
    assert row["panels"]
    assert "no such section" in row["title"]


def test_verdicts_and_filters_are_shown_as_they_were(monitored: MonitoredDaemon) -> None:
    """One inquiry was filtered and answered all the same; Ben judged another."""
    told = {one.panel: monitored.prometheus.now(one.expr) for one in asked(ALL) if one.instant}
    assert [values for _, values in told["To be judged"]] == [[0]]
    assert [values for _, values in told["Filters contradicted, 30 days"]] == [[1]]
    by_day = next(one for one in asked(ALL) if one.panel == "Verdicts by class, by day")
    now = by_day.expr.replace(" offset -1d", "")
    assert {labels["class"]: values for labels, values in monitored.prometheus.now(now) if values != [0]} == {
        "vendor": [1]
    }


def test_all_columns_of_the_heat_map_fit_into_the_dashboard() -> None:
    """A table's columns are 150 px wide at least unless told otherwise; a dashboard has about 1200 on a laptop."""
    (heat,) = (one for dashboard in dashboards() for one in panels_of(dashboard) if one["title"] == "When buyers wait")
    assert 25 * heat["fieldConfig"]["defaults"]["custom"]["minWidth"] < 1200 * heat["gridPos"]["w"] / 24


def test_a_mailbox_is_told_to_be_read_or_blind_in_words() -> None:
    (table,) = (
        one
        for dashboard in dashboards()
        for one in panels_of(dashboard)
        if one["type"] == "table" and any("inboxwatch_mailbox_up" in target["expr"] for target in one["targets"])
    )
    found = {
        value: said["text"]
        for override in table["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "mappings"
        for value, said in one["value"][0]["options"].items()
    }
    assert found == {"1": "read", "0": "blind"}


def test_states_and_reasons_of_the_metrics_are_shown_in_the_words_of_the_board() -> None:
    drawn = {
        one["title"]: {
            override["matcher"]["options"]: said["value"]
            for override in one["fieldConfig"]["overrides"]
            for said in override["properties"]
            if said["id"] == "displayName"
        }
        for dashboard in dashboards()
        for one in panels_of(dashboard)
        if one["type"] == "timeseries"
    }
    states = {"warned": "due soon", "breached": "overdue", "unverified": "can't tell"}
    assert drawn["Open waits by state"] == states
    assert drawn["Steps told, by day"].items() >= {"breach": "due", "escalated": "overdue"}.items()
