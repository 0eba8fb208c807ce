"""An inquiry that waits to be judged, beside the wait for its answer: in lists, in digests, in what people do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.engine.deeds import last_deed
from inboxwatch.engine.digests import Daily, first_sight
from inboxwatch.engine.lookup import Lookup
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.notify import NoticeWait
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.web.history import history
from inboxwatch.words import ENGLISH
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


def sections(told: tuple[str, list[NoticeWait]] | None) -> list[tuple[str, str]]:
    assert told is not None
    return [(one.section, one.wait.buyer) for one in told[1]]


def test_a_digest_tells_what_is_to_be_judged_before_what_is_to_be_answered(daemon: InProcessDaemon) -> None:
    def told(tx: Transaction, about: dict[str, str], day: str) -> tuple[str, list[NoticeWait]]:
        written = Daily(tx, daemon.rules, daemon.at + 1.5 * HOUR).write(about, day)
        assert written is not None
        return written

    title, _ = found = daemon.engine.read(told, {"person": "ana"}, "2026-05-04")
    assert title == "Mon 4 May: 1 to be judged, 1 open, 1 follow-up"
    assert sections(found)[:2] == [("To be judged: 1", "Bo Lind"), ("Open: 1", "Bo Lind")]
    title, _ = found = daemon.engine.read(told, {"team": "emea"}, "2026-05-04")
    assert title.startswith("Team emea, Mon 4 May: 1 to be judged, 1 open")
    assert sections(found)[0] == ("To be judged: 1", "Bo Lind")


def test_a_mailbox_read_for_the_first_time_tells_late_verdicts_replies_and_follow_ups_apart(
    daemon: InProcessDaemon,
) -> None:
    def told(tx: Transaction, after: timedelta) -> tuple[str, list[NoticeWait]] | None:
        rows = [row.id for row in tx.clocks.running()]
        return first_sight(tx, daemon.rules, "ana", rows, daemon.at + after, ENGLISH)

    early = daemon.engine.read(told, 1.5 * HOUR)
    assert sections(early) == [("To be judged: 1", "Bo Lind")]
    assert early is not None
    assert early[0].startswith("1 verdict of ana was overdue")
    late = daemon.engine.read(told, 48 * HOUR)
    assert sections(late) == [
        ("To be judged: 1", "Bo Lind"), ("Replies: 1", "Bo Lind"), ("Follow-ups: 1", "Cy Young"),
    ]  # fmt: skip
    assert late is not None
    assert late[0].startswith("1 verdict and 1 reply and 1 follow-up of ana were overdue")


def test_whoever_asks_what_is_theirs_hears_of_verdicts_and_of_a_lead_the_answer(daemon: InProcessDaemon) -> None:
    ana = daemon.config.people[PersonId("ana")]

    def asked(tx: Transaction, query: str) -> tuple[tuple[str, ...], list[Metric]]:
        found = Lookup(tx, daemon.rules, ana, daemon.at + 1.5 * HOUR, ENGLISH).answer(query)
        return found.lines, [one.metric for one in found.clocks]

    lines, metrics = daemon.engine.read(asked, "")
    assert lines == (
        "1 inquiry waits to be judged by you, 1 overdue.",
        "1 buyer waits for your reply.",
        "1 follow-up is yours.",
    )
    assert metrics == [Metric.VERDICT, Metric.FIRST_RESPONSE, Metric.FOLLOW_UP]
    lines, _ = daemon.engine.read(asked, "bo@buyer.test")
    assert "first reply within 2 h" in lines[1]


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


def test_what_was_done_to_the_wait_is_told_of_its_verdict_as_long_as_it_was_awaited(daemon: InProcessDaemon) -> None:
    daemon.engine.acknowledge(wait(daemon).id, "ben", daemon.at + HOUR / 2)
    daemon.engine.assign(wait(daemon).id, "max", daemon.at + HOUR, owner="ana")
    judged = wait(daemon).started_at + HOUR * 0.75

    def told(tx: Transaction, stopped_at: datetime | None) -> tuple[list[str | None], str]:
        await_verdict(tx, wait(daemon)._replace(state=State.ANSWERED if stopped_at else State.RUNNING))
        clock = clock_id(wait(daemon).started_by, Metric.VERDICT)
        (row,) = tx.board.of_ids([clock])
        tx.clocks.save([row._replace(stopped_at=stopped_at)])
        (view,) = wait_views(tx, daemon.rules, tx.board.of_ids([clock]), daemon.at)
        return [one.owner for one in history(tx, clock).ownership], last_deed(tx, daemon.rules, view, None)

    owners, deed = daemon.engine.write(told, None)
    assert (owners, deed) == (["ana", "ben", "ana"], "Max Ode gave it to Ana Diaz.")
    owners, deed = daemon.engine.write(told, judged)
    assert owners == ["ana", "ben"]
    assert deed.startswith("Ben Ito has it until")
