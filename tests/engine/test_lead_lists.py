"""Lists of leads: what was read is remembered in the store, and a lead that two lists name is not lost by one."""

from __future__ import annotations

from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.leads import list_version, take_list
from tests.support.batched_daemon import BatchedDaemon

SHARED = LeadId("both@buyer.test")


def take(daemon: BatchedDaemon, source: str, version: str, *ids: str) -> int:
    listed = [Lead(LeadId(one), source=source) for one in ids]
    return daemon.engine.write(take_list, daemon.engine.rules, source, listed, version, daemon.at)


def test_a_list_that_was_taken_over_is_remembered_by_its_version(daemon: BatchedDaemon) -> None:
    assert daemon.engine.read(list_version, "crm") is None
    assert take(daemon, "crm", "one", "a@buyer.test", "b@buyer.test") == 2
    daemon.restarts()
    assert daemon.engine.read(list_version, "crm") == "one"
    assert take(daemon, "crm", "one", "a@buyer.test", "b@buyer.test") == 0


def test_a_lead_that_one_of_two_lists_drops_is_looked_for_in_the_other(daemon: BatchedDaemon) -> None:
    take(daemon, "crm", "one", SHARED, "a@buyer.test")
    take(daemon, "fair", "one", SHARED, "c@buyer.test")
    take(daemon, "fair", "two", "c@buyer.test")
    assert daemon.engine.read(list_version, "fair") == "two"
    assert daemon.engine.read(list_version, "crm") is None, "it is read again"
    take(daemon, "crm", "one", SHARED, "a@buyer.test")
    lead = daemon.engine.read(lambda tx: tx.leads.get(SHARED))
    assert lead is not None
    assert lead.source == "crm"
