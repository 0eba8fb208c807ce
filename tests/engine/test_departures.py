"""What a config no longer names is treated as absent: no wait loses its owner, no notice its reader, nothing ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.model import LeadId, PersonId
from inboxwatch.engine.actions import Acting, assign, dismiss
from inboxwatch.engine.authority import concerned
from inboxwatch.engine.departures import Departure, departures, settle_departures
from inboxwatch.engine.digests import enqueue_digests
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.web import make_app
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.in_process_daemon import MONDAY

CHANNELS = "channels: {desk: {type: console}, wall: {type: console}}"
NAMED = "      - {at: 50%, notify: [owner]}"
Removal = Callable[[str], str]


def without(*patterns: str) -> Removal:
    def removed(text: str) -> str:
        for pattern in patterns:
            text, count = re.subn(pattern, "", text, flags=re.MULTILINE)
            assert count, pattern
        return text

    return removed


def replaced(old: str, new: str) -> Removal:
    return lambda text: text.replace(old, new)


def both(*removals: Removal) -> Removal:
    def all_of(text: str) -> str:
        for removal in removals:
            text = removal(text)
        return text

    return all_of


NO_ANA = both(without("^  ana: .name.*\n", "^  ana: .connector.*\n"), replaced("[ana, ben]", "[ben]"))
NO_BEN = both(
    without("^  ben: .*\n", "^      - .at: 75%.*\n"), replaced("[ana, ben]", "[ana]"), replaced("[ben]", "[max]")
)
NO_TEAM = without("^teams:\n", "^  emea: .*\n", "^  sales: .connector.*\n")
NO_SALES = without("^  sales: .connector.*\n")
NO_WALL = both(without(", wall: .type: console."), replaced(", wall]", "]"))
NO_CALENDAR = both(replaced("  office:", "  bureau:"), replaced("calendar: office", "calendar: bureau"))
NO_POLICY = both(replaced("name: default,", "name: other,"), replaced("standard", "ladder"))
NO_FALLBACK = both(
    without("^  max: .*\n"),
    replaced(", manager: max", ""),
    replaced(", lead: max", ""),
    replaced("back: max", "back: ben"),
)
REMOVALS = {
    "person": NO_ANA,
    "person a ladder names": NO_BEN,
    "team": NO_TEAM,
    "mailbox": NO_SALES,
    "channel": NO_WALL,
    "calendar": NO_CALENDAR,
    "policy": NO_POLICY,
    "fallback": both(NO_FALLBACK, replaced("[max]", "[ben]")),
    "nearly all": both(NO_ANA, NO_SALES, NO_WALL, NO_CALENDAR, NO_POLICY),
}


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[BatchedDaemon]:
    """Waits of Ana (by routing), of Ben (by hand) and of the team's mailbox, steps told and steps queued."""
    daemon = BatchedDaemon(tmp_path, database)
    becomes(
        daemon,
        both(
            replaced("channels: {desk: {type: console}}", CHANNELS),
            replaced(NAMED, NAMED + "\n      - {at: 75%, notify: [ben, wall]}"),
        ),
    )
    daemon.lead("cy@buyer.test", owner="ben")
    daemon.lead("dot@buyer.test")
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.reads(daemon.asks("q2@buyer.test", 1, sender="cy@buyer.test", to="sales@acme.test"), mailbox=SALES)
    daemon.reads(daemon.asks("q3@buyer.test", 2, sender="dot@buyer.test", to="sales@acme.test"), mailbox=SALES)
    given = next(row.id for row in daemon.clocks() if row.lead == "dot@buyer.test")
    daemon.engine.write(assign, daemon.rules, given, Acting("max", daemon.at), "ben")
    daemon.passes(minutes(62))
    yield daemon
    daemon.close()


def becomes(daemon: BatchedDaemon, change: Removal) -> None:
    """The config file changes; nothing has taken it over yet."""
    daemon.path.write_text(change(daemon.path.read_text(encoding="utf-8")), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)


def starts(daemon: BatchedDaemon) -> list[Departure]:
    """What a start or a reload does before its loops run."""
    daemon.restarts()
    daemon.engine.sweep(daemon.at)
    return daemon.engine.write(settle_departures, daemon.rules, daemon.at)


def owners(daemon: BatchedDaemon) -> dict[str, str]:
    return {row.lead: row.owner for row in daemon.clocks() if row.state == "running"}


def history(daemon: BatchedDaemon, clock: str) -> list[tuple[str, str, str]]:
    with daemon.store.reading() as tx:
        row = tx.clocks.get(clock)
        assert row is not None
        given = [one for one in tx.clocks.actions([row.thread], [])[row.thread] if one.owner]
    return [(str(one.owner), one.by, one.reason) for one in given]


