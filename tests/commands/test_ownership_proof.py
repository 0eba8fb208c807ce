"""`check` proves ownership: every route, every minute of the coming year; the gaps are printed in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.commands.check import run_check
from inboxwatch.commands.ownership_proof import Gap, gaps

NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

CONFIG = """
organization: {{domains: [acme.test]}}
calendars:
  office: {{timezone: Europe/London, hours: {{mon-sun: ["08:00-18:00"]}}}}
people:
  ana: {{name: Ana Diaz, email: ana@acme.test, calendar: office, leave: [{ana}]}}
  ben: {{name: Ben Ito, email: ben@acme.test, calendar: office, leave: [{ben}]}}
  max: {{name: Max Ode, email: max@acme.test, calendar: office, leave: [{max}]}}
teams:
  emea: {{members: [ana, ben], lead: max}}
mailboxes:
  ana: {{connector: maildir, address: ana@acme.test, owner: ana, path: .}}
  ben: {{connector: maildir, address: ben@acme.test, owner: ben, path: .}}
  max: {{connector: maildir, address: max@acme.test, owner: max, path: .}}
  sales: {{connector: maildir, address: sales@acme.test, team: emea, path: .}}
leads: {{}}
routing:
  rules: [{{assign: lead.owner}}, {{when: {{mailbox: sales}}, assign: {{team: emea}}}}, {{assign: mailbox.owner}}]
  fallback: max
sla_policies:
  - {{name: default, calendar: office, first_response: 2bh, next_response: 4bh, escalation: standard}}
escalation_policies:
  standard: {{steps: [{{at: 100%, notify: [owner]}}]}}
stop_conditions: [answered, dismissed]
channels: {{{channels}}}
notify_by: [{notify_by}]
"""


def leave(first: str, last: str) -> str:
    return f"{{from: {first}, to: {last}}}"


def written(folder: Path, **words: str) -> Path:
    given = {"ana": "", "ben": "", "max": "", "channels": "desk: {type: console}", "notify_by": "desk"} | words
    path = folder / "inboxwatch.yaml"
    path.write_text(CONFIG.format(**given), encoding="utf-8")
    return path


def found(folder: Path, **words: str) -> list[Gap]:
    return list(gaps(configuration.load(written(folder, **words)), NOVEMBER))


def test_a_team_that_is_away_at_christmas_leaves_a_gap_that_is_named(tmp_path: Path) -> None:
    away = {"ana": leave("2026-12-21", "2026-12-26"), "ben": leave("2026-12-25", "2027-01-03")}
    (gap,) = (one for one in found(tmp_path, **away) if "`sales`" in one.text)
    assert gap.verdict == "warning"
    assert gap.text.startswith("no owner for `sales` on 25 and 26 December 2026: only the fallback max is left")
    assert "ana is on leave from 2026-12-21 to 2026-12-26" in gap.text


def test_a_gap_in_which_the_fallback_is_away_too_has_nobody_at_all(tmp_path: Path) -> None:
    christmas = leave("2026-12-25", "2026-12-26")
    failed = [
        gap.text for gap in found(tmp_path, ana=christmas, ben=christmas, max=christmas) if gap.verdict == "failed"
    ]
    assert "nobody at all for `sales` on 25 and 26 December 2026: the fallback max is on leave too" in failed


def test_a_team_that_takes_turns_leaves_no_gap(tmp_path: Path) -> None:
    gaps_found = found(tmp_path, ana=leave("2026-12-21", "2026-12-24"), ben=leave("2026-12-25", "2027-01-03"))
    assert [gap for gap in gaps_found if "`sales`" in gap.text] == []


def test_hours_that_end_before_the_sla_begins_leave_a_gap_however_short(tmp_path: Path) -> None:
    path = written(tmp_path)
    late = 'hours: {mon-sun: ["08:00-18:00"]}}\n  night: {timezone: Europe/London, hours: {mon-sun: ["08:00-22:00"]}}'
    text = path.read_text(encoding="utf-8").replace('hours: {mon-sun: ["08:00-18:00"]}}', late)
    path.write_text(
        text.replace("default, calendar: office, first_response: 2bh", "default, calendar: night, first_response: 2bh")
    )
    texts = [gap.text for gap in gaps(configuration.load(path), NOVEMBER)]
    assert any("no owner for `sales`" in text and "out of hours until" in text for text in texts)


def gaps_in_two_zones(folder: Path, policies: str, rules: str = "{assign: mailbox.owner}") -> list[str]:
    """Ana works in London, Ben in Los Angeles, each by a calendar of their own; what is told of their mailboxes."""
    path = written(folder)
    text = path.read_text(encoding="utf-8")
    west = 'west: {timezone: America/Los_Angeles, hours: {mon-sun: ["08:00-18:00"]}}'
    text = text.replace("people:", f"  {west}\npeople:", 1).replace(
        "ben@acme.test, calendar: office", "ben@acme.test, calendar: west"
    )
    text = text.replace("{assign: mailbox.owner}", rules).replace(
        "  - {name: default", f"{policies}  - {{name: default"
    )
    path.write_text(text, encoding="utf-8")
    return [one.text for one in gaps(configuration.load(path), NOVEMBER) if "no owner" in one.text]


def test_a_mailbox_is_proved_by_the_policies_alone_that_can_hold_for_it(tmp_path: Path) -> None:
    """London's hours say nothing of a mailbox in Los Angeles that has a policy of its own."""
    targets = "first_response: 2bh, next_response: 4bh, escalation: standard"
    west = f"  - {{name: west, when: {{mailbox: ben}}, calendar: west, {targets}}}\n"
    assert gaps_in_two_zones(tmp_path, west) == []
    below = west.replace("name: west", "name: all, when: {tier: hot}").replace("when: {mailbox: ben}, ", "")
    named = [one.partition(" on ")[0] for one in gaps_in_two_zones(tmp_path, west + below)]
    assert named == ["no owner for `ana` (tier hot)", "no owner for `max` (tier hot)"], (
        "Ben's own policy stands above that of hot leads"
    )


