"""`explain`: who owns it, what the SLA is, what happens next; then every decision with what it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.explain import run_explain
from inboxwatch.core.model import PersonId
from tests.support.engine import Engine
from tests.support.explained import explained
from tests.support.in_process_daemon import MONDAY, InProcessDaemon

FRIDAY = MONDAY - timedelta(days=3)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """Friday morning; the Monday is a holiday, and the team hears of waits in business time."""
    daemon = InProcessDaemon(tmp_path)
    office = 'office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}, closed: {2026-05-04: Early May bank holiday}}'
    text = daemon.path.read_text(encoding="utf-8").replace(
        'office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}}', office
    )
    text = text.replace("first_response: 2h", "first_response: 12bh")
    text = text.replace("[{assign: lead.owner}, ", "[{assign: lead.owner}, {assign: {team: emea}}, ")
    daemon.path.write_text(text.replace("in_hours_only: false", "in_hours_only: true"), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.engine = Engine(
        daemon.store, daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()}
    )
    daemon.at = FRIDAY
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind", company="Buyer Ltd")
    with daemon.store.transaction() as tx:
        for name in daemon.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield daemon
    daemon.close()


def told(daemon: InProcessDaemon, ref: str) -> str:
    with daemon.store.reading() as tx:
        return explained(tx, daemon.engine.rules, ref, daemon.at)


def lines(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_a_wait_with_a_nudge_a_holiday_a_vacation_and_a_reassignment_is_explained(daemon: InProcessDaemon) -> None:
    question = daemon.mail("bo@buyer.test", "ana@acme.test", after=timedelta(hours=3))
    away = "Auto-Submitted: auto-replied"
    daemon.mail("ana@acme.test", "cy@other.test", subject="Out of office", after=timedelta(hours=1), extra=away)
    daemon.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(hours=1))
    daemon.passes(timedelta())
    wait = daemon.only_wait("bo@buyer.test")
    daemon.at += timedelta(hours=1)
    daemon.engine.assign(wait, "ben", daemon.at, owner=PersonId("max"), reason="Max knows Bo")
    text = told(daemon, wait)
    assert "Owner: max by ben: by hand; Max knows Bo" in text
    assert "first_response within 12bh in calendar office" in text
    assert "due Tue 2026-05-05 14:00:00 UTC" in text
    assert lines(text, "Next: step 1 (round 1), unless", "Max Ode is told at Fri 2026-05-01 18:00:00 UTC")
    assert lines(text, "owner ana", "rule 1: lead.owner")
    assert lines(text, "owner ben", "ana is away: the own mailbox answered with a vacation reply")
    assert lines(text, "owner max", "given by ben", "Max knows Bo")
    assert lines(text, question, "it starts this wait")
    assert lines(text, "a nudge: start and due time stay")
    assert lines(text, "Mon 2026-05-04 closed: Early May bank holiday")
    assert lines(text, "Tue 2026-05-05 08:00-14:00", "in all 12 h")


def test_a_message_read_after_a_dismissal_is_told_as_owed_and_never_as_a_nudge(daemon: InProcessDaemon) -> None:
    """The dismissed wait names the one that goes on, which in turn does not count what was dismissed."""
    question = daemon.mail("bo@buyer.test", "ana@acme.test")
    dismissed = daemon.only_wait("bo@buyer.test")
    daemon.at += timedelta(minutes=20)
    daemon.engine.dismiss(dismissed, "ana", daemon.at, reason="told by phone")
    late = daemon.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(minutes=-5))
    daemon.at += timedelta(hours=1)
    going_on = daemon.only_wait("bo@buyer.test")
    assert lines(told(daemon, dismissed), late, f"read after the dismissal, so it stays owed: wait {going_on}")
    assert lines(told(daemon, going_on), late, "it starts this wait")
    older = daemon.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(minutes=-90))
    daemon.at += timedelta(hours=2)
    going_on = daemon.only_wait("bo@buyer.test")
    text = told(daemon, going_on)
    assert lines(text, older, "it starts this wait")
    assert lines(text, f"<{question}>", f"of wait {dismissed}")
    assert lines(text, late, "a nudge")
    assert not lines(text, f"<{question}>", "a nudge")


def test_steps_told_and_withheld_are_listed_with_their_reasons(daemon: InProcessDaemon) -> None:
    daemon.mail("bo@buyer.test", "ana@acme.test")
    wait = daemon.only_wait("bo@buyer.test")
    daemon.passes(timedelta(days=5))
    text = told(daemon, wait)
    assert lines(text, "step 1 round 1 withheld: passed")
    assert lines(text, "step 3 round 1 owed to max: overdue")


def test_a_message_or_a_lead_leads_to_the_wait_and_the_unknown_to_nothing(daemon: InProcessDaemon) -> None:
    question = daemon.mail("bo@buyer.test", "ana@acme.test")
    wait = daemon.only_wait("bo@buyer.test")
    assert f"Wait {wait}" in told(daemon, f"<{question}>")
    assert f"Wait {wait}" in told(daemon, "bo@buyer.test")
    assert told(daemon, "nobody@nowhere.test") == ""


def test_a_lead_without_a_wait_has_an_owner_all_the_same(daemon: InProcessDaemon) -> None:
    assert "Owner now: ana" in told(daemon, "bo@buyer.test")


def test_one_command_answers_all_questions_about_a_lead_by_name(
    daemon: InProcessDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.lead("lindner@other.test", owner="ben", name="Bo Lindner")
    quiet = told(daemon, "bo lind")
    for line in (
        "  Owner now: ana (whom routing names between waits). No wait is open; nothing happens next.",
        "  SLA: policy default: first reply within 12 h in business hours, then 4 h",
        "    the owner is told at 50% of the time",
        "    the owner's manager is told at 100% of the time + 30 min, it moves to Max Ode",
        "  Nobody has to follow up.",
    ):
        assert line in quiet.splitlines()
    daemon.mail("bo@buyer.test", "ana@acme.test")
    waiting = told(daemon, "Bo Lind")
    assert lines(waiting, "Owner: ana")
    assert lines(waiting, "SLA: policy default", "due")
    assert lines(waiting, "Next: step 1", "Ana Diaz is told")
    assert "  Nobody has to follow up." in waiting.splitlines()
    assert run_explain(daemon.config, "lind") != ExitCode.OK
    assert "2 leads match: Bo Lind (bo@buyer.test), Bo Lindner (lindner@other.test)" in capsys.readouterr().err
