"""Feeds of leads: batches in any order make the same leads, histories go on, calls and outcomes count once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from inboxwatch.connector import Cursor
from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.core.ownership.routing import RoutingRule, ToLeadOwner
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.lead_feeds import position, take_batch
from inboxwatch.engine.pushed_leads import PushedLead, push
from inboxwatch.lead_feed import LeadBatch, LeadOutcome, LoggedActivity
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.store import Store, lead_tables
from tests.support.batched_daemon import BO, BatchedDaemon, minutes
from tests.support.engine import Engine
from tests.support.lead_feeds import Feeds, record

CY, NEW = "cy@other.test", "bo@married.test"


@pytest.fixture
def feeds(daemon: BatchedDaemon) -> Feeds:
    daemon.knows()
    feeds = Feeds(daemon.engine, "crm", "fair")
    feeds.gives("crm", [record("1", BO, "ana@acme.test", name="Bo Lind")], now=daemon.at, begins=True, whole=True)
    return feeds


@pytest.fixture
def other(daemon: BatchedDaemon) -> Iterator[Engine]:
    """Another process on the daemon's store."""
    store = Store(daemon.config.store_url.reveal())
    yield Engine(store, daemon.config)
    store.close()


def test_a_whole_pass_of_several_batches_drops_what_none_of_them_saw(daemon: BatchedDaemon, feeds: Feeds) -> None:
    feeds.gives("crm", [record("2", CY), record("3", "di@other.test")], now=daemon.at)
    feeds.gives("crm", [record("4", "ed@other.test")], now=daemon.at, begins=True)
    daemon.restarts()
    feeds.gives("crm", present=("2",), now=daemon.at)
    assert set(feeds.leads()) == {BO, CY, "di@other.test", "ed@other.test"}
    feeds.gives("crm", [record("1", BO)], now=daemon.at, whole=True)
    assert set(feeds.leads()) == {BO, CY, "ed@other.test"}
    feeds.gives("crm", whole=True, now=daemon.at)
    assert len(feeds.leads()) == 3, "a pass that never began ends nothing"


def test_a_batch_read_from_a_position_that_another_worker_has_moved_is_not_taken_over(
    daemon: BatchedDaemon, feeds: Feeds, other: Engine
) -> None:
    other.reload(feeds.engine.config)
    at = feeds.position("crm")
    feeds.gives("crm", [record("2", CY)], now=daemon.at)
    late = LeadBatch(Cursor("late"), (record("1", BO, name="Somebody else"),), gone=("2",))
    assert other.write(take_batch, other.rules, "crm", late, at, daemon.at) is None
    assert feeds.leads()[BO].name == "Bo Lind"
    assert other.read(position, other.rules, "crm") == feeds.position("crm") == "crm 2"


def test_who_wrote_before_a_source_named_them_is_waited_for_all_the_same(daemon: BatchedDaemon, feeds: Feeds) -> None:
    """Their mail was nobody's: it is read again, and the clock runs from its receipt."""
    fresh = daemon.asks("q1@other.test", 0, sender=CY)
    old = daemon.asks("q2@other.test", -3000, sender="di@other.test", subject="Old")
    daemon.reads(old, fresh)
    assert daemon.clocks() == []
    daemon.passes(minutes(2))
    feeds.gives("crm", [record("2", CY), record("3", "di@other.test")], now=daemon.at)
    daemon.reads_again()
    assert [clock.started_at for clock in daemon.clocks()] == [old.received_at, fresh.received_at]
    daemon.passes(minutes(3))
    assert daemon.steps() == [], "what was overdue when the source named them pages nobody"
    daemon.passes(timedelta(hours=2))
    assert {row.clock for row in daemon.owed()} == {daemon.clocks()[1].id}


def test_mail_under_an_address_that_a_record_takes_on_is_the_leads_too(daemon: BatchedDaemon, feeds: Feeds) -> None:
    asked = daemon.asks("q1@married.test", 0, sender=NEW)
    daemon.reads(asked)
    feeds.gives("crm", [record("1", BO, name="Bo Lind")], now=daemon.at)
    daemon.reads_again()
    assert daemon.clocks() == []
    feeds.gives("crm", [record("1", NEW, name="Bo Mann")], now=daemon.at)
    daemon.reads_again()
    assert [clock.lead for clock in daemon.clocks()] == [NEW]


