"""What inquiries are about and worth comes back from the store as it went in."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, text

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import ClockId, Direction, Evidence, Kind, LeadId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.decision import Decision, SenderWord
from inboxwatch.core.qualification.inquiry import Inquiry
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail, Party
from inboxwatch.store import Store, Transaction, tables
from inboxwatch.store.records import ClockRecord
from inboxwatch.store.term_record import TermRecord
from inboxwatch.store.timeline_columns import Filed

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BO, THREAD = LeadId("bo@buyer.test"), ThreadId("t1")
LINES = (ScoreLine(30.5, "company of 200", "employees 250"), ScoreLine(25, "asks for a price", ""))
PLAIN = ClockRecord(
    ClockId("c1"), THREAD, BO, Metric.VERDICT, MessageId("m1@buyer.test"), NOON, NOON + timedelta(hours=1),
    State.RUNNING, None, None, None, None, 0, None, (), "triage", "1", None, None, "hot", PersonId("tia"), NOON,
    None, None, None, None, None, None, NOON, False, None, False,
)  # fmt: skip


def file(tx: Transaction, name: str, inquiry: Inquiry | None) -> MessageId:
    sender = Party(BO, BO, "buyer.test")
    mail = Mail(NOON, MessageId(f"{name}@buyer.test"), Direction.INBOUND, Kind.HUMAN, sender, inquiry=inquiry)
    known = Known(mail.id, THREAD, NOON, mail.direction, mail.kind, None, Evidence.NONE, component=THREAD, lead=BO)
    tx.mail.file([Filed(mail.id, NOON, mail.direction, mail.kind, mail, known)])
    return mail.id


def test_a_clock_comes_back_with_its_class_score_and_era(tx: Transaction) -> None:
    judged = PLAIN._replace(
        id=ClockId("c2"),
        inquiry_class="sales",
        class_by="rule:asks für Preise",
        score=55.5,
        score_lines=LINES,
        qualification="5f0c",
        breach_class="unknown",
        contradicted=True,
        era=2,
        terms=(TermRecord("2026-05-04T12:00:00+00:00", "unknown", "", "1"),),
    )
    tx.clocks.save([PLAIN, judged])
    assert tx.clocks.of_threads([THREAD]) == {"c1": PLAIN, "c2": judged}


def test_what_was_said_and_found_of_a_wait_comes_back(tx: Transaction) -> None:
    found = Action(
        NOON, ActionKind.QUALIFIED, "rules", ClockId("c1"), BO, rule="m1@buyer.test", inquiry_class="sales", tier="hot",
        score=55.5, lines=LINES, version="5f0c", messages=2,
    )  # fmt: skip
    plain = Action(NOON, ActionKind.ASSIGNED, "routing", ClockId("c1"), BO, owner=PersonId("tia"))
    untold = {one.name for one in fields(Action) if getattr(found, one.name) == one.default}
    assert untold == {"until", "owner", "reason", "team", "serial", "seen"}
    tx.clocks.record_all([(found, THREAD), (plain, THREAD)])
    read = [replace(one, serial=0) for one in tx.clocks.actions([THREAD], [])[THREAD]]
    assert read == [found, plain]


def test_a_first_class_stays_however_often_its_message_is_filed(tx: Transaction) -> None:
    first = file(tx, "m1", Inquiry("backlinks"))
    second = file(tx, "m2", None)
    tx.first_classes.pin({first: Decision("sales", "lead", "backlinks"), second: Decision("unknown", "default")})
    file(tx, "m1", Inquiry("another rule", ("asks for a price",)))
    tx.first_classes.pin({first: Decision("vendor", "rule:another rule")})
    pinned = {first: Decision("sales", "lead", "backlinks"), second: Decision("unknown", "default")}
    assert tx.first_classes.of_threads([THREAD]) == pinned
    row = tx.mail.row(first)
    assert row is not None
    assert (row.first_class, row.held_back, row.inquiry) == (
        "sales",
        "backlinks",
        Inquiry("another rule", ("asks for a price",)),
    )


def test_words_on_a_sender_hold_for_any_way_of_writing_the_address(tx: Transaction) -> None:
    hot, later = SenderWord(NOON, "sales", "tia", "hot"), SenderWord(NOON + timedelta(hours=1), "recruiting", "tia")
    tx.sender_verdicts.record("Bo+news@Buyer.test", later)
    tx.sender_verdicts.record("bo@buyer.test", hot, "login trouble")
    tx.sender_verdicts.record("cy@buyer.test", hot)
    assert tx.sender_verdicts.of(["bo+x@buyer.test", "dee@buyer.test"]) == {"bo@buyer.test": [hot, later]}


def test_open_waits_of_a_store_from_before_are_still_open(database: str) -> None:
    store = Store(database)
    with store.transaction() as tx:
        tx.clocks.save([PLAIN])
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0025")
        connection.execute(text("UPDATE clock SET metric = 'first_response'"))
    engine.dispose()
    store.close()
    store = Store(database)
    with store.reading() as tx:
        assert tx.clocks.running() == [PLAIN._replace(metric=Metric.FIRST_RESPONSE)]
    store.close()