@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)
def test_whatever_leaves_the_config_every_wait_keeps_a_living_owner_and_every_notice_a_way(
    daemon: BatchedDaemon, removal: Removal
) -> None:
    open_before = set(owners(daemon))
    becomes(daemon, removal)
    starts(daemon)
    people, channels = daemon.config.people, daemon.config.channels
    assert set(owners(daemon)) == open_before
    for _ in range(8):
        assert set(owners(daemon).values()) <= set(people)
        daemon.passes(minutes(31))
        assert {row.channel for row in daemon.owed() if row.state in ("pending", "claimed")} <= set(channels)
    assert all(row.person is None or row.person in people for row in daemon.owed() if row.state == "pending")
    told = {(row.clock, row.step) for row in daemon.owed() if row.state != "cancelled"}
    assert {(row.id, step) for row in daemon.clocks() for step in (1, 3)} <= told
    with daemon.store.reading() as tx:
        running = tx.clocks.running()
        wait_views(tx, daemon.rules, running, daemon.at)
        assert all(explain(tx, daemon.rules, row.id, daemon.at) for row in running)
    mailbox = ANA if ANA in daemon.config.mailboxes else SALES
    if mailbox in daemon.config.mailboxes:
        before = len(owners(daemon))
        daemon.reads(daemon.replies("a9@acme.test", 400, "q1@buyer.test", sender="max@acme.test"), mailbox=mailbox)
        assert len(owners(daemon)) == before - 1


def test_waits_of_who_left_are_listed_before_they_move_and_say_why_afterwards(daemon: BatchedDaemon) -> None:
    (clock,) = [row.id for row in daemon.clocks() if row.lead == BO]
    becomes(daemon, NO_ANA)
    with daemon.store.reading() as tx:
        listed = departures(tx, daemon.rules, daemon.at)
    assert owners(daemon)[BO] == "ana", "to list is not to move"
    moved = [(one.clock, one.owner) for departure in listed for one in departure.moved]
    assert moved == [(clock, "max")]
    assert starts(daemon) == listed
    assert owners(daemon)[BO] == "max"
    assert history(daemon, clock)[-1] == (
        "max",
        "routing",
        "ana is no person of the config any more; no rule names a person",
    )
    assert [(row.target, row.body["former"]) for row in daemon.owed("assigned") if row.clock == clock] == [
        ("max", "ana")
    ]
    assert daemon.owed("unassigned") == [], "nobody is there who could be told"
    assert starts(daemon) == [one for one in listed if not one.moved]
    assert len(daemon.owed("digest")) == len({row.key for row in daemon.owed("digest")})


def test_a_wait_that_a_person_gave_away_moves_too_where_its_owner_left(daemon: BatchedDaemon) -> None:
    becomes(daemon, NO_BEN)
    starts(daemon)
    assert owners(daemon)["dot@buyer.test"] in daemon.config.people


def test_nothing_moves_where_the_config_still_names_everything(daemon: BatchedDaemon) -> None:
    """Counter-case: another name, another address, a new person are no departures."""
    before = owners(daemon)
    becomes(
        daemon,
        both(
            replaced("Ana Diaz", "Ana Diaz-Roe"), replaced("  ben:", "  eve: {name: Eve, email: eve@acme.test}\n  ben:")
        ),
    )
    assert starts(daemon) == []
    assert owners(daemon) == before
    assert daemon.at > MONDAY and daemon.owed("digest") == []


def test_a_queued_page_for_who_left_reaches_the_fallback_once(daemon: BatchedDaemon) -> None:
    queued = [row.clock for row in daemon.owed() if row.target == "ana" and row.state == "pending"]
    assert queued
    becomes(daemon, NO_ANA)
    starts(daemon)
    after: list[Any] = [row for row in daemon.owed() if row.clock in queued and row.step == 1]
    assert {(row.target, row.person, row.state) for row in after} == {("max", PersonId("max"), "pending")}
    assert LeadId(BO) in owners(daemon)


@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS)
async def test_every_page_list_figure_and_digest_stands_whatever_left_the_config(
    daemon: BatchedDaemon, removal: Removal
) -> None:
    """Before anything has moved, and afterwards: a request may come in at any moment of a reload."""
    becomes(daemon, removal)
    waits = [row.id for row in daemon.clocks()]
    pages = ["/", "/mailboxes", "/follow-ups", f"/leads/{BO}", "/metrics", "/api/v1/clocks", f"/api/v1/leads/{BO}"]
    pages += [f"/waits/{one}" for one in waits] + [f"/api/v1/clocks/{one}" for one in waits]
    async with TestClient(TestServer(make_app(daemon))) as client:
        for _ in range(2):
            found = {page: (await client.get(page)).status for page in pages}
            assert {page: status for page, status in found.items() if status not in (200, 404)} == {}
            assert found["/"] == found["/metrics"] == found[f"/waits/{waits[0]}"] == 200
            daemon.engine.write(enqueue_digests, daemon.rules, daemon.at)
            with daemon.store.reading() as tx:
                assert all(concerned(daemon.config, tx, row) for row in tx.clocks.running())
            starts(daemon)


def test_a_mailbox_that_stays_away_is_told_once_and_again_when_it_was_back_meanwhile(daemon: BatchedDaemon) -> None:
    text = daemon.path.read_text(encoding="utf-8")

    def told() -> int:
        return sum("Mailbox sales" in row.body["title"] for row in daemon.owed("digest"))

    becomes(daemon, NO_SALES)
    starts(daemon)
    gone = next(row.id for row in daemon.clocks() if row.mailbox == SALES)
    daemon.engine.write(dismiss, daemon.rules, gone, Acting("max", daemon.at, "spam"))
    starts(daemon)
    assert told() == 1
    becomes(daemon, lambda _: text)
    starts(daemon)
    becomes(daemon, NO_SALES)
    daemon.at += minutes(1)
    starts(daemon)
    assert told() == 2
