"""Recording and alert rules, and the example configs, as promtool and amtool judge them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from inboxwatch.core.qualification.decision import Qualification
from tests.support.in_process_daemon import InProcessDaemon

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"


def judged(*words: str) -> None:
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rules(name: str) -> list[dict[str, Any]]:
    document = YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_the_example_config_with_its_rules_is_valid() -> None:
    judged("promtool", "check", "config", "prometheus.yml")


def test_the_example_routes_are_valid() -> None:
    judged("amtool", "check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ('alertname="InboxwatchMailboxBlind" audience="it" severity="critical"', "it"),
        ('alertname="InboxwatchOldestWait" audience="managers" severity="warning"', "managers"),
        ('alertname="AnythingElse"', "it"),
    ],
)
def test_an_alert_reaches_its_audience(labels: str, receiver: str) -> None:
    words = [word.replace('"', "") for word in labels.split()]
    judged(
        "amtool", "config", "routes", "test", "--config.file=alertmanager.yml", f"--verify.receivers={receiver}", *words
    )


def test_rules_and_alerts_do_what_their_unit_tests_say() -> None:
    judged("promtool", "test", "rules", "inboxwatch.test.yml")


def test_every_alert_is_unit_tested_and_says_what_to_do() -> None:
    tested = (FOLDER / "inboxwatch.test.yml").read_text(encoding="utf-8")
    for alert in rules("inboxwatch.alerts.yml"):
        name = alert["alert"]
        assert name in tested, name
        assert alert["labels"]["severity"] in {"info", "warning", "critical"}, name
        assert alert["labels"]["audience"] in {"it", "managers"}, name
        for text in ("summary", "description", "runbook"):
            assert alert["annotations"].get(text), f"{name} has no {text}"


def test_rules_name_only_metrics_that_are_exported_or_recorded(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.config = replace(daemon.config, qualification=Qualification({"sales": True, "unknown": True}))
    with daemon.store.reading() as tx:
        text = daemon.metrics.exposition(tx.statistics.figures(daemon.at), daemon.at) + daemon.metrics.process()
    daemon.close()
    known = set(re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE))
    known |= {f"{name}_bucket" for name in known}
    recorded = {rule["record"] for rule in rules("inboxwatch.rules.yml")}
    for rule in [*rules("inboxwatch.rules.yml"), *rules("inboxwatch.alerts.yml")]:
        named = set(re.findall(r"[a-z_:]*inboxwatch[a-z0-9_:]+", rule["expr"]))
        unknown = named - known - recorded
        assert not unknown, f"{rule.get('record') or rule['alert']}: {unknown}"
