"""What people do to waits, what lead lists say, and what a new policy leaves alone."""

from __future__ import annotations

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.engine.refused import Refused
from tests.support.batched_daemon import BO, BatchedDaemon, minutes


def test_actions_are_refused_with_the_status_that_says_why(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (clock,) = daemon.clocks()

    def status(what: ActionKind, id: str = clock.id, by: str = "ana", **details: object) -> int:  # noqa: A002
        with pytest.raises(Refused) as refused:
            daemon.engine.act(id, what, by, daemon.at, **details)
        return refused.value.status

    assert status(ActionKind.DISMISSED, "nowhere") == 404
    assert status(ActionKind.DISMISSED, by="nobody") == 422
    assert status(ActionKind.ASSIGNED, owner="emea") == 422
    assert status(ActionKind.SNOOZED, until=daemon.at) == 422
    daemon.engine.dismiss(clock.id, "ana", daemon.at)
    assert status(ActionKind.DISMISSED) == 409


def test_acknowledging_takes_the_wait_and_holds_the_ladder_until_it_expires(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (clock,) = daemon.clocks()
    daemon.passes(minutes(100))
    daemon.engine.acknowledge(clock.id, "ben", daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.owner, clock.acknowledged_until) == ("ben", daemon.at + minutes(30))
    daemon.passes(minutes(29))
    assert daemon.steps() == [(1, 1, "ana")]
    daemon.passes(minutes(2))
    assert daemon.steps() == [(1, 1, "ana"), (2, 1, "ben"), (2, 1, "max")]


def test_a_snooze_holds_the_ladder_and_an_assignment_names_the_owner(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (clock,) = daemon.clocks()
    daemon.engine.snooze(clock.id, "ana", daemon.at, until=daemon.at + minutes(90))
    daemon.engine.assign(clock.id, "max", daemon.at, owner="ben")
    daemon.passes(minutes(89))
    assert daemon.steps() == []
    daemon.passes(minutes(2))
    assert daemon.steps() == [(1, 1, "ben")]


def test_a_lead_that_is_won_ends_its_waits_and_one_that_left_the_list_keeps_them(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@cy.test", 1, sender="cy@other.test"))
    cy = Lead(LeadId("cy@other.test"), owner=PersonId("ben"), source="known")
    bo = Lead(LeadId(BO), owner=PersonId("ana"), source="known")
    daemon.knows(bo, cy)
    daemon.reads(daemon.asks("q3@cy.test", 2, sender="cy@other.test", subject="Now known"))
    assert {clock.lead for clock in daemon.clocks()} == {BO, "cy@other.test"}
    daemon.knows(Lead(LeadId(BO), owner=PersonId("ana"), source="known", status="won"))
    state = {clock.lead: (clock.state, clock.stop_reason) for clock in daemon.clocks()}
    assert state == {BO: ("ended", "lead_closed"), "cy@other.test": ("running", None)}


def test_a_wait_stays_under_the_policy_it_began_with_and_the_next_one_gets_the_new_one(daemon: BatchedDaemon) -> None:
    """Rule 21, over a reload and over a restart."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.path.write_text(daemon.path.read_text().replace("first_response: 2h", "first_response: 10h"))
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()})
    daemon.reads(daemon.asks("q2@buyer.test", 5, subject="Later"))
    daemon.restarts()
    daemon.reads(daemon.asks("q3@buyer.test", 6, answers="q1@buyer.test"))
    assert [clock.due_at - clock.started_at for clock in daemon.clocks()] == [minutes(120), minutes(600)]


def test_a_dismissal_says_why_and_is_undone_within_ten_minutes_or_later_with_a_reason(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (wait,) = (row.id for row in daemon.clocks())
    with pytest.raises(Refused, match="say why no reply is owed"):
        daemon.engine.dismiss(wait, "ana", daemon.at, "  ")
    with pytest.raises(Refused, match="not dismissed: it is running"):
        daemon.engine.reopen(wait, "ana", daemon.at)
    daemon.engine.dismiss(wait, "ana", daemon.at)
    daemon.engine.reopen(wait, "ben", daemon.at + minutes(10))
    (clock,) = daemon.clocks()
    assert (clock.state, clock.reopened, clock.owner) == ("running", "reversed", "ana")
    daemon.engine.dismiss(wait, "ana", daemon.at + minutes(20))
    with pytest.raises(Refused, match="ten minutes have passed"):
        daemon.engine.reopen(wait, "ben", daemon.at + minutes(31))
    daemon.engine.reopen(wait, "ben", daemon.at + minutes(31), "they asked for a price")
    (clock,) = daemon.clocks()
    assert (clock.started_at, clock.due_at) == (daemon.at, daemon.at + minutes(120))
    daemon.passes(minutes(61))
    assert daemon.steps() == [(1, 1, "ana")]


def test_a_wait_that_was_breached_before_its_dismissal_stays_so_when_that_is_taken_back(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(125))
    (wait,) = (row.id for row in daemon.clocks())
    daemon.engine.dismiss(wait, "ana", daemon.at)
    assert daemon.clocks()[0].breached_at is not None
    daemon.engine.reopen(wait, "ana", daemon.at + minutes(5))
    (clock,) = daemon.clocks()
    assert (clock.state, clock.breached_at) == ("running", clock.due_at)
