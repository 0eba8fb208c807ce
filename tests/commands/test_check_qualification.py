"""`check` says what rules of classes can see, which tiers nothing reaches, and whose mail others would judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app

CONFIG = """
organization: {{domains: [acme.test]}}
people:
  ana: {{name: Ana Diaz, email: ana@acme.test}}
  tia: {{name: Tia Dorn, email: tia@acme.test}}
teams: {{triage: {{members: [tia]}}}}
mailboxes:
  ana: {{connector: maildir, address: ana@acme.test, owner: ana, path: .}}
  info: {{connector: maildir, address: info@acme.test, team: triage, path: .}}
privacy: {privacy}
qualification: {{classes: {{support: {{}}, vendor: {{{vendor}}}}}, rules: [rules.yaml]{more}}}
routing:
  rules:
    - {{when: {{class: unknown{where}}}, assign: {{team: triage}}}}
    - {{assign: mailbox.owner}}
  fallback: ana
sla_policies:
  - {{name: triage, when: {{class: unknown}}, verdict: 15m, first_response: 2h, next_response: 2h, escalation: all}}
  - {{name: default, first_response: 4h, next_response: 4h, escalation: all}}
escalation_policies: {{all: {{steps: [{{at: 100%, notify: [owner]}}]}}}}
stop_conditions: [answered, dismissed]
channels: {{desk: {{type: console}}}}
"""
RULES = """
classes: [{name: to help, class: support, to: ["help@"], examples: {fits: [{to: help@acme.test}], not: [{to: NOT}]}}]
score: [{name: asks a price, points: 20, words: [price], examples: {fits: [the price please]}}]
"""


def found(
    folder: Path,
    *,
    vendor: str = "",
    more: str = "",
    where: str = ", mailbox: info",
    privacy: str = "text",
    no: str = "info@acme.test",
) -> list[tuple[str, str]]:
    """Verdict and text of what `check` finds of qualification."""
    folder.joinpath("rules.yaml").write_text(RULES.replace("NOT", no), encoding="utf-8")
    path = folder / "inboxwatch.yaml"
    path.write_text(CONFIG.format(vendor=vendor, more=more, where=where, privacy=privacy), encoding="utf-8")
    done = CliRunner().invoke(app, ["check", "--offline", "-c", str(path), "--json"])
    told = json.loads(done.stdout)
    assert told["problems"] == []
    return [(one["verdict"], one["text"]) for one in told["findings"] if one["subject"] == "qualification"]


def test_rules_that_do_what_their_examples_say_are_counted_and_label_at_first(tmp_path: Path) -> None:
    counted, labels = found(tmp_path)
    assert counted[0] == labels[0] == "ok"
    assert "2 own" in counted[1]
    assert "sleep" in counted[1]  # those of classes that are not listed
    assert "only label" in labels[1]


def test_a_rule_that_does_not_do_what_its_example_says_fails(tmp_path: Path) -> None:
    (verdict, text), *_ = found(tmp_path, no="help@acme.test")
    assert verdict == "failed"
    assert "to help: fits its example" in text


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"vendor": "clock: none", "more": ", audit: 0%"}, "nobody sees what is filtered wrongly"),
        ({"privacy": "headers"}, "look at words and see the subject of new mail alone"),
        (
            {"more": ", tiers: {hot: 60, warm: 20}"},
            "no score reaches the tier hot: it is from 60, and all rules add up",
        ),
        ({"where": ""}, "routing has tia judge what comes to `ana`, which is ana's"),
    ],
)
def test_what_will_not_do_what_is_expected_is_a_warning(tmp_path: Path, changed: dict[str, str], part: str) -> None:
    (warning,) = [text for verdict, text in found(tmp_path, **changed) if verdict == "warning"]
    assert part in warning


def test_an_armed_class_is_named_with_its_audit(tmp_path: Path) -> None:
    assert ("ok", "inquiries of the class vendor get no clock; 10 % of what rules find are judged") in found(
        tmp_path, vendor="clock: none"
    )
