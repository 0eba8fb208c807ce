"""Lists of leads: what was read is remembered in the store, and a lead that two lists name is not lost by one."""

from __future__ import annotations

from inboxwatch.connector import Cursor, LeadList, Row
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.lead_feeds import position, take_list
from tests.support.batched_daemon import BatchedDaemon

SHARED = LeadId("both@buyer.test")


def take(daemon: BatchedDaemon, source: str, version: str, *ids: str) -> int:
    engine = daemon.engine
    listed = LeadList(tuple(Row(Lead(LeadId(one)), f"list:{one}") for one in ids), version)
    taken = engine.write(take_list, engine.rules, source, listed, at(daemon, source), daemon.at)
    assert taken is not None
    return taken.changed


def at(daemon: BatchedDaemon, source: str) -> Cursor | None:
    return daemon.engine.read(position, daemon.engine.rules, source)


def test_a_list_that_was_taken_over_is_remembered_by_its_version(daemon: BatchedDaemon) -> None:
    assert at(daemon, "crm") is None
    assert take(daemon, "crm", "one", "a@buyer.test", "b@buyer.test") == 2
    daemon.restarts()
    assert at(daemon, "crm") == "one"
    assert take(daemon, "crm", "one", "a@buyer.test", "b@buyer.test") == 0


def test_a_lead_that_one_of_two_lists_drops_is_that_of_the_other(daemon: BatchedDaemon) -> None:
    take(daemon, "crm", "one", SHARED, "a@buyer.test")
    take(daemon, "fair", "one", SHARED, "c@buyer.test")
    take(daemon, "fair", "two", "c@buyer.test")
    assert (at(daemon, "crm"), at(daemon, "fair")) == ("one", "two")
    lead = daemon.engine.read(lambda tx: tx.leads.get(SHARED))
    assert lead is not None
    assert lead.source == "crm"
