"""Every change of owner is told: to who has the wait now, and to who had it; never to whoever did it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from inboxwatch import config as configuration
from inboxwatch.notify import ChannelSettings, Notice, Receipt
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.webhook import payload
from inboxwatch.store import Store
from tests.support.batched_daemon import BatchedDaemon, minutes
from tests.support.engine import Engine

CY = "\n  cy: {name: Cy Lee, email: cy@acme.test}"
NIGHT = timedelta(hours=13)
"""From nine in the morning to an hour at which the office is closed."""


@pytest.fixture
def wait(daemon: BatchedDaemon) -> str:
    """Bo waits for Ana since nine; steps at 10:00, 11:00 and 11:30, the last of which gives it to the fallback."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    return str(daemon.clocks()[0].id)


def becomes(daemon: BatchedDaemon, *changes: tuple[str, str]) -> None:
    """Another config is in force from now on."""
    text = daemon.path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)


def moves(daemon: BatchedDaemon) -> list[tuple[str, str]]:
    """Who is owed word of a change of owner, and which."""
    rows = [*daemon.owed("assigned"), *daemon.owed("unassigned")]
    return [(row.type, row.target) for row in sorted(rows, key=lambda row: row.id) if row.state != "cancelled"]


def leave(daemon: BatchedDaemon) -> list[Notice]:
    """All that is due by now leaves; what was told of changes of owner."""
    found = []
    while (due := daemon.engine.next_at("desk")) is not None and due <= daemon.at:
        rows = daemon.engine.claim("desk", daemon.at)
        if rows and (composed := daemon.engine.render(rows, daemon.at)) is not None:
            found.append(composed.notice)
            daemon.engine.sent(composed.rows, Receipt(), daemon.at)
    return [notice for notice in found if notice.type.value.endswith("assigned")]


def headline(notice: Notice) -> str:
    return Renderer(ChannelSettings().zone).line("headline.txt", notice, None)


def test_who_is_given_a_wait_and_who_had_it_hear_of_it_and_whoever_gave_it_does_not(
    daemon: BatchedDaemon, wait: str
) -> None:
    daemon.engine.assign(wait, "max", daemon.at, owner="ben", reason="knows them")
    assert moves(daemon) == [("assigned", "ben"), ("unassigned", "ana")]
    now, before = leave(daemon)
    assert headline(now) == (
        "Bo Lind is yours now, due in 2 h. Max Ode gave it to you (knows them). It was Ana Diaz's."
    )
    assert headline(before) == "Bo Lind is no longer yours. Max Ode gave it to Ben Ito (knows them)."
    told = payload(now)
    assert (told["type"], told["targets"], told["clocks"][0]["former_owner"]) == ("assigned", ["ben"], "ana")


@pytest.mark.parametrize(
    ("by", "owner", "told"),
    [
        ("ana", "ben", [("assigned", "ben")]),
        ("ben", "ben", [("unassigned", "ana")]),
        ("max", "ana", []),
        ("ana", "ana", []),
    ],
)
def test_whoever_does_it_knows_it_and_who_keeps_a_wait_hears_nothing(
    daemon: BatchedDaemon, wait: str, by: str, owner: str, told: list[tuple[str, str]]
) -> None:
    daemon.engine.assign(wait, by, daemon.at, owner=owner)
    assert moves(daemon) == told


def test_taking_over_by_acknowledgement_is_told_to_who_had_it(daemon: BatchedDaemon, wait: str) -> None:
    daemon.engine.acknowledge(wait, "ben", daemon.at)
    assert [headline(notice) for notice in leave(daemon)] == ["Bo Lind is no longer yours. Ben Ito took it."]
    daemon.engine.acknowledge(wait, "ben", daemon.at + minutes(1))
    assert moves(daemon) == [("unassigned", "ana")]


def test_a_fallback_who_is_nobodys_manager_hears_of_the_wait_that_a_step_gives_him(daemon: BatchedDaemon) -> None:
    becomes(daemon, ("fallback: max", "fallback: cy"), ("\nteams:", f"{CY}\nteams:"))
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(121))
    step = daemon.clocks()[0].next_step
    assert (step["targets"], step["moves_to"]) == (["max"], "cy"), "what is next says to whom it moves"
    daemon.passes(minutes(30))
    assert moves(daemon) == [("assigned", "cy"), ("unassigned", "ana")]
    assert "cy" not in {target for _, _, target in daemon.steps()}
    now, before = leave(daemon)
    assert headline(now) == "Bo Lind is yours now, overdue by 31 min. It was Ana Diaz's (step 3 of standard)."
    assert headline(before) == "Bo Lind is no longer yours. It moved to Cy Lee (step 3 of standard)."
    assert "moves_to" not in (daemon.clocks()[0].next_step or {})


