"""From a step that is owed to a page that was sent, or was not: answers, dead channels, crashes."""

from __future__ import annotations

from typing import Any

from inboxwatch import config as configuration
from tests.support.batched_daemon import BatchedDaemon, minutes
from tests.support.engine import Engine


def claimed(daemon: BatchedDaemon) -> tuple[Engine, list[Any]]:
    room = daemon.engine
    return room, room.claim("desk", daemon.at)


def test_an_answer_cancels_what_is_queued_and_those_who_were_paged_hear_of_it_once(daemon: BatchedDaemon) -> None:
    from inboxwatch.notify import Receipt

    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    room.sent(rows, Receipt(), daemon.at)
    daemon.passes(minutes(60))
    assert [row.state for row in daemon.owed()] == ["sent", "pending", "pending"]
    daemon.reads(daemon.replies("a1@acme.test", 121, "q1@buyer.test"))
    assert [row.state for row in daemon.owed()] == ["sent", "cancelled", "cancelled"]
    assert [row.target for row in daemon.owed("resolved")] == ["ana"]
    daemon.reads(daemon.replies("a2@acme.test", 122, "q1@buyer.test"))
    assert len(daemon.owed("resolved")) == 1


def test_a_resolution_of_a_wait_that_a_later_reading_undid_is_cancelled(daemon: BatchedDaemon) -> None:
    """It has nothing left to tell: neither whose wait it was nor how it ended."""
    from inboxwatch.notify import Receipt

    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    room.sent(rows, Receipt(), daemon.at)
    daemon.reads(daemon.replies("a1@acme.test", 62, "q1@buyer.test"))
    (wait,) = (row.clock for row in daemon.owed("resolved"))
    assert wait is not None
    room.write(lambda tx: tx.clocks.drop({wait: None}))
    assert room.claim("desk", daemon.at) == []
    assert [row.state for row in daemon.owed("resolved")] == ["cancelled"]


def test_a_page_whose_wait_ends_while_it_is_rendered_with_others_was_not_sent(daemon: BatchedDaemon) -> None:
    """Two waits leave as one message; one of them is answered between claim and sending: only the other was told."""
    from inboxwatch.notify import Receipt

    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@buyer.test", 0, subject="Other"))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    assert len(rows) == 2
    daemon.reads(daemon.replies("a1@acme.test", 60, "q1@buyer.test"))
    rendered = room.render(rows, daemon.at)
    assert rendered is not None
    assert [clock.wait.started_by for clock in rendered.notice.clocks] == ["q2@buyer.test"]
    room.sent(rendered.rows, Receipt(), daemon.at)
    assert [row.state for row in daemon.owed()] == ["cancelled", "sent"]
    assert daemon.owed("resolved") == []


def test_an_acknowledgement_stops_a_page_that_is_being_retried(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    daemon.engine.acknowledge(daemon.clocks()[0].id, "ana", daemon.at)
    assert room.delivery_failed(rows, "503", daemon.at, permanent=False, pause=minutes(0)) == []
    assert room.claim("desk", daemon.at + minutes(1)) == []
    assert [row.state for row in daemon.owed()] == ["cancelled"]


def test_a_dead_channel_makes_dead_letters_and_is_told_to_it_once(daemon: BatchedDaemon) -> None:
    daemon.path.write_text(
        daemon.path.read_text().replace(
            "channels: {desk: {type: console}}", "channels: {desk: {type: console}, it: {type: console}}"
        )
        + '\nit_alerts: {notify: ["it"]}\n'
    )
    daemon.config = configuration.load(daemon.path)
    daemon.restarts()
    for number in range(3):
        daemon.reads(daemon.asks(f"q{number}@buyer.test", 10 * number, subject=f"Matter {number}"))
    for _ in range(3):
        daemon.passes(minutes(30))
        room, rows = claimed(daemon)
        if rows:
            assert set(room.delivery_failed(rows, "410 gone", daemon.at, permanent=True, pause=minutes(1))) == {"dead"}
    assert len(daemon.owed()) >= 3
    assert {row.state for row in daemon.owed()} == {"dead"}
    assert [(row.channel, row.body["error"]) for row in daemon.owed("digest")] == [("it", "410 gone")]


def test_what_a_killed_process_had_claimed_leaves_again_in_the_same_bundle(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    _, rows = claimed(daemon)
    daemon.restarts()
    room = daemon.engine
    room.sweep(daemon.at)
    lease = minutes(0) if daemon.store._engine.dialect.name == "sqlite" else minutes(3)
    (again,) = room.claim("desk", daemon.at + lease)
    assert (again.bundle, again.attempts) == (rows[0].bundle, 2)


def test_a_page_that_a_crash_cut_off_may_have_arrived_so_its_reader_hears_that_the_wait_is_over(
    daemon: BatchedDaemon,
) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    assert room.render(rows, daemon.at) is not None
    daemon.restarts()
    daemon.reads(daemon.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in daemon.owed()] == ["cancelled"]
    assert [row.target for row in daemon.owed("resolved")] == ["ana"]


def test_nobody_hears_of_the_end_of_a_wait_whose_page_never_left(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    room.render(rows, daemon.at)
    room.delivery_failed(rows, "503", daemon.at, permanent=False, pause=minutes(1))
    daemon.at += minutes(1)
    claimed(daemon)
    daemon.reads(daemon.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in daemon.owed()] == ["cancelled"]
    assert daemon.owed("resolved") == []


def test_an_acknowledgement_between_claim_and_sending_keeps_the_page_back(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    room, rows = claimed(daemon)
    daemon.engine.acknowledge(daemon.clocks()[0].id, "ana", daemon.at)
    assert room.render(rows, daemon.at) is None