def test_a_changed_address_is_a_rename_mail_waits_and_links_go_on(daemon: BatchedDaemon, feeds: Feeds) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (before,) = daemon.clocks()
    feeds.gives("crm", [record("1", NEW, "ana@acme.test", name="Bo Mann")], now=daemon.at)
    lead = feeds.leads()[NEW]
    assert (lead.aliases, set(feeds.leads())) == ((BO,), {NEW})
    (clock,) = daemon.clocks()
    assert (clock.id, clock.lead, clock.state, clock.started_at, clock.due_at) == (
        before.id,
        NEW,
        "running",
        before.started_at,
        before.due_at,
    )
    daemon.reads(daemon.asks("q2@buyer.test", 5, answers="q1@buyer.test"))
    daemon.reads(daemon.raw("ana@acme.test", NEW, 20, id="a1@acme.test", answers="q2@buyer.test"))
    (clock,) = daemon.clocks()
    assert (clock.id, clock.state, clock.wall_seconds) == (before.id, "answered", 20 * 60)


def test_merged_records_become_one_lead_with_both_histories(daemon: BatchedDaemon, feeds: Feeds) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    feeds.gives("crm", merged=(("1", "9"),), gone=("1",), now=daemon.at)
    assert set(feeds.leads()) == {BO}, "the record that goes on is not known yet"
    feeds.gives("crm", [record("9", CY, "ben@acme.test")], now=daemon.at)
    assert (feeds.leads()[CY].aliases, set(feeds.leads())) == ((BO,), {CY})
    assert [clock.lead for clock in daemon.clocks()] == [CY]
    feeds.gives("crm", merged=(("1", "9"),), gone=("1",), now=daemon.at)
    assert feeds.leads()[CY].aliases == (BO,), "told again"


def test_a_record_that_comes_back_is_the_lead_it_was(daemon: BatchedDaemon, feeds: Feeds) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    feeds.gives("crm", gone=("1",), now=daemon.at)
    assert (feeds.leads(), [clock.state for clock in daemon.clocks()]) == ({}, ["running"])
    feeds.gives("crm", [record("1", BO, name="Bo Lind")], now=daemon.at)
    daemon.reads(daemon.replies("a1@acme.test", 20, "q1@buyer.test"))
    assert [(clock.lead, clock.state) for clock in daemon.clocks()] == [(BO, "answered")]


