"""What people do to waits, what lead lists say, and what a new policy leaves alone."""

from __future__ import annotations

import pytest

from inboxwatch import config as configuration
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.core.sla.timeline import Deed
from inboxwatch.engine.refused import Refused
from tests.support.batches import BO, Office, minutes


def test_deeds_are_refused_with_the_status_that_says_why(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()

    def status(what: Deed, id: str = clock.id, by: str = "ana", **details: object) -> int:  # noqa: A002
        with pytest.raises(Refused) as refused:
            office.engine.act(id, what, by, office.at, **details)
        return refused.value.status

    assert status(Deed.DISMISSED, "nowhere") == 404
    assert status(Deed.DISMISSED, by="nobody") == 422
    assert status(Deed.ASSIGNED, owner="emea") == 422
    assert status(Deed.SNOOZED, until=office.at) == 422
    office.engine.dismiss(clock.id, "ana", office.at)
    assert status(Deed.DISMISSED) == 409


def test_acknowledging_takes_the_wait_and_holds_the_ladder_until_it_expires(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()
    office.passes(minutes(100))
    office.engine.acknowledge(clock.id, "ben", office.at)
    (clock,) = office.clocks()
    assert (clock.owner, clock.acknowledged_until) == ("ben", office.at + minutes(30))
    office.passes(minutes(29))
    assert office.steps() == [(1, 1, "ana")]
    office.passes(minutes(2))
    assert office.steps() == [(1, 1, "ana"), (2, 1, "ben"), (2, 1, "max")]


def test_a_snooze_holds_the_ladder_and_an_assignment_names_the_owner(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()
    office.engine.snooze(clock.id, "ana", office.at, until=office.at + minutes(90))
    office.engine.assign(clock.id, "max", office.at, owner="ben")
    office.passes(minutes(89))
    assert office.steps() == []
    office.passes(minutes(2))
    assert office.steps() == [(1, 1, "ben")]


def test_a_lead_that_is_won_ends_its_waits_and_one_that_left_the_list_keeps_them(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0), office.asks("q2@cy.test", 1, sender="cy@other.test"))
    cy = Lead(LeadId("cy@other.test"), owner=PersonId("ben"), source="known")
    bo = Lead(LeadId(BO), owner=PersonId("ana"), source="known")
    office.knows(bo, cy)
    office.reads(office.asks("q3@cy.test", 2, sender="cy@other.test", subject="Now known"))
    assert {clock.lead for clock in office.clocks()} == {BO, "cy@other.test"}
    office.knows(Lead(LeadId(BO), owner=PersonId("ana"), source="known", status="won"))
    state = {clock.lead: (clock.state, clock.stop_reason) for clock in office.clocks()}
    assert state == {BO: ("ended", "lead_closed"), "cy@other.test": ("running", None)}


def test_a_wait_stays_under_the_policy_it_began_with_and_the_next_one_gets_the_new_one(office: Office) -> None:
    """Rule 21, over a reload and over a restart."""
    office.reads(office.asks("q1@buyer.test", 0))
    office.path.write_text(office.path.read_text().replace("first_response: 2h", "first_response: 10h"))
    office.config = configuration.load(office.path)
    office.engine.reload(office.config, {name: one.connect() for name, one in office.config.channels.items()})
    office.reads(office.asks("q2@buyer.test", 5, subject="Later"))
    office.restarts()
    office.reads(office.asks("q3@buyer.test", 6, answers="q1@buyer.test"))
    assert [clock.due_at - clock.started_at for clock in office.clocks()] == [minutes(120), minutes(600)]