def test_an_owner_who_is_seen_to_be_away_loses_the_wait_to_who_is_told_of_it(daemon: BatchedDaemon, wait: str) -> None:
    away = daemon.replies("away@acme.test", 5, "q0@buyer.test", extra="Auto-Submitted: auto-replied (vacation)")
    daemon.at += minutes(6)
    daemon.reads(daemon.asks("q0@buyer.test", 4, subject="Another matter"), away)
    daemon.passes(minutes(1))
    assert daemon.clock(wait).owner == "max"
    mine = [notice for notice in leave(daemon) if notice.targets == ("max",)]
    assert "It was Ana Diaz's (Ana Diaz is away: the own mailbox answered with a vacation reply" in headline(mine[0])
    assert [row.clock for row in daemon.owed("digest")] != [wait], "the fallback is told once that it is his"


def test_what_the_program_moves_at_night_is_told_at_opening_and_a_persons_deed_at_once(daemon: BatchedDaemon) -> None:
    becomes(daemon, ("in_hours_only: false", "in_hours_only: true"), ("first_response: 2h", "first_response: 30m"))
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (wait,) = (row.id for row in daemon.clocks())
    daemon.at += NIGHT
    away = daemon.replies("away@acme.test", 60 * 12, "q1@buyer.test", extra="Auto-Submitted: auto-replied (vacation)")
    daemon.reads(away)
    assert daemon.clock(wait).owner == "max"
    assert leave(daemon) == []
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    assert [notice.targets for notice in leave(daemon)] == [("ben",)]


def test_nobody_hears_of_a_move_that_was_undone_before_it_was_told(daemon: BatchedDaemon, wait: str) -> None:
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    daemon.engine.assign(wait, "max", daemon.at, owner="ana")
    assert leave(daemon) == []


def test_a_wait_that_moved_on_before_the_message_left_is_told_to_its_last_owner_only(
    daemon: BatchedDaemon, wait: str
) -> None:
    daemon.engine.assign(wait, "ana", daemon.at, owner="ben")
    daemon.engine.assign(wait, "max", daemon.at, owner="max")
    daemon.engine.assign(wait, "max", daemon.at, owner="ana")
    assert [headline(notice) for notice in leave(daemon)] == [
        "Bo Lind is yours now, due in 2 h. Max Ode gave it to you."
    ]


def test_a_wait_given_to_and_fro_is_told_each_time(daemon: BatchedDaemon, wait: str) -> None:
    told = []
    for owner in ("ben", "ana", "ben"):
        daemon.engine.assign(wait, "max", daemon.at, owner=owner)
        told += [(notice.type.value, notice.targets) for notice in leave(daemon)]
    assert [targets for kind, targets in told if kind == "assigned"] == [("ben",), ("ana",), ("ben",)]


def test_waits_given_together_are_one_message_with_a_key_each(daemon: BatchedDaemon, wait: str) -> None:
    daemon.reads(daemon.asks("q2@buyer.test", 0, subject="Other"))
    for row in daemon.clocks():
        daemon.engine.assign(row.id, "ana", daemon.at, owner="ben")
    (notice,) = leave(daemon)
    assert headline(notice) == "2 waits are yours now"
    assert len({row.key for row in daemon.owed("assigned")}) == 2


def test_an_answer_cancels_what_is_not_told_yet_and_ends_for_who_was_told(daemon: BatchedDaemon, wait: str) -> None:
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    assert len(leave(daemon)) == 2
    daemon.engine.assign(wait, "max", daemon.at, owner="ana")
    daemon.reads(daemon.replies("a1@acme.test", 20, "q1@buyer.test"))
    assert leave(daemon) == []
    assert {row.target for row in daemon.owed("resolved")} == {"ben"}


def test_nobody_is_told_that_a_wait_read_from_history_moved(daemon: BatchedDaemon) -> None:
    daemon.at += timedelta(days=2)
    daemon.reads(daemon.asks("q1@buyer.test", 0), quiet=True)
    assert daemon.clocks()[0].owner == "ana"
    assert moves(daemon) == []


@pytest.fixture
def other(daemon: BatchedDaemon) -> Iterator[Engine]:
    """Another process on the daemon's store."""
    store = Store(daemon.config.store_url.reveal())
    yield Engine(store, daemon.config)
    store.close()


def test_two_processes_and_a_crash_between_tell_a_change_of_owner_once(
    daemon: BatchedDaemon, other: Engine, wait: str
) -> None:
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    other.tick(daemon.at, only=frozenset({wait}))
    rows = [row for _ in range(2) for row in daemon.engine.claim("desk", daemon.at)]
    daemon.engine.render([rows[0]], daemon.at)
    daemon.restarts()
    other.tick(daemon.at, only=frozenset({wait}))
    assert moves(daemon) == [("assigned", "ben"), ("unassigned", "ana")]
    assert [row.key for row in rows] == sorted({row.key for row in rows}, key=[row.key for row in rows].index)
