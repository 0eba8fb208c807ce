"""Two processes on one store: what one has learned, the other knows in its next transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.repolicy import reapply
from inboxwatch.store import Store
from tests.support.batches import ANA, BO, SALES, Office, minutes
from tests.support.engine import Engine

ZOE = "zoe@stranger.test"


@pytest.fixture
def other(office: Office) -> Iterator[Engine]:
    """Another process on the office's store, started before anything has happened."""
    store = Store(office.config.store_url.reveal())
    yield Engine(store, office.config)
    store.close()


def reads_elsewhere(office: Office, other: Engine, number: int, *raws: object) -> None:
    """The other process reads a batch of Ana's mailbox."""
    batch = Batch(raws, Cursor(str(number)), seen_until=office.at)  # type: ignore[arg-type]  # raw messages
    assert not other.ingest(ANA, batch, office.cursor(ANA), office.at).stale


def test_a_stranger_who_asks_one_process_is_known_to_the_other(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@stranger.test", 0, sender=ZOE, to="sales@acme.test"), mailbox=SALES)
    reads_elsewhere(office, other, 7, office.asks("q2@stranger.test", 1, sender=ZOE, subject="Another matter"))
    assert [clock.lead for clock in office.clocks()] == [ZOE, ZOE]


def test_a_wait_that_another_process_opened_can_be_acknowledged(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@stranger.test", 0, sender=ZOE, to="sales@acme.test"), mailbox=SALES)
    (clock,) = office.clocks()
    assert other.acknowledge(clock.id, "ben", office.at) == clock.id
    (clock,) = office.clocks()
    assert (clock.owner, clock.acknowledged_until) == ("ben", office.at + minutes(30))


def test_what_one_process_answers_the_other_does_not_page_for(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    reads_elsewhere(office, other, 7, office.replies("a1@acme.test", 20, "q1@buyer.test"))
    office.passes(minutes(200))
    assert office.steps() == []


def test_two_processes_that_find_a_step_due_tell_it_once(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    assert other.tick(office.at, looked=office.at).told == 0
    assert office.steps() == [(1, 1, "ana")]


def test_a_batch_that_another_process_has_filed_is_not_filed_again(office: Office, other: Engine) -> None:
    cursor = office.cursor(ANA)
    question = office.asks("q1@buyer.test", 0)
    office.reads(question)
    late = other.ingest(ANA, Batch((question,), Cursor("9"), seen_until=office.at), cursor, office.at)
    assert late.stale
    assert len(office.clocks()) == 1


def test_rule_21_a_wait_keeps_the_policy_it_began_with_in_a_process_that_never_knew_it(
    office: Office, other: Engine
) -> None:
    office.path.write_text(office.path.read_text().replace("first_response: 2h", "first_response: 30m"))
    office.engine.reload(configuration.load(office.path))
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()
    assert clock.due_at - clock.started_at == minutes(30)
    reads_elsewhere(office, other, 7, office.asks("n1@buyer.test", 5, answers="q1@buyer.test"))
    (clock,) = office.clocks()
    assert (clock.due_at - clock.started_at, clock.nudges) == (minutes(30), 1)
    with pytest.raises(Refused, match="must lie in the future"):
        other.snooze(clock.id, "ana", office.at, until=office.at)
    other.acknowledge(clock.id, "ana", office.at)
    (clock,) = office.clocks()
    assert clock.due_at - clock.started_at == minutes(30)


def test_a_policy_applied_anew_by_one_process_holds_in_the_other(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.path.write_text(office.path.read_text().replace("first_response: 2h", "first_response: 30m"))
    office.engine.reload(configuration.load(office.path))
    assert len(office.engine.write(reapply, office.engine.rules, office.at)) == 1
    reads_elsewhere(office, other, 7, office.asks("n1@buyer.test", 5, answers="q1@buyer.test"))
    (clock,) = office.clocks()
    assert clock.due_at - clock.started_at == minutes(30)


def test_an_absence_that_one_process_saw_sends_the_others_waits_elsewhere(office: Office, other: Engine) -> None:
    away = office.replies("away@acme.test", 1, "q0@buyer.test", extra="Auto-Submitted: auto-replied (vacation)")
    reads_elsewhere(office, other, 7, office.asks("q0@buyer.test", 0), away)
    office.reads(office.asks("q1@buyer.test", 60, subject="Another matter"))
    assert [clock.owner for clock in office.clocks() if clock.started_by == "q1@buyer.test"] != ["ana"]


def test_a_lead_that_another_process_closes_ends_the_wait_here(office: Office, other: Engine) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    with office.store.reading() as tx:
        bo = tx.leads.get(BO)
    assert bo is not None
    other.learn("known", [replace(bo, status="won")], office.at)
    (clock,) = office.clocks()
    assert (clock.state, clock.stop_reason) == ("ended", "lead_closed")
    office.passes(minutes(200))
    assert office.steps() == []


def test_a_known_lead_is_found_by_every_look_up_while_another_thread_changes_the_list(
    office: Office, other: Engine, tmp_path: Path
) -> None:
    many = [Lead(LeadId(f"p{number}@c{number % 7}.test"), source="known") for number in range(60)]
    known = Lead(LeadId(BO), owner=PersonId("ana"), name="Bo Lind", source="known")
    office.engine.learn("known", [known, *many], office.at)
    changed = threading.Event()

    def change() -> None:
        for turn in range(20):
            other.learn("known", [known, *many[turn:]], office.at + timedelta(seconds=turn))
        changed.set()

    changing = threading.Thread(target=change)
    changing.start()
    looked = missed = 0
    while not changed.is_set() or not looked:
        with office.store.reading() as tx:
            missed += tx.leads.by_address(BO) is None
            missed += not tx.leads.find("bo lind", 5)[0]
        looked += 1
    changing.join()
    assert missed == 0
