"""The rows of the audit log are a chain: what is changed, added or removed is found; by age they go from its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from inboxwatch.store import Store, audit_table, schema, tables
from inboxwatch.store.audit import EXPIRE, Chained
from inboxwatch.store.audit_record import AuditRecord
from inboxwatch.store.engines import open_engine
from inboxwatch.store.failures import Conflict
from tests.doubles.postgres import Postgres

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
_audit, _meta = audit_table.audit, tables.meta


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


def row(by: str, *, minutes: int = 0, **more: Any) -> AuditRecord:
    at = NOON + timedelta(minutes=minutes, microseconds=7)
    return AuditRecord(0, at, "token", by, "wait.snooze", "", None, "ben", "refused", 403, 1)._replace(**more)


def write(store: Store, *rows: AuditRecord) -> None:
    for one in rows:
        with store.transaction() as tx:
            tx.audit.add(one)


def chained(store: Store) -> Chained:
    with store.reading() as tx:
        return tx.audit.chain()


def past_the_guards(store: Store, *statements: Any) -> None:
    """What whoever owns the database can do."""
    with store.transaction() as tx:
        if tx.connection.dialect.name == "sqlite":
            for name in ("audit_update", "audit_delete"):
                tx.connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        else:
            tx.connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER audit_only_grows")
        for one in statements:
            tx.connection.execute(one)
        if tx.connection.dialect.name != "sqlite":  # for the next test, which has the same tables
            tx.connection.exec_driver_sql("ALTER TABLE audit ENABLE TRIGGER audit_only_grows")


def test_an_empty_log_and_a_whole_one_hold(store: Store) -> None:
    assert chained(store) == Chained(0, 0, "")
    write(store, row("ana"), row("b\0n"), row("", lead="x", owner=None, status=None, times=4))
    found = chained(store)
    assert (found.rows, found.broken, found.cut) == (3, 0, False)
    with store.reading() as tx:
        assert tx.audit.hash_of(found.last) == found.hash


FORGERIES: dict[str, tuple[Callable[[list[int], dict[str, Any]], Any], int]] = {
    "a name": (lambda ids, first: update(_audit).where(_audit.c.id == ids[2]).values(by="eve"), 2),
    "a time": (lambda ids, first: update(_audit).where(_audit.c.id == ids[0]).values(at=NOON), 0),
    "a status": (lambda ids, first: update(_audit).where(_audit.c.id == ids[1]).values(status=None), 1),
    "a hash": (lambda ids, first: update(_audit).where(_audit.c.id == ids[3]).values(hash="0" * 64), 3),
    "a hash that is gone": (lambda ids, first: update(_audit).where(_audit.c.id == ids[3]).values(hash=None), 3),
    "one removed": (lambda ids, first: delete(_audit).where(_audit.c.id == ids[2]), 3),
    "the first removed": (lambda ids, first: delete(_audit).where(_audit.c.id == ids[0]), 1),
    "one doubled": (lambda ids, first: insert(_audit).values(first | {"id": ids[-1] + 1}), 5),
    "two exchanged": (lambda ids, first: update(_audit).where(_audit.c.id == ids[0]).values(id=ids[-1] + 1), 1),
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_first_row_that_does_not_fit_is_named(database: str, tmp_path: Any) -> None:
    for number, (name, (forgery, place)) in enumerate(FORGERIES.items()):
        store = Store(f"sqlite:///{tmp_path}/{number}.db")
        write(store, *(row(f"p{one}", minutes=one) for one in range(5)))
        with store.reading() as tx:
            rows = list(tx.connection.execute(select(_audit).order_by(_audit.c.id)).mappings())
        ids = [one["id"] for one in rows]
        past_the_guards(store, forgery(ids, dict(rows[0])))
        assert chained(store).broken == [*ids, ids[-1] + 1][place], name
        store.close()


def test_rows_cut_off_at_the_end_are_missed(store: Store) -> None:
    write(store, row("ana"), row("ben"), row("max"))
    last = chained(store).last
    past_the_guards(store, delete(_audit).where(_audit.c.id == last))
    assert chained(store).cut
    past_the_guards(store, delete(_audit))
    assert chained(store).cut


def test_two_engines_at_once_make_one_chain(database: str, store: Store) -> None:
    """On PostgreSQL they meet, and whoever came second does it again, as the daemon's writer does."""
    other = Store(database)

    def writes(one: Store) -> None:
        for number in range(15):
            while True:
                try:
                    write(one, row(f"p{number}"))
                except Conflict:
                    continue
                break

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(writes, (store, other)))
    found = chained(store)
    assert (found.rows, found.broken, found.cut) == (30, 0, False)
    other.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_rows_of_before_are_vouched_for_by_the_first_behind_them(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = f"sqlite:///{tmp_path}/store.db"
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        database = server.database()
    engine = open_engine(database)
    with schema.migrating(engine) as connection, connection.begin():
        schema.migrate(connection, "0017")
        old = row("ana")._asdict()
        values = {name: old[name] for name in old if name not in ("id", "hash", "known_lead")}
        for number in range(3):
            connection.execute(insert(_audit).values(values | {"by": f"p{number}"}))
    engine.dispose()
    store = Store(database)
    assert (chained(store).rows, chained(store).cut) == (3, False)
    write(store, row("ana"))
    with store.reading() as tx:
        ids = list(tx.connection.execute(select(_audit.c.id).order_by(_audit.c.id)).scalars())
    past_the_guards(store, update(_audit).where(_audit.c.id == ids[1]).values(by="eve"))
    assert chained(store).broken == ids[3]
    store.close()


def test_what_the_log_calls_expired_may_go_and_nothing_else(store: Store) -> None:
    write(store, *(row("ana", minutes=one) for one in range(6)))
    with store.transaction() as tx:
        old = tx.audit.chain(before=NOON + timedelta(minutes=4))
        assert old.rows == 4
        tx.audit.add(row("", minutes=9, deed=EXPIRE, object=f"{old.last}:{old.hash}"))
        tx.audit.expire(old)
    found = chained(store)
    assert (found.rows, found.broken, found.cut) == (3, 0, False)
    with store.reading() as tx:
        assert tx.audit.hash_of(old.last) == old.hash, "what was kept elsewhere of it is still right"
    with pytest.raises(DBAPIError, match="only appended to"), store.transaction() as tx:
        tx.connection.execute(delete(_audit).where(_audit.c.id == old.last + 1))
    with pytest.raises(DBAPIError, match="only appended to"), store.transaction() as tx:
        tx.connection.execute(update(_audit).values(by="eve"))
    write(store, row("ben", minutes=10))
    # A note that the log itself does not bear makes nothing expired.
    last = chained(store)
    past_the_guards(
        store,
        update(_meta).where(_meta.c.key == "audit expired").values(value=f"{last.last}:{last.hash}"),
        delete(_audit).where(_audit.c.id < last.last),
    )
    assert chained(store).broken == last.last
