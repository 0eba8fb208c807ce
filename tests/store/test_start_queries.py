"""What the start page asks of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from tests.support.new_stores import new_store

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_what_happened_since_an_instant_is_found_without_reading_the_history(tmp_path: Path) -> None:
    store = new_store(f"sqlite:///{tmp_path}/store.db")
    asked: list[tuple[str, Any]] = []
    with store.reading() as tx:
        connection = tx.connection

        def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", hear)
        tx.start.happened(None, NOW - timedelta(days=1), NOW)
        tx.start.on_time(None, [NOW - timedelta(days=1)], NOW)
        event.remove(connection, "before_cursor_execute", hear)
        plans = [
            str(row[3])
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    store.close()
    assert [step for step in plans if step.startswith("SCAN") and step.split()[1] in ("clock", "act", "told")] == []
    assert any("ix_clock_breached" in step for step in plans)
