"""From a step that is owed to a page that was sent, or was not: answers, dead channels, crashes."""

from __future__ import annotations

from typing import Any

from inboxwatch import config as configuration
from tests.support.batches import Office, minutes
from tests.support.engine import Engine


def claimed(office: Office) -> tuple[Engine, list[Any]]:
    room = office.engine
    return room, room.claim("desk", office.at)


def test_an_answer_cancels_what_is_queued_and_those_who_were_paged_hear_of_it_once(office: Office) -> None:
    from inboxwatch.notify import Receipt

    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    room.sent(rows, Receipt(), office.at)
    office.passes(minutes(60))
    assert [row.state for row in office.owed()] == ["sent", "pending", "pending"]
    office.reads(office.replies("a1@acme.test", 121, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["sent", "cancelled", "cancelled"]
    assert [row.target for row in office.owed("resolved")] == ["ana"]
    office.reads(office.replies("a2@acme.test", 122, "q1@buyer.test"))
    assert len(office.owed("resolved")) == 1


def test_a_page_whose_wait_ends_while_it_is_rendered_with_others_was_not_sent(office: Office) -> None:
    """Two waits leave as one message; one of them is answered between claim and sending: only the other was told."""
    from inboxwatch.notify import Receipt

    office.reads(office.asks("q1@buyer.test", 0), office.asks("q2@buyer.test", 0, subject="Other"))
    office.passes(minutes(61))
    room, rows = claimed(office)
    assert len(rows) == 2
    office.reads(office.replies("a1@acme.test", 60, "q1@buyer.test"))
    rendered = room.render(rows, office.at)
    assert rendered is not None
    assert [clock["started_by"] for clock in rendered.notice.clocks] == ["q2@buyer.test"]
    room.sent(rendered.rows, Receipt(), office.at)
    assert [row.state for row in office.owed()] == ["cancelled", "sent"]
    assert office.owed("resolved") == []


def test_an_acknowledgement_stops_a_page_that_is_being_retried(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    office.engine.acknowledge(office.clocks()[0].id, "ana", office.at)
    assert room.delivery_failed(rows, "503", office.at, permanent=False, pause=minutes(0)) == []
    assert room.claim("desk", office.at + minutes(1)) == []
    assert [row.state for row in office.owed()] == ["cancelled"]


def test_a_dead_channel_makes_dead_letters_and_is_told_to_it_once(office: Office) -> None:
    office.path.write_text(
        office.path.read_text().replace(
            "channels: {desk: {type: console}}", "channels: {desk: {type: console}, it: {type: console}}"
        )
        + '\nit_alerts: {notify: ["it"]}\n'
    )
    office.config = configuration.load(office.path)
    office.restarts()
    for number in range(3):
        office.reads(office.asks(f"q{number}@buyer.test", 10 * number, subject=f"Matter {number}"))
    for _ in range(3):
        office.passes(minutes(30))
        room, rows = claimed(office)
        if rows:
            assert set(room.delivery_failed(rows, "410 gone", office.at, permanent=True, pause=minutes(1))) == {"dead"}
    assert len(office.owed()) >= 3
    assert {row.state for row in office.owed()} == {"dead"}
    assert [(row.channel, row.body["error"]) for row in office.owed("digest")] == [("it", "410 gone")]


def test_what_a_killed_process_had_claimed_leaves_again_in_the_same_bundle(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    _, rows = claimed(office)
    office.restarts()
    room = office.engine
    room.sweep(["desk"], office.at)
    lease = minutes(0) if office.store._engine.dialect.name == "sqlite" else minutes(3)
    (again,) = room.claim("desk", office.at + lease)
    assert (again.bundle, again.attempts) == (rows[0].bundle, 2)


def test_a_page_that_a_crash_cut_off_may_have_arrived_so_its_reader_hears_that_the_wait_is_over(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    assert room.render(rows, office.at) is not None
    office.restarts()
    office.reads(office.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["cancelled"]
    assert [row.target for row in office.owed("resolved")] == ["ana"]


def test_nobody_hears_of_the_end_of_a_wait_whose_page_never_left(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    room.render(rows, office.at)
    room.delivery_failed(rows, "503", office.at, permanent=False, pause=minutes(1))
    office.at += minutes(1)
    claimed(office)
    office.reads(office.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["cancelled"]
    assert office.owed("resolved") == []


def test_an_acknowledgement_between_claim_and_sending_keeps_the_page_back(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    office.engine.acknowledge(office.clocks()[0].id, "ana", office.at)
    assert room.render(rows, office.at) is None
