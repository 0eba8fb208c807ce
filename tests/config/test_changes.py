"""What a new config changes is named section by section; the same file changes nothing."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.config.changes import Changes, ConfigChanges, changes

TEXT = """
organization: {domains: [acme.test]}
calendars:
  office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}, holidays: {country: GB}}
people:
  ana: {name: Ana Diaz, email: ana@acme.test, calendar: office}
  max: {name: Max Ode, email: max@acme.test}
teams: {emea: {members: [ana]}}
mailboxes:
  ana: {connector: imap, address: ana@acme.test, owner: ana, host: mail.acme.test, password: pass-word-one}
leads: {known: {source: csv, path: leads.csv}}
routing: {fallback: max}
sla_policies:
  - {name: hot, when: {tier: hot}, calendar: office, first_response: 2h, next_response: 4h, escalation: standard}
  - {name: warm, when: {tier: warm}, calendar: office, first_response: 3h, next_response: 4h, escalation: standard}
  - {name: rest, first_response: 4h, next_response: 4h, escalation: standard}
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}], in_hours_only: false}}
stop_conditions: [answered]
channels: {desk: {type: console}}
notify_by: [desk]
"""
HOT, WARM = TEXT.splitlines()[13:15]


def load(folder: Path, text: str) -> Config:
    (folder / "inboxwatch.yaml").write_text(text, encoding="utf-8")
    return configuration.load(folder / "inboxwatch.yaml")


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    assert changes(load(tmp_path, TEXT), load(tmp_path, TEXT)) == ConfigChanges()


@pytest.mark.parametrize(
    ("old", "new", "section", "what"),
    [
        ("  max: {", "  ben: {name: B, email: b@acme.test}\n  max: {", "people", Changes(added=("ben",))),
        ("name: Ana Diaz", "name: Ana D", "people", Changes(changed=("ana",))),
        ("pass-word-one", "pass-word-two", "mailboxes", Changes(changed=("ana",))),
        ("emea:", "apac:", "teams", Changes(added=("apac",), removed=("emea",))),
        ("path: leads.csv", "path: other.csv", "leads", Changes(changed=("known",))),
        ("first_response: 3h", "first_response: 1h", "sla_policies", Changes(changed=("warm",))),
        ("channels: {", "channels: {screen: {type: console}, ", "channels", Changes(added=("screen",))),
    ],
)
def test_what_has_a_name_is_named(tmp_path: Path, old: str, new: str, section: str, what: Changes) -> None:
    found = changes(load(tmp_path, TEXT), load(tmp_path, TEXT.replace(old, new, 1)))
    assert found == ConfigChanges({section: what})


def test_a_calendar_that_changes_changes_policies_and_nobody_who_keeps_it(tmp_path: Path) -> None:
    found = changes(load(tmp_path, TEXT), load(tmp_path, TEXT.replace("18:00", "17:00")))
    assert found.named == {"calendars": Changes(changed=("office",)), "sla_policies": Changes(changed=("hot", "warm"))}


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("domains: [acme.test]", "domains: [acme.test, acme.example]", "organization"),
        ("fallback: max", "fallback: ana", "routing"),
        ("stop_conditions: [answered]", "stop_conditions: [answered, dismissed]", "stop_conditions"),
        ("channels:", "privacy: text\nchannels:", "privacy"),
        (f"{HOT}\n{WARM}", f"{WARM}\n{HOT}", "sla_policies"),
    ],
)
def test_what_has_none_is_named_by_its_section(tmp_path: Path, old: str, new: str, section: str) -> None:
    found = changes(load(tmp_path, TEXT), load(tmp_path, TEXT.replace(old, new, 1)))
    assert section in found.other


def test_no_part_of_a_config_is_compared_in_vain(tmp_path: Path) -> None:
    """Each value of a config equals itself read again; else each reload would tell of a change."""
    one, other = load(tmp_path, TEXT), load(tmp_path, TEXT)
    assert [part.name for part in fields(Config) if getattr(one, part.name) != getattr(other, part.name)] == []
