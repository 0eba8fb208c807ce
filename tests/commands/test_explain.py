"""`explain`: who owns it, what the SLA is, what happens next; then every decision with what it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import PersonId
from inboxwatch.engine.explanation import explain
from tests.support.engine import Engine
from tests.support.in_process import MONDAY, House

FRIDAY = MONDAY - timedelta(days=3)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Friday morning; the Monday is a holiday, and the team hears of waits in business time."""
    house = House(tmp_path)
    office = 'office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}, closed: {2026-05-04: Early May bank holiday}}'
    text = house.path.read_text(encoding="utf-8").replace(
        'office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}}', office
    )
    text = text.replace("first_response: 2h", "first_response: 12bh")
    text = text.replace("[{assign: lead.owner}, ", "[{assign: lead.owner}, {assign: {team: emea}}, ")
    house.path.write_text(text.replace("in_hours_only: false", "in_hours_only: true"), encoding="utf-8")
    house.config = configuration.load(house.path)
    house.engine = Engine(
        house.store, house.config, {name: one.connect() for name, one in house.config.channels.items()}
    )
    house.at = FRIDAY
    house.lead("bo@buyer.test", owner="ana", name="Bo Lind", company="Buyer Ltd")
    with house.store.transaction() as tx:
        for name in house.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield house
    house.close()


def told(house: House, ref: str) -> str:
    with house.store.reading() as tx:
        return "\n".join(explain(tx, house.engine.rules, ref, house.at))


def lines(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_a_wait_with_a_nudge_a_holiday_a_vacation_and_a_reassignment_is_explained(house: House) -> None:
    question = house.mail("bo@buyer.test", "ana@acme.test", after=timedelta(hours=3))
    away = "Auto-Submitted: auto-replied"
    house.mail("ana@acme.test", "cy@other.test", subject="Out of office", after=timedelta(hours=1), extra=away)
    house.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(hours=1))
    house.passes(timedelta())
    wait = house.only_wait("bo@buyer.test")
    house.at += timedelta(hours=1)
    house.engine.assign(wait, "ben", house.at, owner=PersonId("max"), reason="Max knows Bo")
    text = told(house, wait)
    assert "Owner: max by ben: by hand; Max knows Bo" in text
    assert "first_response within 12bh in calendar office" in text
    assert "due Tue 2026-05-05 14:00:00 UTC" in text
    assert lines(text, "Next: step 1 (round 1) at Fri 2026-05-01 18:00:00 UTC to max")
    assert lines(text, "owner ana", "rule 1: lead.owner")
    assert lines(text, "owner ben", "ana is away: the own mailbox answered with a vacation reply")
    assert lines(text, "owner max", "given by ben", "Max knows Bo")
    assert lines(text, question, "it starts this wait")
    assert lines(text, "a nudge: start and due time stay")
    assert lines(text, "Mon 2026-05-04 closed: Early May bank holiday")
    assert lines(text, "Tue 2026-05-05 08:00-14:00", "in all 12 h")


def test_a_message_read_after_a_dismissal_is_told_as_owed_and_never_as_a_nudge(house: House) -> None:
    """The dismissed wait names the one that goes on, which in turn does not count what was dismissed."""
    question = house.mail("bo@buyer.test", "ana@acme.test")
    dismissed = house.only_wait("bo@buyer.test")
    house.at += timedelta(minutes=20)
    house.engine.dismiss(dismissed, "ana", house.at, reason="told by phone")
    late = house.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(minutes=-5))
    house.at += timedelta(hours=1)
    going_on = house.only_wait("bo@buyer.test")
    assert lines(told(house, dismissed), late, f"read after the dismissal, so it stays owed: wait {going_on}")
    assert lines(told(house, going_on), late, "it starts this wait")
    older = house.mail("bo@buyer.test", "ana@acme.test", parent=question, after=timedelta(minutes=-90))
    house.at += timedelta(hours=2)
    going_on = house.only_wait("bo@buyer.test")
    text = told(house, going_on)
    assert lines(text, older, "it starts this wait")
    assert lines(text, f"<{question}>", f"of wait {dismissed}")
    assert lines(text, late, "a nudge")
    assert not lines(text, f"<{question}>", "a nudge")


def test_steps_told_and_withheld_are_listed_with_their_reasons(house: House) -> None:
    house.mail("bo@buyer.test", "ana@acme.test")
    wait = house.only_wait("bo@buyer.test")
    house.passes(timedelta(days=5))
    text = told(house, wait)
    assert lines(text, "step 1 round 1 withheld: passed")
    assert lines(text, "step 3 round 1 owed to max: escalated")


def test_a_message_or_a_lead_leads_to_the_wait_and_the_unknown_to_nothing(house: House) -> None:
    question = house.mail("bo@buyer.test", "ana@acme.test")
    wait = house.only_wait("bo@buyer.test")
    assert f"Wait {wait}" in told(house, f"<{question}>")
    assert f"Wait {wait}" in told(house, "bo@buyer.test")
    assert told(house, "nobody@nowhere.test") == ""


def test_a_lead_without_a_wait_has_an_owner_all_the_same(house: House) -> None:
    assert "Owner now: ana" in told(house, "bo@buyer.test")
