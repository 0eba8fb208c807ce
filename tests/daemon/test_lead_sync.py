"""Sources of leads are followed each by itself: one that fails keeps what it gave, is told of, and stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from inboxwatch.connector import Context, Cursor, LeadSource
from inboxwatch.daemon.lead_sync import LeadSync
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.lead_feed import LeadBatch, LeadFeed
from inboxwatch.testing import Record
from tests.connectors.leads.card_index import CardFeed, CardRecords, CardSettings
from tests.support.batched_daemon import BatchedDaemon, minutes
from tests.support.inline_writer import InlineWriter, Killed
from tests.support.lead_feeds import Feeds

BO = Record("bo@buyer.test", "Bo Lind")


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, database)
    daemon.knows()
    Feeds(daemon.engine, "crm", "fair")
    yield daemon
    daemon.close()


def sync(
    daemon: BatchedDaemon, sources: Mapping[str, LeadSource | LeadFeed], writer: InlineWriter | None = None
) -> LeadSync:
    """What one process follows, from where the store says."""
    writer = writer or InlineWriter(daemon.store)
    return LeadSync(sources, LoopContext(daemon.engine.rules, writer, lambda: daemon.at))


def cards(records: CardRecords, name: str = "crm") -> CardFeed:
    return CardFeed(CardSettings(index=records.name), Context(name, ""))


def addresses(daemon: BatchedDaemon) -> set[str]:
    with daemon.store.reading() as tx:
        return {lead.id for lead in tx.leads.all()}


async def test_a_source_that_fails_keeps_its_leads_and_stops_no_other_and_it_is_told_after_a_while(
    daemon: BatchedDaemon,
) -> None:
    crm, fair = CardRecords(), CardRecords()
    crm.add(BO)
    follow = sync(daemon, {"crm": cards(crm), "fair": cards(fair, "fair")})
    await follow.first()
    crm.break_connection()
    fair.add(Record("cy@other.test"))
    for passed in (1, 16):
        daemon.at += minutes(passed)
        await follow.look()
    assert addresses(daemon) == {BO.email, "cy@other.test"}
    with daemon.store.reading() as tx:
        states = {one.name: one for one in tx.lead_sources.all()}
    assert (states["crm"].error_reason, states["fair"].error_reason) == ("unavailable", None)
    assert states["crm"].failing_since == daemon.at - minutes(16)
    (told,) = daemon.owed("digest")
    assert "The leads of crm cannot be read (unavailable: the index is locked away)" in told.body["title"]
    crm.mend_connection()
    await follow.look()
    assert [row.body["title"] for row in daemon.owed("digest")][1:] == ["The leads of crm are read again."]


async def test_two_processes_that_follow_one_source_take_nothing_twice(daemon: BatchedDaemon) -> None:
    crm = CardRecords()
    keys = [crm.add(Record(f"p{number}@buyer.test")) for number in range(25)]
    first, second = sync(daemon, {"crm": cards(crm)}), sync(daemon, {"crm": cards(crm)})
    await asyncio.gather(first.first(), second.first())
    crm.log(keys[3], "call", daemon.at, "ana@acme.test")
    for _ in range(3):
        await asyncio.gather(first.look(), second.look())
    assert len(addresses(daemon)) == 25
    with daemon.store.reading() as tx:
        acts = tx.clocks.actions([], ["p3@buyer.test"])
    assert [one.by for one in acts["lead:p3@buyer.test"]] == ["ana"]


async def test_a_process_that_is_killed_anywhere_loses_nothing_of_a_source(daemon: BatchedDaemon) -> None:
    crm = CardRecords()
    known = {f"p{number}@buyer.test" for number in range(25)}
    keys = [crm.add(Record(email)) for email in sorted(known)]
    for units in range(2, 20):
        if units % 6 == 0:  # a whole pass, of which one is gone
            crm.purge(keys.pop())
            crm.let_a_day_pass()
        writer = InlineWriter(daemon.store)
        writer.units_left = units
        try:
            await sync(daemon, {"crm": cards(crm)}, writer).look()
        except Killed:
            continue
    await sync(daemon, {"crm": cards(crm)}).look()
    assert addresses(daemon) == {crm_record(crm, key) for key in keys}


def crm_record(records: CardRecords, key: str) -> str:
    content = records.index.cards[key].content
    assert isinstance(content, Record)
    return content.email


class Hanging(CardFeed):
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        async for batch in super().changes(cursor):
            yield batch
            await asyncio.Event().wait()


async def test_mail_waits_for_a_new_feed_for_a_while_only(daemon: BatchedDaemon) -> None:
    crm = CardRecords()
    for number in range(25):
        crm.add(Record(f"p{number:02}@buyer.test"))
    follow = sync(daemon, {"crm": Hanging(CardSettings(index=crm.name), Context("crm", ""))})
    await follow.first(limit=0.05)
    assert len(addresses(daemon)) == 10, "it goes on by itself"
    await follow.aclose()


async def test_a_source_that_the_config_names_no_more_loses_its_leads_and_its_place(daemon: BatchedDaemon) -> None:
    crm = CardRecords()
    crm.add(BO)
    await sync(daemon, {"crm": cards(crm)}).first()
    Feeds(daemon.engine, "fair")
    await sync(daemon, {}).first()
    assert addresses(daemon) == set()
    with daemon.store.reading() as tx:
        assert tx.lead_sources.all() == []
        assert tx.lead_rows.sources() == []
