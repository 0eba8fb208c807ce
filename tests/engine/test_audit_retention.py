"""The audit log is kept for as long as the config says, and what goes is noted in it first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.engine.audit import Attempt, Door, note
from inboxwatch.engine.erasure_clock import pass_time
from inboxwatch.engine.retention import expire_audit
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.audit_record import AuditRecord
from tests.support.in_process_daemon import InProcessDaemon

DAY = timedelta(days=1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    for _ in range(5):
        with daemon.store.transaction() as tx:
            note(tx, daemon.rules, Attempt(Door.TOKEN, "wait.snooze", by="ana"), daemon.at)
        daemon.at += DAY
    yield daemon
    daemon.close()


def keep(daemon: InProcessDaemon, text: str) -> None:
    plain = daemon.path.read_text(encoding="utf-8").partition("history:")[0]
    daemon.path.write_text(f"{plain}history: {{keep_audit: {text}}}\n", encoding="utf-8")
    daemon.config = configuration.load(daemon.path)


def expired(daemon: InProcessDaemon) -> int:
    with daemon.store.transaction() as tx:
        return expire_audit(tx, daemon.rules, daemon.at)


def runs_on(daemon: InProcessDaemon, time: timedelta) -> None:
    """Time goes on, and a daemon is at work now and then."""
    for _ in range(4):
        daemon.at += time / 4
        with daemon.store.transaction() as tx:
            pass_time(tx, daemon.at)


def rows(daemon: InProcessDaemon) -> list[AuditRecord]:
    with daemon.store.reading() as tx:
        assert not (chained := tx.audit.chain()).broken
        assert not chained.cut
        return tx.audit.page(AuditFilter(), 100, after=0)


def test_without_a_limit_everything_stays(daemon: InProcessDaemon) -> None:
    daemon.at += 4000 * DAY
    assert expired(daemon) == 0
    assert len(rows(daemon)) == 5


def test_what_is_too_old_goes_once_and_is_on_record(daemon: InProcessDaemon) -> None:
    before = rows(daemon)
    keep(daemon, "60h")
    assert expired(daemon) == 3
    assert expired(daemon) == 0
    left = rows(daemon)
    assert left[:2] == before[3:]
    assert (left[2].deed, left[2].door, left[2].times) == ("audit.expire", Door.AGE, 3)
    assert left[2].object == f"{before[2].id}:{before[2].hash}"
    runs_on(daemon, 100 * DAY)
    assert expired(daemon) == 3
    assert [row.deed for row in rows(daemon)] == ["audit.expire"]
    runs_on(daemon, 100 * DAY)
    assert expired(daemon) == 0, "the last note is all that says where the chain begins"


def test_a_log_that_does_not_fit_together_is_evidence_and_stays(daemon: InProcessDaemon) -> None:
    keep(daemon, "1h")
    with daemon.store.transaction() as tx:
        tx.connection.exec_driver_sql("DROP TRIGGER audit_update")
        tx.connection.exec_driver_sql("UPDATE audit SET by = 'max' WHERE id = 2")
    assert expired(daemon) == 0
