"""What a new config changes is said key by key, and of a reload by names; the same file changes nothing."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.config.changes import changes
from inboxwatch.daemon.reload_summary import summary

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


def said(folder: Path, old: str, new: str) -> list[str]:
    """What changes where a part of the text is another."""
    return [str(one) for one in changes(load(folder, TEXT), load(folder, TEXT.replace(old, new, 1)))]


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    assert changes(load(tmp_path, TEXT), load(tmp_path, TEXT)) == []


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("  max: {", "  ben: {name: B, email: b@acme.test}\n  max: {", "people ben: added"),
        ("name: Ana Diaz", "name: Ana D", "people ana: name: Ana Diaz -> Ana D"),
        ("pass-word-one", "pass-word-two", "mailboxes ana: (secret) -> (secret)"),
        ("path: leads.csv", "path: other.csv", "leads known: path: leads.csv -> other.csv"),
        ("18:00", "17:00", 'calendars office: hours.mon-fri: ["08:00-18:00"] -> ["08:00-17:00"]'),
        ("first_response: 3h", "first_response: 1h", "sla_policies warm: first_response: 3h -> 1h"),
        ("channels: {", "channels: {screen: {type: console}, ", "channels screen: added"),
        ("[acme.test]", "[acme.example]", 'organization: domains: ["acme.test"] -> ["acme.example"]'),
        ("fallback: max", "fallback: ana", "routing: fallback: max -> ana"),
        ("channels:", "privacy: text\nchannels:", "privacy: not given -> text"),
    ],
)
def test_what_changes_is_said_by_section_name_and_key(tmp_path: Path, old: str, new: str, change: str) -> None:
    assert said(tmp_path, old, new) == [change]


def test_a_reload_tells_names_once_and_sections_without_names_apart(tmp_path: Path) -> None:
    new = TEXT.replace(f"{WARM}\n", "").replace("emea:", "apac:").replace("fallback: max", "fallback: ana")
    new = new.replace("next_response: 4h", "next_response: 5h")
    assert summary(changes(load(tmp_path, TEXT), load(tmp_path, new))) == {
        "teams": "1 added: apac; 1 removed: emea",
        "sla_policies": "1 removed: warm; 2 changed: hot, rest",
        "other": ["routing"],
    }
    assert summary(changes(load(tmp_path, TEXT), load(tmp_path, TEXT.replace(f"{HOT}\n{WARM}", f"{WARM}\n{HOT}")))) == {
        "other": ["sla_policies"]
    }


def test_what_a_file_says_and_the_config_names_is_compared_too(tmp_path: Path) -> None:
    """A password and rules that were changed where they lie, with the config as it was."""
    text = (
        TEXT.replace("password: pass-word-one", "password_file: word")
        + "meanings: [rules.yaml]\nweb: {token_file: word}\n"
    )
    words = "words: [all clear], examples: {fits: [all clear], not: [no]}"
    rule = f"rules:\n  - {{name: NAME, meaning: no_reply_owed, {words}}}\n"
    loaded = []
    for word in ("one", "two"):
        (tmp_path / "word").write_text(f"pass-word-of-{word}", encoding="utf-8")
        (tmp_path / "rules.yaml").write_text(rule.replace("NAME", word), encoding="utf-8")
        loaded.append(load(tmp_path, text))
    assert summary(changes(*loaded)) == {"mailboxes": "1 changed: ana", "other": ["web", "meanings"]}
    assert "pass-word" not in str(changes(*loaded))


def test_no_part_of_a_config_is_compared_in_vain(tmp_path: Path) -> None:
    """Each value of a config equals itself read again; else each reload would tell of a change."""
    one, other = load(tmp_path, TEXT), load(tmp_path, TEXT)
    assert [part.name for part in fields(Config) if getattr(one, part.name) != getattr(other, part.name)] == []
