"""A daemon that ends again and again is told once for each loop; one that is stopped and started is not."""

from __future__ import annotations

from datetime import timedelta

from inboxwatch.engine.starts import LOOP, WINDOW, begin_run, end_run
from tests.support.batched_daemon import BatchedDaemon, minutes

HOST = "mail1"
MINUTE = minutes(1)


def begins(daemon: BatchedDaemon, after: timedelta = MINUTE, host: str = HOST) -> int:
    """The unclean ends that this start tells of; 0 for none."""
    daemon.at += after
    loop = daemon.engine.write(begin_run, host, daemon.at)
    return loop.ends if loop else 0


def test_the_fourth_start_within_minutes_without_a_clean_end_is_told_once(daemon: BatchedDaemon) -> None:
    assert [begins(daemon) for _ in range(6)] == [0, 0, 0, LOOP, 0, 0]
    assert [begins(daemon, WINDOW + minutes(1)), *(begins(daemon) for _ in range(3))] == [0, 0, 0, LOOP], "another loop"


def test_a_clean_end_forgets_the_starts_before_it(daemon: BatchedDaemon) -> None:
    for _ in range(8):
        assert begins(daemon) == 0
        daemon.engine.write(end_run, HOST, None)


def test_starts_far_apart_and_those_of_other_hosts_are_no_loop(daemon: BatchedDaemon) -> None:
    assert not any(begins(daemon, minutes(4)) for _ in range(8))
    assert not any(begins(daemon, minutes(0), f"other{number}") for number in range(8))


def test_a_loop_is_told_with_where_the_last_run_failed(daemon: BatchedDaemon) -> None:
    for _ in range(LOOP):
        begins(daemon)
        daemon.engine.write(end_run, HOST, "KeyError in routing.py:1 (absence)")
    loop = daemon.engine.write(begin_run, HOST, daemon.at)
    assert loop is not None and loop.error == "KeyError in routing.py:1 (absence)"
