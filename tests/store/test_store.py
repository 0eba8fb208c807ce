"""The store keeps its word on SQLite and on PostgreSQL alike: all or nothing, once, and in UTC."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import bindparam, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from inboxwatch.core.mail.classify import Answered
from inboxwatch.core.model import Direction, Kind, Lead, LeadId, MessageId, PersonId
from inboxwatch.notify import NoticeType
from inboxwatch.store import Outage, Store, StoreError, tables
from inboxwatch.store.backfills import BackfillRecord
from inboxwatch.store.column_types import UTCDateTime
from inboxwatch.store.marks import AlarmMark, DigestMark, DigestsBeganMark, HeldUntilMark, LeadOrderMark
from inboxwatch.store.records import (
    AbsenceRecord,
    ClockRecord,
    DeliveryRecord,
    DeliveryState,
    FirstContactRecord,
    MailboxRecord,
    NewDelivery,
    NotifiedRecord,
    OutageRecord,
)
from tests.doubles.postgres import Postgres

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOT_MARKS = ("salt", "links by the salt until", "audit chain")
LEASE = timedelta(minutes=3)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


def owed(key: str, destination: str = "", **values: Any) -> NewDelivery:
    """A delivery for the channel desk, and by mail where that fails."""
    usual: dict[str, Any] = {"type": NoticeType.ESCALATION, "target": "ana", "person": PersonId("ana"), "owed_at": NOON}
    return NewDelivery(key, ways=(("desk", destination), ("mail", "ana@acme.test")), **(usual | values))


def test_the_tables_of_the_migrations_are_those_of_the_code(store: Store, database: str) -> None:
    engine = create_engine(database)
    seen = inspect(engine)
    for table in tables.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in seen.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}, table.name
        indexes = {index["name"] for index in seen.get_indexes(table.name) if not index.get("duplicates_constraint")}
        assert indexes == {index.name for index in table.indexes}, table.name
    engine.dispose()


def test_what_a_store_of_before_had_sealed_is_found_again_and_its_content_is_gone(database: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    Store(database).close()
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        salt = bytes.fromhex(
            str(connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == "salt")).scalar())
        )
        clue = hashlib.blake2b(b"clue\0to cy@far.test", key=salt, digest_size=16).hexdigest()
        old = {"clue": clue, "key": "s", "wrapped": "00"}
        connection.execute(text("INSERT INTO clue (clue, key, wrapped) VALUES (:clue, :key, :wrapped)"), old)
        sealed = text("INSERT INTO sealed (key, content, at) VALUES ('s', 'c0ffee', :at)")
        connection.execute(sealed.bindparams(bindparam("at", NOON, UTCDateTime())))
        for ref, at in (("ours", NOON), ("another", NOON + timedelta(minutes=1))):
            key = hashlib.blake2b(ref.encode(), digest_size=16).hexdigest()
            bare = {"key": key, "at": at, "direction": "outbound", "kind": "human"}
            connection.execute(insert(tables.message).values(bare))
            connection.execute(
                insert(tables.sighting).values(
                    {"mailbox": "ana", "key": key, "ref": f"sent/{ref}", "role": "sent", "at": at}
                )
            )
    store = Store(database)
    with store.transaction() as tx:
        tx.strangers.recall(["to cy@far.test"], (), NOON)
        assert [(one.ref, one.quiet) for one in tx.strangers.due("ana", NOON, 9)] == [("sent/ours", True)]
    assert "sealed" not in inspect(engine).get_table_names()
    store.close()
    engine.dispose()


def test_mail_of_nobodys_in_a_store_of_before_is_known_and_found_again_and_what_is_left_of_a_lead_stays(
    database: str,
) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    first = Store(database)
    with first.transaction() as tx:
        keys = {one: tx.mail.key(one) for one in ("q@far.test", "seen@far.test", "left@buyer.test")}
    first.close()
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0021")
        names = ("key", "mailbox", "ref", "role", "quiet", "late")
        times = [sa.column(name, UTCDateTime()) for name in ("at", "read_at")]
        sighting = sa.table("sighting", *(sa.column(name) for name in names), *times)
        for ref, (id_, key) in enumerate(keys.items()):
            bare = {"key": key, "at": NOON, "direction": "inbound", "kind": "bulk"}
            left = {"evidence": "none"} if id_ == "left@buyer.test" else {}
            connection.execute(insert(tables.message).values(bare | left))
            seen = {"key": key, "mailbox": "ana", "ref": f"{ref}", "role": "inbox", "at": NOON}
            how = {"read_at": NOON, "quiet": True, "late": False} if id_ == "q@far.test" else {}
            connection.execute(insert(sighting).values(seen | how))
    store = Store(database)
    ids = [MessageId(one) for one in keys]
    with store.transaction() as tx:
        assert tx.unfiled.read(ids, "ana") == set(ids[:2])
        assert tx.mail.left(ids) == set(ids[2:])
        assert tx.unfiled.answered(ids[:1]) == {ids[0]: Answered(Direction.INBOUND, Kind.BULK, NOON)}
        tx.strangers.recall((), [f"id {one}" for one in ids], NOON)
        assert [(one.ref, one.at, one.quiet) for one in tx.strangers.due("ana", NOON, 9)] == [("0", NOON, True)]
        tx.unfiled.file(ids)
        assert tx.mail.witnessed("ana", ids) == set(ids)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0021")
    store.close()
    engine.dispose()


def test_a_store_of_the_first_version_is_brought_up_to_date_and_keeps_its_mail(database: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    first = create_engine(database)
    seen = {"mailbox": "ana", "key": "k", "ref": "1", "role": "inbox", "at": NOON}
    with first.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(tables.sighting).values(seen))
    Store(database).close()
    with first.begin() as connection:
        newer = dict.fromkeys(("conversation", "web_link"))
        assert [row._asdict() for row in connection.execute(select(tables.sighting))] == [seen | newer]
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        old = [tables.sighting.c[name] for name in seen]
        assert [row._asdict() for row in connection.execute(select(*old))] == [seen]
    first.dispose()


def test_opening_a_store_again_changes_nothing_and_keeps_its_secret(database: str) -> None:
    first = Store(database)
    with first.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
    first.close()
    second = Store(database)
    with second.reading() as tx:
        assert [row.id for row in tx.mailboxes.all()] == ["ana"]
    assert second.key == first.key
    second.close()


def test_a_failure_inside_a_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
        tx.deliveries.enqueue([owed("a")])
        tx.leads.put([Lead(LeadId("bo@buyer.test"))], NOON)
        1 / 0  # noqa: B018  (the failure)
    with store.reading() as tx:
        assert (tx.mailboxes.all(), tx.leads.all(), tx.deliveries.next_at("desk")) == ([], [], None)


def test_the_cursor_moves_only_from_where_it_is_expected(store: Store) -> None:
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
        assert tx.cursors.move("ana", None, "1")
        assert not tx.cursors.move("ana", None, "2"), "a first batch that came twice"
        assert not tx.cursors.move("ana", "0", "2")
        assert tx.cursors.move("ana", "1", "2")
        row = tx.mailboxes.get("ana")
    assert row is not None
    assert row.cursor == "2"


def test_an_instant_comes_back_as_the_same_instant_in_utc_and_naive_times_are_refused(store: Store) -> None:
    there = datetime(2026, 5, 4, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
        tx.cursors.seen("ana", there)
    with store.reading() as tx:
        row = tx.mailboxes.get("ana")
        assert row is not None
        assert row.seen_until == there
        assert row.seen_until.tzinfo is UTC
    with pytest.raises(Exception, match="naive"), store.transaction() as tx:
        tx.cursors.seen("ana", datetime(2026, 5, 4))


def test_a_key_is_owed_once_however_often_it_is_added(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.deliveries.enqueue([owed("a"), owed("b")]) == 2
        assert tx.deliveries.enqueue([owed("a"), owed("c")]) == 1
        tx.deliveries.settle([row.id for row in tx.deliveries.claim("desk", NOON, LEASE)], DeliveryState.SENT, NOON)
        assert tx.deliveries.enqueue([owed("a"), owed("b"), owed("c")]) == 0
        assert tx.deliveries.claim("desk", NOON, LEASE) == []


def test_what_is_due_together_for_one_destination_is_one_bundle_and_stays_it(store: Store) -> None:
    with store.transaction() as tx:
        tx.deliveries.enqueue(
            [owed("a"), owed("b", target="max"), owed("c", destination="room"), owed("d", type=NoticeType.DIGEST)]
        )
        first = tx.deliveries.claim("desk", NOON, LEASE)
        assert ([row.key for row in first], {row.bundle for row in first}) == (["a", "b"], {"a"})
        tx.deliveries.enqueue([owed("e", owed_at=NOON + timedelta(seconds=1))])
        tx.deliveries.retry([row.id for row in first], NOON + timedelta(seconds=1), "busy")
        later = NOON + timedelta(seconds=1)
        keys = [[row.key for row in tx.deliveries.claim("desk", later, LEASE)] for _ in range(4)]
    assert keys == [["c"], ["d"], ["a", "b"], ["e"]]


def test_a_claim_that_is_never_settled_falls_due_again_with_the_same_bundle(store: Store) -> None:
    with store.transaction() as tx:
        tx.deliveries.enqueue([owed("a"), owed("b")])
        first = tx.deliveries.claim("desk", NOON, LEASE)
        assert tx.deliveries.claim("desk", NOON + LEASE - timedelta(seconds=1), LEASE) == []
        again = tx.deliveries.claim("desk", NOON + LEASE, LEASE)
    assert [(row.key, row.bundle, row.attempts) for row in again] == [("a", "a", 2), ("b", "a", 2)]
    assert [row.id for row in first] == [row.id for row in again]


def test_two_senders_never_claim_the_same_bundle(store: Store) -> None:
    """Two transactions at the same time, as two workers have them: the second finds nothing that the first took."""
    with store.transaction() as tx:
        tx.deliveries.enqueue([owed("a"), owed("b", destination="room")])
    if store._engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with store.transaction() as one, store.transaction() as other:
        assert [row.key for row in one.deliveries.claim("desk", NOON, LEASE)] == ["a"]
        assert [row.key for row in other.deliveries.claim("desk", NOON, LEASE)] == ["b"]


def test_a_cancelled_delivery_stays_cancelled_when_the_attempt_under_way_fails(store: Store) -> None:
    with store.transaction() as tx:
        tx.deliveries.enqueue([owed("a", clock="c1")])
        claimed = tx.deliveries.claim("desk", NOON, LEASE)
        assert tx.deliveries.cancel(["c1"], NOON) == 1
        tx.deliveries.retry([row.id for row in claimed], NOON, "busy")
        assert not tx.deliveries.divert(claimed[0], NOON, "gone")
        assert tx.deliveries.claim("desk", NOON, LEASE) == []
        assert tx.deliveries.claim("mail", NOON, LEASE) == []


def test_a_message_id_is_kept_as_a_keyed_hash_that_differs_from_store_to_store(store: Store, tmp_path: Path) -> None:
    other = Store(f"sqlite:///{tmp_path}/other.db")
    with store.reading() as here, other.reading() as there:
        assert here.mail.key("a@b.test") == here.mail.key("a@b.test")
        assert here.mail.key("a@b.test") != there.mail.key("a@b.test")
    other.close()


def test_ids_of_any_bytes_can_be_kept(store: Store) -> None:
    hostile = ["a\udcff@b.test", "'; DROP TABLE message; --", "x" * 5000, "ünï@cødé.test"]
    with store.transaction() as tx:
        assert len({tx.mail.key(one) for one in hostile}) == 4
        tx.mailboxes.ensure(["ana"])
        assert tx.quarantine.add("ana", [("INBOX/1", "no\x00 From \udcff")], NOON) == 1
        assert tx.quarantine.add("ana", [("INBOX/1", "again")], NOON) == 0
        assert len(tx.connection.execute(select(tables.quarantine)).all()) == 1


def test_a_store_that_cannot_be_opened_is_a_problem_with_advice(tmp_path: Path, postgres: Postgres) -> None:
    with pytest.raises(StoreError, match=r"does not exist: create it, or change store\.url"):
        Store(f"sqlite:///{tmp_path}/nowhere/store.db")
    (tmp_path / "text.db").write_text("this is no database, and long enough to be taken for one " * 20)
    with pytest.raises(StoreError, match="cannot open the store"):
        Store(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(StoreError, match="cannot open the store"):
        Store(postgres.database().rpartition("/")[0] + "/missing")


def test_a_store_that_a_newer_version_has_opened_is_a_problem_with_advice(database: str) -> None:
    Store(database).close()
    newer = create_engine(database)
    with newer.begin() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(StoreError, match="a newer inboxwatch has opened the store: run that one"):
            Store(database)
    finally:
        with newer.begin() as connection:  # other tests share the database
            connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        newer.dispose()


def test_a_store_survives_the_restart_of_its_server(postgres: Postgres) -> None:
    store = Store(postgres.database())
    postgres.down()
    postgres.up()
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
    store.close()


def test_two_workers_that_meet_at_one_row_are_told_to_try_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.mailboxes.ensure(["ana"])
    if store.file is not None:
        with store.reading() as tx:
            tx.connection.exec_driver_sql("PRAGMA busy_timeout=0")
        other = Store(f"sqlite:///{store.file}")
        with other.transaction(), pytest.raises(Outage, match="locked"), store.transaction():
            pytest.fail("SQLite has one writer at a time")
        other.close()
    else:
        with pytest.raises(Outage, match="concurrent"), store.transaction() as one:
            assert one.mailboxes.get("ana") is not None
            with store.transaction() as other_tx:
                other_tx.cursors.move("ana", None, "1")
            one.cursors.move("ana", None, "2")
    with store.transaction() as tx:
        assert tx.cursors.move("ana", "1" if store.file is None else None, "3")


def test_a_database_that_was_away_is_an_outage_and_is_used_again_when_it_is_back() -> None:
    with Postgres.start() as server:
        store = Store(server.database())
        with store.transaction() as tx:
            tx.mailboxes.ensure(["ana"])
        with pytest.raises(Outage), store.transaction() as tx:
            server.down()
            tx.mailboxes.ensure(["ben"])
        with pytest.raises(Outage), store.transaction():
            pytest.fail("there is nothing to connect to")
        server.up()
        with store.reading() as tx:
            assert [row.id for row in tx.mailboxes.all()] == ["ana"]
        server.down()
        server.up()
        with store.reading() as tx:
            assert [row.id for row in tx.mailboxes.all()] == ["ana"], "a connection of before is replaced unseen"
        store.close()


def test_a_defect_of_ours_is_no_outage(store: Store) -> None:
    with pytest.raises(IntegrityError), store.transaction() as tx:
        tx.connection.execute(insert(tables.meta).values(key="x", value=None))


def test_marks_keep_their_keys_and_come_back_as_what_was_noted(store: Store) -> None:
    """The keys are those of stores that are in use."""
    with store.transaction() as tx:
        tx.marks.set(AlarmMark("disk"), NOON)
        tx.marks.set(AlarmMark("skew/ana"), NOON)
        tx.marks.set(AlarmMark("skew/ana"), None)
        tx.marks.set(HeldUntilMark("ana"), NOON)
        tx.marks.set(DigestsBeganMark(), NOON)
        tx.marks.set(DigestMark("team/sales"), NOON.date())
        tx.marks.set(LeadOrderMark(), "1.0 abc")
    with store.reading() as tx:
        assert tx.marks.all(AlarmMark) == {"disk": NOON, "skew/ana": None}
        assert (tx.marks.get(HeldUntilMark("ana")), tx.marks.get(HeldUntilMark("ben"))) == (NOON, None)
        assert (tx.marks.get(DigestsBeganMark()), tx.marks.all(DigestMark)) == (NOON, {"team/sales": NOON.date()})
        assert tx.marks.get(LeadOrderMark()) == "1.0 abc"
        stored = tx.connection.execute(select(tables.meta.c.key, tables.meta.c.value))
        assert {row.key: row.value for row in stored if row.key not in NOT_MARKS} == {
            "alarm/disk": "2026-05-04T12:00:00+00:00",
            "alarm/skew/ana": "",
            "held-until/ana": "2026-05-04T12:00:00+00:00",
            "daily/": "2026-05-04T12:00:00+00:00",
            "daily/team/sales": "2026-05-04",
            "lead-order/": "1.0 abc",
        }


def test_records_have_the_columns_of_their_tables_in_their_order() -> None:
    """They are made from rows by position."""
    made = {
        tables.delivery: DeliveryRecord,
        tables.told: NotifiedRecord,
        tables.mailbox: MailboxRecord,
        tables.backfill: BackfillRecord,
        tables.absence: AbsenceRecord,
        tables.outage: OutageRecord,
        tables.first_contact: FirstContactRecord,
    }
    for table, record in made.items():
        assert [field.name for field in fields(record)] == list(table.columns.keys()), table.name
    assert list(ClockRecord._fields) == list(tables.clock.columns.keys())
