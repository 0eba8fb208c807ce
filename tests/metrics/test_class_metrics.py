"""Metrics of classes and verdicts: there where the config has classes, at zero before anything happens, by no new label
of a family that there was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inboxwatch.config import Config
from inboxwatch.core.model import ShownFigures
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.qualification.inquiry import ClassRule
from inboxwatch.core.statistics.figures import Figures, Tally
from inboxwatch.metrics import Metrics
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

CLASSES = {"sales": True, "unknown": True, "support": True, "vendor": False}
RULES = (ClassRule("link building", "vendor"), ClassRule("help desk", "support"))
Samples = dict[str, dict[frozenset[str], float]]
"""Name -> label values -> value."""


@dataclass
class Holder:
    config: Config


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    daemon = InProcessDaemon(tmp_path)
    yield replace(daemon.rules.config, qualification=Qualification(CLASSES, RULES))
    daemon.close()


def exposed(config: Config, figures: Figures) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(Metrics(Holder(config)).exposition(figures, MONDAY).decode()):
        for sample in family.samples:
            name = sample.name.removeprefix("inboxwatch_")
            found.setdefault(name, {})[frozenset(sample.labels.values())] = sample.value
    return found


def test_what_the_config_names_is_at_zero_before_anything_happens(config: Config) -> None:
    told = exposed(config, Figures())
    assert told["rule_inquiries_total"] == {frozenset({"link building"}): 0, frozenset({"help desk"}): 0}
    assert told["contradicted_total"] == {frozenset({"link building"}): 0}, "a class with a clock contradicts nothing"
    assert told["class_clocks_open"][frozenset({"vendor", "running"})] == 0
    assert frozenset({"support", "true"}) in told["class_replies_total"], "somebody owes support an answer"
    assert frozenset({"vendor", "true"}) not in told["class_replies_total"]
    assert told["verdict_breaches_total"][frozenset({"ana"})] == 0
    assert told["verdict_seconds_count"][frozenset({"ana", "wall"})] == 0
    assert told["verdicts_total"][frozenset({"ana", "unknown", "vendor"})] == 0
    assert all(value == 0 for value in told["false_escalations_total"].values())
    assert told["false_escalations_total"]


def test_figures_come_as_they_are_and_by_team_where_people_are_not_shown(config: Config) -> None:
    figures = Figures(
        inquiries={("ana", "vendor", "rule"): 3},
        verdicts={("ana", "unknown", "support"): 2},
        verdict_open={("ana", "breached"): 1},
        verdict_latency={("ana", "wall"): Tally(total=60.0)},
        false_escalations={("gone ladder", 2): 4},
    )
    told = exposed(config, figures)
    assert told["inquiries_total"][frozenset({"ana", "vendor", "rule"})] == 3
    assert told["inquiries_total"][frozenset({"sales", "vendor", "rule"})] == 0, "another mailbox has a series too"
    assert {labels for labels, count in told["verdicts_total"].items() if count} == {
        frozenset({"ana", "unknown", "support"})
    }
    assert told["verdicts_total"][frozenset({"ana", "unknown", "support"})] == 2
    assert told["verdict_clocks_open"][frozenset({"ana", "breached"})] == 1
    assert told["verdict_seconds_sum"][frozenset({"ana", "wall"})] == 60
    assert told["false_escalations_total"][frozenset({"gone ladder", "2"})] == 4
    by_team = exposed(replace(config, figures=ShownFigures.TEAMS), figures)
    assert not any("ana" in labels for name in by_team if "verdict" in name for labels in by_team[name])
    assert sum(by_team["verdicts_total"].values()) == 2


def test_a_config_without_classes_exposes_none_of_them_and_no_family_gets_a_label(config: Config) -> None:
    figures = Figures(class_open={("sales", "running"): 1})
    plain, told = exposed(replace(config, qualification=None), figures), exposed(config, figures)
    assert not any(name.startswith(("class_", "verdict", "inquiries", "contradicted")) for name in plain)
    assert {name: told[name] for name in plain} == plain
