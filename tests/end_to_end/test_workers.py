"""Several workers on one PostgreSQL: each mailbox is read by one of them, and the house speaks with one voice."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from pathlib import Path

from inboxwatch.core.shards import SHARDS
from tests.doubles.postgres import Postgres
from tests.doubles.webhook_sink import WebhookSink
from tests.support.several_workers import SeveralWorkers
from tests.support.waiting import PATIENCE, wait


def told(sink: WebhookSink) -> dict[tuple[str, int, str], list[str]]:
    """The keys under which each step of each wait was told to each reader, a key for each message that came."""
    found = defaultdict[tuple[str, int, str], list[str]](list)
    for post in sink.accepted:
        for clock in post.body["clocks"] if post.type == "escalation" else []:
            for target in post.body["targets"]:
                found[clock["id"], clock["step"], target].append(post.key)
    return found


def test_two_workers_read_each_mailbox_once_tell_each_step_once_and_the_one_takes_up_what_the_other_leaves(
    postgres: Postgres, sink: WebhookSink, tmp_path: Path
) -> None:
    """The killed one has a message on its way: the other sends it, under the same key, long before a claim runs out."""
    house = SeveralWorkers(tmp_path, postgres.database(), hook=sink.url, target="4s")
    steps = 3 * len(house.users)  # a warning to Ana, a breach to her and her manager
    with house.running(2) as workers:
        assert len(house.readers()) == 2, "both read some of the mailboxes"
        listed = [json.loads(line) for line in workers[0].installation.command("workers", "--json").stdout.splitlines()]
        assert sorted(box for one in listed for box in one["mailboxes"]) == sorted(house.mailboxes())
        assert [(one["state"], one["shards"]) for one in listed] == [("at work", 128), ("at work", 128)]
        assert sum(worker.metric("inboxwatch_worker_shards") for worker in workers) == SHARDS
        house.asks("q")
        workers[0].wait(lambda: len(told(sink)) == steps, "each wait has both its steps")
        assert [len(keys) for keys in told(sink).values()] == [1] * steps
        assert {reason for post in sink.posts for reason in post.reasons} == {"warning", "breach"}, "all was verified"
        assert ["another process reads this mailbox" in worker.log for worker in workers] == [False, False]

        gone, before = threading.Event(), len(sink.posts)
        sink.answer = lambda post: 200 if gone.wait(PATIENCE) else 500
        house.asks("r")
        wait(lambda: len(sink.posts) > before, "a message is on its way")
        sending = next(worker for worker in workers if worker.process.pid in house.claiming())
        sending.kill()
        gone.set()
        (left,) = (worker for worker in workers if worker is not sending)
        house.shared_by(1)
        assert "read by nobody" not in left.installation.command("workers").stdout
        house.asks("s")
        left.wait(lambda: len(told(sink)) == 3 * steps, "each wait has both its steps")
        assert [keys for keys in told(sink).values() if len(set(keys)) > 1] == [], "no step is told under two keys"
