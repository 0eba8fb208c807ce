"""What became of leads: told by columns and by feeds, kept as told, and counted on after a person was forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.outcomes import read_outcomes, usual_question
from inboxwatch.lead_feed import LeadOutcome
from inboxwatch.store import lead_tables
from tests.support.batched_daemon import BO, SALES, BatchedDaemon, minutes
from tests.support.in_process_daemon import MONDAY
from tests.support.lead_feeds import Feeds, record

DAY = timedelta(days=1)
OPENED, CLOSED = MONDAY + 2 * DAY, MONDAY + 9 * DAY


@pytest.fixture
def feeds(daemon: BatchedDaemon) -> Feeds:
    daemon.knows()
    feeds = Feeds(daemon.engine, "crm", "list")
    feeds.gives("crm", [record("1", BO, tier="hot")], now=daemon.at, begins=True, whole=True)
    return feeds


def opened(daemon: BatchedDaemon) -> object:
    """When Bo's first opportunity was opened, as is known now."""
    with daemon.store.reading() as tx:
        return tx.outcomes.first_opened([BO]).get(BO)


def told(daemon: BatchedDaemon) -> list[str]:
    outcome = lead_tables.outcome
    with daemon.store.reading() as tx:
        return list(tx.connection.execute(select(outcome.c.what).order_by(outcome.c.number)).scalars())


def test_of_a_deal_that_is_won_when_it_is_first_seen_it_is_known_when_it_was_opened(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    won = LeadOutcome("D1", "1", "won", CLOSED, OPENED)
    for _ in range(2):
        feeds.gives("crm", outcomes=(won,), now=daemon.at)
    assert (opened(daemon), told(daemon), feeds.leads()[BO].status) == (OPENED, ["opportunity", "won"], "won")
    feeds.gives("crm", outcomes=(LeadOutcome("D2", "1", "opportunity", OPENED - DAY),), now=daemon.at)
    assert (opened(daemon), feeds.leads()[BO].status) == (OPENED - DAY, "open")
    feeds.gives("crm", dropped_outcomes=("D2",), now=daemon.at)
    assert (opened(daemon), feeds.leads()[BO].status) == (OPENED, "won")


def test_an_opportunity_whose_date_is_corrected_has_the_last_one(daemon: BatchedDaemon, feeds: Feeds) -> None:
    for at in (OPENED, OPENED + DAY):
        feeds.gives("crm", outcomes=(LeadOutcome("D1", "1", "opportunity", at),), now=daemon.at)
    assert opened(daemon) == OPENED + DAY
    assert told(daemon) == ["opportunity", "opportunity"]


def test_columns_of_a_list_say_what_became_of_a_lead(daemon: BatchedDaemon, feeds: Feeds) -> None:
    def listed(status: str = "open", **columns: str) -> None:
        row = Lead(LeadId(BO), status=status, attributes=tuple(columns.items()))
        daemon.engine.learn("list", [row], daemon.at)

    listed(opportunity_at=OPENED.isoformat())
    assert (opened(daemon), told(daemon)) == (OPENED, ["opportunity"])
    listed(opportunity_at=OPENED.isoformat())
    listed("won", opportunity_at=OPENED.isoformat(), closed_at="2026-05-13")
    assert (opened(daemon), told(daemon)) == (OPENED, ["opportunity", "won"])
    listed("won", opportunity_at="not looked at by its source")
    assert (opened(daemon), told(daemon)[2:]) == (None, ["dropped"])


def test_figures_stay_when_who_bought_is_forgotten(daemon: BatchedDaemon, feeds: Feeds) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.replies("a1@acme.test", 4, "q1@buyer.test"))
    daemon.at = CLOSED
    feeds.gives("crm", outcomes=(LeadOutcome("D1", "1", "won", CLOSED, OPENED),), now=daemon.at)
    daemon.engine.learn("list", [Lead(LeadId(BO), attributes=(("opportunity_at", "2026-05-07"),))], daemon.at)
    daemon.at = MONDAY + 40 * DAY

    def table() -> object:
        with daemon.store.reading() as tx:
            found = read_outcomes(tx, daemon.engine.rules, usual_question(daemon.at)).table
        return {tier: (shares["5m"].hits, shares["5m"].of) for tier, shares in found.strata.items()}

    before = table()
    assert before == {"hot": (1, 1)}
    assert BO in str(daemon.everything()["outcome"])
    daemon.engine.forget(BO, daemon.at)
    assert table() == before
    assert BO not in str(daemon.everything())
    again = record("1", BO, tier="hot")
    feeds.gives("crm", [again], outcomes=(LeadOutcome("D1", "1", "won", CLOSED, OPENED),), now=daemon.at)
    daemon.engine.learn("list", [Lead(LeadId(BO))], daemon.at)
    assert table() == before
    assert BO not in str(daemon.everything())
    daemon.at += minutes(10)
    daemon.reads(daemon.asks("q2@buyer.test", 40 * 24 * 60 + 5, to="sales@acme.test"), mailbox=SALES)
    assert table() == before
