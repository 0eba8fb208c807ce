"""An inquiry that waits to be judged, beside the wait for its answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """Bo waits for Ana since nine, to be answered by eleven, to be judged by ten; she owes Cy a follow-up."""
    daemon = InProcessDaemon(tmp_path, follow_up="24h")
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind")
    daemon.lead("cy@other.test", owner="ana", name="Cy Young")
    daemon.mail("bo@buyer.test", "ana@acme.test", subject="Hello")
    daemon.mail("ana@acme.test", "cy@other.test")
    daemon.engine.write(await_verdict, wait(daemon))
    yield daemon
    daemon.close()


def wait(daemon: InProcessDaemon) -> ClockRecord:
    return daemon.engine.read(lambda tx: tx.clocks.listed({"metric": "first_response"}, None, 1))[0]


def await_verdict(tx: Transaction, row: ClockRecord) -> None:
    """The verdict of a wait, as an evaluation leaves it."""
    verdict = clock_id(row.started_by, Metric.VERDICT)
    due = row.started_at + HOUR
    tx.clocks.save([row._replace(id=verdict, metric=Metric.VERDICT, due_at=due, next_step=None, breached_at=due)])


def test_who_acts_on_a_verdict_that_is_awaited_acts_on_the_wait(daemon: InProcessDaemon) -> None:
    """A dismissal that named the verdict's own clock would have dismissed nothing of the wait."""
    row = wait(daemon)
    verdict = clock_id(row.started_by, Metric.VERDICT)
    assert daemon.engine.acknowledge(verdict, "ben", daemon.at) == row.id
    assert (wait(daemon).owner, wait(daemon).acknowledged_until is not None) == ("ben", True)
    daemon.engine.write(await_verdict, wait(daemon))
    assert daemon.engine.dismiss(verdict, "ben", daemon.at) == row.id
    assert wait(daemon).state == "dismissed"
    daemon.engine.write(await_verdict, wait(daemon))
    assert daemon.engine.reopen(verdict, "ben", daemon.at) == row.id
    assert wait(daemon).state == "running"