def test_a_policy_for_some_leads_is_proved_with_the_rules_for_the_same_leads(tmp_path: Path) -> None:
    """The calendar of the west is for leads of the US, whom a rule gives to Ben."""
    targets = "first_response: 2bh, next_response: 4bh, escalation: standard"
    policies = f"  - {{name: own, when: {{mailbox: ben}}, calendar: west, {targets}}}\n"
    policies += f"  - {{name: us, when: {{country: [us, ca]}}, calendar: west, {targets}}}\n"
    to_ben = "{when: {country: [us, ca]}, assign: ben}, {assign: mailbox.owner}"
    assert "`ana`" in gaps_in_two_zones(tmp_path, policies)[0]
    assert gaps_in_two_zones(tmp_path, policies, to_ben) == []


def test_what_a_rule_alone_names_is_proved_too(tmp_path: Path) -> None:
    """Nobody but Ben has the Dutch leads; he is away for two years, and no policy names a language."""
    away = leave("2026-11-01", "2028-11-01")
    path = written(tmp_path, ben=away)
    rules = "{when: {mailbox: sales}, assign: {team: emea}}, {assign: mailbox.owner}"
    to_ben = "{when: {language: nl, mailbox: sales}, assign: ben}, {assign: ana}, {assign: mailbox.owner}"
    path.write_text(path.read_text().replace(rules, to_ben))
    told = [one.text for one in gaps(configuration.load(path), NOVEMBER) if "`sales`" in one.text]
    assert told == [], "Ana takes over"
    path.write_text(path.read_text().replace("{assign: ana}, ", ""))
    (text,) = [one.text for one in gaps(configuration.load(path), NOVEMBER) if "(language nl)" in one.text]
    assert text.startswith("no owner for `sales` (language nl) on 2 November 2026 to 3 November 2027")


def test_leads_whose_owner_is_away_are_told_by_his_name(tmp_path: Path) -> None:
    texts = [gap.text for gap in found(tmp_path, ana=leave("2026-12-28", "2027-01-08"))]
    assert any(text.startswith("no owner for `ana` on 28 December 2026 to 8 January 2027") for text in texts)


def test_a_person_whom_no_channel_reaches_fails_the_proof(tmp_path: Path) -> None:
    alarms = 'alarms: {type: apprise, url: "json://127.0.0.1:9093"}'
    texts = [gap.text for gap in found(tmp_path, channels=alarms, notify_by="alarms") if gap.verdict == "failed"]
    assert [text.split(",")[0] for text in texts] == [f"no channel reaches {who}" for who in ("ana", "ben", "max")]


def test_a_mailbox_that_may_go_unread_for_longer_than_an_answer_may_take_is_named(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    path = written(tmp_path)
    path.write_text(path.read_text().replace("team: emea, path: .", "team: emea, path: ., poll_every: 3h"))
    (gap,) = gaps(configuration.load(path), NOVEMBER)
    assert gap.verdict == "warning"
    assert gap.text == "`sales` may go unread for 3h: an answer owed within 2bh can be late unseen"


def test_check_prints_the_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, ana=leave("2026-12-21", "2026-12-26"), ben=leave("2026-12-25", "2027-01-03"))
    code = run_check(path, offline=True, as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "no owner for `sales` on" in shown
