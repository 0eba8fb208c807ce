"""The audit log only grows, on either database, whoever of two engines writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from inboxwatch.store import Store, audit_table
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.audit_record import AuditRecord

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


def row(by: str) -> AuditRecord:
    return AuditRecord(0, NOON, "token", by, "wait.snooze", "", None, None, "done", None, 1)


@pytest.mark.parametrize("change", [update(audit_table.audit).values(by="eve"), delete(audit_table.audit)])
def test_the_database_refuses_to_change_or_remove_a_row(store: Store, change: object) -> None:
    with store.transaction() as tx:
        tx.audit.add(row("ana"))
    with pytest.raises(DBAPIError, match="only appended to"), store.transaction() as tx:
        tx.connection.execute(change)  # type: ignore[call-overload]  # either statement
    with store.reading() as tx:
        assert [one.by for one in tx.audit.page(AuditFilter(), 10)] == ["ana"]


def test_two_engines_write_one_log(database: str, store: Store) -> None:
    other = Store(database)
    for number in range(4):
        with (store, other)[number % 2].transaction() as tx:
            tx.audit.add(row(f"p{number}"))
    for one in (store, other):
        with one.reading() as tx:
            assert [found.by for found in tx.audit.page(AuditFilter(), 3, after=0)] == ["p0", "p1", "p2"]
            assert [found.by for found in tx.audit.page(AuditFilter(), 3)] == ["p3", "p2", "p1"]
    other.close()
