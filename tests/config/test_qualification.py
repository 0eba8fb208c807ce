"""The section `qualification` and its rules files: every refusal has its path and says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.config.class_rules import ClassRuleFile
from inboxwatch.config.reply_rules import document

CONFIG = """
organization: {{domains: [acme.test]}}
calendars:
  office: {{timezone: UTC, hours: {{mon-fri: ["09:00-17:00"]}}}}
people:
  max: {{name: Max Ode, email: max@acme.test}}
mailboxes:
  max: {{connector: maildir, address: max@acme.test, owner: max, path: .}}
{section}
routing: {{rules: [{{when: {{{rule}}}, assign: max}}], fallback: max}}
sla_policies:
  - {{name: first, when: {{{when}}}, calendar: office, {verdict} first_response: 2bh, next_response: 4bh,
     escalation: all}}
  - {{name: default, calendar: office, first_response: 2bh, next_response: 4bh, escalation: all}}
escalation_policies:
  all: {{steps: [{{at: 100%, notify: [owner]}}]}}
stop_conditions: [answered, dismissed]
channels: {{desk: {{type: console}}}}
"""
SECTION = "qualification: {{classes: {{support: {{}}, vendor: {{clock: none}}{more}}}{keys}}}"


def problems(folder: Path, section: str, when: str = "tier: hot", rule: str = "", verdict: str = "") -> list[str]:
    path = folder / "inboxwatch.yaml"
    path.write_text(CONFIG.format(section=section, when=when, rule=rule, verdict=verdict), encoding="utf-8")
    try:
        configuration.load(path)
    except configuration.ConfigError as error:
        return [str(one) for one in error.problems]
    return []


@pytest.mark.parametrize(
    ("more", "keys", "part"),
    [
        (", human: {}", "", "is a kind of mail"),
        (", sales: {clock: none}", "", "has a clock always"),
        (", Hot: {}", "", "small letters"),
        ("", ", tiers: {hot: 60, warm: 60}", "has the threshold of another tier"),
        ("", ", audit: 110%", "qualification.audit"),
        ("", ", customers: [won]", "`customer`, which is not listed"),
        ("", ", rules: [rules.yaml]", "'to jobs' gives the class 'recruiting', which is not listed"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_path(tmp_path: Path, more: str, keys: str, part: str) -> None:
    rule = "{name: to jobs, class: recruiting, to: ['jobs@'], examples: {fits: [{to: jobs@acme.test}]}}"
    tmp_path.joinpath("rules.yaml").write_text(f"classes: [{rule}]\n", encoding="utf-8")
    (problem,) = problems(tmp_path, SECTION.format(more=more, keys=keys))
    assert "qualification" in problem.partition(" ")[0]
    assert part in problem


def test_a_class_in_when_is_one_of_the_list_and_needs_the_section(tmp_path: Path) -> None:
    section = SECTION.format(more="", keys="")
    assert problems(tmp_path, section, "class: [support, unknown, sales]", "class: vendor") == []
    (problem,) = problems(tmp_path, section, "class: suport")
    assert "sla_policies[0].when.class" in problem
    assert "did you mean 'support'?" in problem
    (problem,) = problems(tmp_path, "", rule="class: human")
    assert "routing.rules[0].when.class" in problem
    assert "needs the section `qualification`" in problem


def test_a_section_that_is_wrong_itself_is_not_said_to_be_missing(tmp_path: Path) -> None:
    section = SECTION.format(more="", keys=", audit: ten")
    (problem,) = problems(tmp_path, section, "class: support", "class: [vendor, unheard]", verdict="verdict: 15bm,")
    assert problem.startswith("qualification.audit: ")


@pytest.mark.parametrize(
    "rule",
    [
        "points: .nan, words: [a], examples: {fits: [a]}",
        "points: .inf, words: [a], examples: {fits: [a]}",
        "points: 5, where: {size: {at_least: .nan}}, examples: {fits: [{size: 9}]}",
        "take: score, times: .inf, examples: {fits: [{score: 9}]}",
        "take: score, at_most: .inf, examples: {fits: [{score: 9}]}",
    ],
)
def test_a_score_adds_up_from_numbers_alone(tmp_path: Path, rule: str) -> None:
    tmp_path.joinpath("rules.yaml").write_text(f"score: [{{name: one, {rule}}}]\n", encoding="utf-8")
    (problem,) = problems(tmp_path, SECTION.format(more="", keys=", rules: [rules.yaml]"))
    assert problem.startswith("qualification.rules[0].score[0].")


def test_a_verdict_is_awaited_where_something_can_be_unknown(tmp_path: Path) -> None:
    section = SECTION.format(more="", keys="")
    assert problems(tmp_path, section, "class: unknown", verdict="verdict: 15bm,") == []
    assert problems(tmp_path, section, "tier: hot", verdict="verdict: 15bm,") == []
    (problem,) = problems(tmp_path, section, "class: support", verdict="verdict: 15bm,")
    assert "sla_policies[0].verdict" in problem
    (problem,) = problems(tmp_path, "", verdict="verdict: 15bm,")
    assert "needs the section `qualification`" in problem


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("{name: a, class: support, examples: {fits: [x]}}", "looks at nothing"),
        ("{name: a, class: support, words: ['('], examples: {fits: [x]}}", "no regular expression"),
        ("{name: a, class: support, words: ['x', '(?i)y'], examples: {fits: [x]}}", "cannot stand beside each other"),
        ("{name: a, class: support, to: [help], examples: {fits: [x]}}", "neither an address"),
        ("{name: a, class: support, words: [x]}", "examples"),
        ("{name: a, class: support, to: ['a@'], unless: [x], examples: {fits: [x]}}", "need `words`"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(tmp_path: Path, rule: str, part: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"classes: [{rule}]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=part):
        ClassRuleFile.model_validate(document(path))


def test_examples_that_a_rule_gets_wrong_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        """
classes:
  - name: login
    class: support
    words: [log in]
    at_most: 5
    examples: {fits: [I cannot log in at all today], not: [log in]}
score:
  - name: big
    points: 5
    where: {employees: {at_least: 9}}
    examples: {fits: [{employees: "8"}], not: [{employees: many}]}
  - {name: crm, take: score, times: 0.5, examples: {fits: [{score: "80"}], not: [{score: "1"}]}}
""",
        encoding="utf-8",
    )
    failures = list(ClassRuleFile.model_validate(document(path)).failures())
    assert [one.partition(":")[0] for one in failures] == ["login", "login", "big", "crm"]
    assert "does not fit" in failures[0]
