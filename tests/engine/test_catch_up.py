"""What an API tells after an outage comes folder by folder, not by time: until all was read, nothing is claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inboxwatch.core.model import RawMessage
from tests.support.batched_daemon import BatchedDaemon, minutes

OUTAGE = minutes(3 * 24 * 60)


def after_an_outage(daemon: BatchedDaemon, *parts: list[RawMessage]) -> list[tuple[Any, ...]]:
    """The waits after the parts of one catch-up were read, and all that was owed of them."""
    daemon.reads()
    daemon.at += OUTAGE
    for part in parts[:-1]:
        daemon.reads(*part, seen_until=None)
        daemon.engine.tick(daemon.at)
        assert daemon.owed() == [], "what the unread folder holds may be the answer"
        assert [row.breached_at for row in daemon.clocks()] == [None] * len(daemon.clocks())
        daemon.restarts()
    daemon.reads(*parts[-1])
    daemon.passes(minutes(0))
    return [
        (row.started_by, row.state, row.stopped_by, row.stopped_at, row.breached_at, row.first_sight, row.flags)
        for row in daemon.clocks()
    ]


def test_folders_one_after_another_give_the_clocks_of_mail_in_order(tmp_path: Path) -> None:
    """Of Graph and EWS the history is merged by time, the catch-up is not: it need not be."""
    found = []
    for number in range(3):
        place = tmp_path / str(number)
        place.mkdir()
        daemon = BatchedDaemon(place, f"sqlite:///{place}/store.db")
        inbox = [daemon.asks("q1@buyer.test", 60), daemon.asks("q2@buyer.test", 1500, subject="Terms")]
        sent = [
            daemon.replies("a1@acme.test", 90, "q1@buyer.test"),
            daemon.replies("a2@acme.test", 1530, "q2@buyer.test", subject="Terms"),
        ]
        by_time = [inbox[0], sent[0]], [inbox[1], sent[1]]
        parts = [(inbox, sent), (sent, inbox), by_time][number]
        found.append(after_an_outage(daemon, *parts))
        assert daemon.owed() == [], "all was answered in time"
        daemon.close()
    assert found[0] == found[1] == found[2]
    assert [row[:3] for row in found[0]] == [
        ("q1@buyer.test", "answered", "a1@acme.test"),
        ("q2@buyer.test", "answered", "a2@acme.test"),
    ]
    assert not any(row[4] or row[5] or row[6] for row in found[0]), "no breach, no first sight, no doubt"
