"""Several workers on one PostgreSQL: each mailbox is read by one of them, and the house speaks with one voice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.doubles.postgres import Postgres
from tests.doubles.webhook_sink import WebhookSink
from tests.support.several_workers import SeveralWorkers


def steps(sink: WebhookSink) -> Counter[tuple[str, int, str]]:
    """How often each step of each wait was told to each reader."""
    return Counter(
        (clock["id"], clock["step"], target)
        for post in sink.accepted
        if post.type == "escalation"
        for clock in post.body["clocks"]
        for target in post.body["targets"]
    )


def test_two_workers_read_each_mailbox_once_and_tell_each_step_once(
    postgres: Postgres, sink: WebhookSink, tmp_path: Path
) -> None:
    house = SeveralWorkers(tmp_path, postgres.database(), hook=sink.url, target="4s")
    with house.running(2) as workers:
        assert len(house.readers()) == 2, "both read some of the mailboxes"
        house.asks("q")
        workers[0].wait(lambda: len(steps(sink)) == 3 * len(house.users), "each wait has both its steps")
        sink.wait(lambda post: any(clock["step"] == 2 for clock in post.body["clocks"]))
        assert set(steps(sink).values()) == {1}
        assert {reason for post in sink.posts for reason in post.reasons} == {"warning", "breach"}, "all was verified"
        assert ["another process reads this mailbox" in worker.log for worker in workers] == [False, False]