def test_a_lead_that_a_later_source_loses_or_the_config_drops_is_the_others(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    feeds.gives("fair", [record("7", BO, name="Bob", tier="hot"), record("8", CY)], now=daemon.at)
    assert (feeds.leads()[BO].name, feeds.leads()[BO].tier) == ("Bo Lind", "hot")
    feeds.order("fair", "crm")
    assert feeds.settle(daemon.at) == 1
    assert (feeds.leads()[BO].name, feeds.leads()[BO].source) == ("Bob", "fair")
    assert feeds.settle(daemon.at) == 0
    feeds.order("crm")
    feeds.settle(daemon.at)
    assert {id_: (lead.name, lead.tier) for id_, lead in feeds.leads().items()} == {BO: ("Bo Lind", "")}


def test_what_one_record_alone_gives_is_stored_once(daemon: BatchedDaemon, feeds: Feeds) -> None:
    feeds.gives("fair", [record("7", BO, tier="hot"), record("8", CY)], now=daemon.at)

    def kept() -> dict[str, bool]:
        with daemon.store.reading() as tx:
            return {row.id.key: row.alone for row in tx.lead_rows.of_sources(["crm", "fair"])}

    assert kept() == {"1": False, "7": False, "8": True}
    feeds.gives("crm", gone=("1",), now=daemon.at)
    assert kept() == {"7": True, "8": True}
    assert feeds.leads()[BO].tier == "hot"


def test_a_closed_status_ends_waits_and_an_open_one_begins_none(daemon: BatchedDaemon, feeds: Feeds) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    feeds.gives("crm", [record("1", BO, status="lost")], now=daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.state, clock.stop_reason) == ("ended", "lead_closed")
    feeds.gives("crm", [record("1", BO)], now=daemon.at)
    assert [one.state for one in daemon.clocks()] == ["ended"]


def test_a_call_ends_the_waits_once_though_it_is_told_before_its_record_and_twice(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    feeds.gives("crm", gone=("1",), now=daemon.at)
    daemon.lead(BO, owner="ana")
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    call = LoggedActivity("T1", "5", "call", daemon.at, "ben@acme.test")
    feeds.gives("crm", activities=(call, replace(call, id="T2", at=daemon.at + timedelta(hours=1))), now=daemon.at)
    assert [one.state for one in daemon.clocks()] == ["running"]
    feeds.gives("crm", [record("5", BO)], activities=(call,), now=daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.state, clock.stop_reason, clock.stopped_by) == ("ended", "activity", "ben")
    daemon.at += minutes(10)
    daemon.reads(daemon.asks("q2@buyer.test", 10))
    feeds.gives("crm", activities=(call,), now=daemon.at)
    assert [one.state for one in daemon.clocks()] == ["ended", "running"]
    daemon.at += minutes(60)
    feeds.ends("crm", daemon.at)
    assert [one.state for one in daemon.clocks()] == ["ended", "ended"], "its time has come"


def test_outcomes_close_a_lead_when_no_opportunity_is_open_and_are_kept_as_told(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    at = daemon.at - timedelta(days=3)
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    deals = tuple(LeadOutcome(id_, "1", "opportunity", at) for id_ in ("D1", "D2"))
    feeds.gives("crm", outcomes=deals, now=daemon.at)
    feeds.gives("crm", outcomes=(deals[0], LeadOutcome("D1", "1", "won", daemon.at)), now=daemon.at)
    assert (feeds.leads()[BO].status, [one.state for one in daemon.clocks()]) == ("open", ["running"])
    feeds.gives("crm", dropped_outcomes=("D2",), now=daemon.at)
    assert (feeds.leads()[BO].status, [one.state for one in daemon.clocks()]) == ("won", ["ended"])
    feeds.gives("crm", [record("1", BO, status="lost")], now=daemon.at)
    assert feeds.leads()[BO].status == "lost", "the record's own word"
    feeds.gives("crm", outcomes=(LeadOutcome("D1", "1", "won", daemon.at),), now=daemon.at)
    with daemon.store.reading() as tx:
        rows = tx.connection.execute(select(lead_tables.outcome).order_by(lead_tables.outcome.c.number)).all()
    assert [(row.id, row.what, row.lead) for row in rows] == [
        ("D1", "opportunity", BO),
        ("D2", "opportunity", BO),
        ("D1", "won", BO),
        ("D2", "dropped", BO),
    ]


def test_owners_are_people_by_address_alias_or_id_and_others_are_counted(daemon: BatchedDaemon, feeds: Feeds) -> None:
    rows = [
        record("1", BO, "ANA@acme.test"),
        record("2", CY, "ben"),
        record("3", "di@other.test", "Queue EMEA"),
        record("4", "ed@other.test", "sales@acme.test"),
        record("5", "fi@other.test", "sales@acme.test"),
        record("6", "gil@other.test"),
    ]
    feeds.gives("crm", rows, now=daemon.at)
    feeds.ends("crm", daemon.at)
    assert [feeds.leads()[row.lead.id].owner for row in rows] == ["ana", "ben", None, None, None, None]
    state = daemon.engine.read(lambda tx: tx.lead_sources.get("crm"))
    assert (state.leads, state.unowned) == (6, {"Queue EMEA": 1, "sales@acme.test": 2})
    people = {id_: one for id_, one in daemon.engine.config.people.items() if id_ != "ben"}
    daemon.engine.reload(replace(daemon.engine.config, people=people))
    feeds.settle(daemon.at)
    assert feeds.leads()[CY].owner is None
    assert daemon.engine.read(lambda tx: tx.lead_sources.get("crm")).unowned["ben"] == 1


def test_a_wait_that_was_given_to_the_leads_owner_goes_with_the_lead_unless_a_person_gave_it(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    daemon.engine.reload(replace(daemon.engine.config, rules=(RoutingRule(ToLeadOwner()),)))
    daemon.reads(daemon.asks("q1", 0))
    before = daemon.clocks()[0]

    def is_owned_by(owner: str) -> None:
        feeds.gives("crm", [record("1", BO, owner, name="Bo Lind")], now=daemon.at)

    is_owned_by("ben@acme.test")
    after = daemon.clocks()[0]
    assert (before.owner, after.owner, after.due_at) == ("ana", "ben", before.due_at)
    with daemon.store.reading() as tx:
        (told,) = [one for one in tx.clocks.actions([after.thread], [])[after.thread] if one.owner == "ben"]
    assert told.reason.startswith("ben is the lead's owner now")
    daemon.engine.assign(after.id, "max", daemon.at, owner="max")
    is_owned_by("ana@acme.test")
    assert daemon.clocks()[0].owner == "max", "a person's choice stands"


def test_one_of_our_own_addresses_is_refused_and_a_record_that_gets_one_is_gone(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    taken = feeds.gives("crm", [record("1", "max@acme.test"), record("2", CY)], now=daemon.at)
    assert [place for place, _ in taken.refused] == ["record 1"]
    assert set(feeds.leads()) == {CY}
    state = daemon.engine.read(lambda tx: tx.lead_sources.get("crm"))
    assert list(state.refused) == ["record 1"]
    feeds.gives("crm", [record("1", BO)], now=daemon.at)
    assert daemon.engine.read(lambda tx: tx.lead_sources.get("crm")).refused == {}


def test_who_was_forgotten_does_not_come_back_by_a_source(daemon: BatchedDaemon, feeds: Feeds) -> None:
    feeds.gives("fair", [record("7", BO, tier="hot")], now=daemon.at)
    daemon.engine.forget(BO, daemon.at)
    feeds.gives("crm", [record("1", BO), record("2", CY)], now=daemon.at, begins=True, whole=True)
    feeds.gives("fair", [record("7", BO, tier="warm")], now=daemon.at)
    assert set(feeds.leads()) == {CY}


EMAILS = [f"{name}@x.test" for name in "abcd"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["crm", "fair"]),
        st.sampled_from("123"),
        st.sampled_from([*EMAILS, None]),
        st.sampled_from([(), *((one,) for one in EMAILS)]),
        st.sampled_from(["", "hot", "cold"]),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, chance=st.randoms(use_true_random=False))
def test_rule_53_batches_of_several_sources_in_any_order_make_the_same_leads(
    daemon: BatchedDaemon, steps: list[tuple[str, str, str | None, tuple[str, ...], str]], chance: object
) -> None:
    """Each source's own batches come in their order; those of different sources meet as chance has it."""
    made = []
    for shuffled in (False, True):
        feeds = Feeds(daemon.engine, "crm", "fair")
        for source in ("crm", "fair"):
            feeds.gives(source, now=daemon.at, begins=True, whole=True)
        waiting = {name: [step for step in steps if step[0] == name] for name in ("crm", "fair")}
        turns = [step[0] for step in steps]
        if shuffled:
            chance.shuffle(turns)  # type: ignore[attr-defined]
        for source in turns:
            _, key, email, aliases, tier = waiting[source].pop(0)
            if email is None:
                feeds.gives(source, gone=(key,), now=daemon.at)
            else:
                feeds.gives(source, [record(key, email, aliases=aliases, tier=tier)], now=daemon.at)
        made.append({id_: lead for id_, lead in feeds.leads().items() if plain_address(id_).endswith("x.test")})
    assert made[0] == made[1]


def test_explain_tells_which_source_each_field_is_from_where_several_know_a_lead(
    daemon: BatchedDaemon, feeds: Feeds
) -> None:
    def told() -> list[str]:
        found = daemon.engine.read(explain, daemon.engine.rules, BO, daemon.at)
        assert found is not None
        return [line.strip() for line in explanation_lines(found) if line.strip().startswith("From ")]

    assert told() == []
    feeds.gives("fair", [record("7", BO, tier="hot", attributes=(("score", "70"),))], now=daemon.at)
    assert told() == ["From fair: score, tier", "From crm: name, owner"]


def test_a_lead_that_is_pushed_again_is_as_it_was_pushed_last(daemon: BatchedDaemon, feeds: Feeds) -> None:
    for tier, changed in (("hot", 1), ("cold", 1), ("cold", 0)):
        pushed = PushedLead(Lead(LeadId(CY), tier=tier, source="api"), "")
        assert daemon.engine.write(push, daemon.engine.rules, {0: pushed}, {}, daemon.at).changed == changed
        assert feeds.leads()[CY].tier == tier
