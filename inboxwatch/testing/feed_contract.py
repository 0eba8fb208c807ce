"""The contract suite of lead feeds: a class of tests for their authors to inherit, as ConnectorContract.

    class TestMine(LeadFeedContract):
        @pytest.fixture
        def records(self):
            with start_a_server() as server:
                yield MyRecords(server)

`MyRecords` is a Records: it plays the people who work with the source; the feed is driven through the port only.
"""

# ruff: noqa: S101  (tests assert)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest

from inboxwatch import now as instant
from inboxwatch.connector import Cursor, MailboxError, Reason
from inboxwatch.lead_feed import LeadBatch, LeadFeed
from inboxwatch.testing.mirror import Mirror
from inboxwatch.testing.records import Merging, Purging, Record, Records, Selling

MANY = 25


@asynccontextmanager
async def feeding(records: Records) -> AsyncIterator[LeadFeed]:
    """A fresh feed that is closed afterwards."""
    feed = records.feed()
    try:
        yield feed
    finally:
        await feed.aclose()


@asynccontextmanager
async def paging(feed: LeadFeed, cursor: Cursor | None) -> AsyncIterator[AsyncIterator[LeadBatch]]:
    """The batches of one look, which may be broken off."""
    async with aclosing(feed.changes(cursor)) as pages:  # type: ignore[type-var]  # an async generator, by duck
        yield pages


async def looked(records: Records, cursor: Cursor | None = None) -> list[LeadBatch]:
    """All batches of one look by a fresh feed."""
    async with feeding(records) as feed:
        return [batch async for batch in feed.changes(cursor)]


async def mirrored(records: Records, mirror: Mirror | None = None) -> Mirror:
    """A look by a fresh feed from where the mirror is, taken over."""
    mirror = mirror or Mirror()
    mirror.take(await looked(records, mirror.cursor))
    return mirror


def person(number: int, name: str = "") -> Record:
    return Record(f"p{number:03}@buyer{number}.test", name or f"Person {number}", f"Buyer {number} Ltd")


class LeadFeedContract:
    """What every lead feed does. Override the fixture `records`."""

    @pytest.fixture
    def records(self) -> Records:
        raise NotImplementedError("override the fixture `records`")

    async def test_the_first_look_is_a_whole_pass_of_all_records_with_what_they_say(self, records: Records) -> None:
        known = {records.add(person(number)): person(number) for number in range(MANY)}
        records.settle()
        batches = await looked(records)
        assert (batches[0].begins, batches[-1].whole) == (True, True)
        assert len(batches) > 1, "25 records take several batches; let the test's pages be smaller"
        mirror = Mirror(batches)
        told = {key: (row.lead.id, row.lead.name, row.lead.company) for key, row in mirror.rows.items()}
        assert told == {key: (one.email, one.name, one.company) for key, one in known.items()}
        assert {(row.lead.source, row.lead.provisional) for row in mirror.rows.values()} == {("crm", False)}

    async def test_a_source_without_records_gives_a_cursor_to_go_on_from(self, records: Records) -> None:
        mirror = await mirrored(records)
        assert (mirror.rows, mirror.passes) == ({}, 1)
        key = records.add(person(1))
        records.settle()
        assert (await mirrored(records, mirror)).leads == {key: person(1).email}

    async def test_new_and_changed_records_are_told_since_a_cursor(self, records: Records) -> None:
        first, second = records.add(person(1)), records.add(person(2))
        records.settle()
        mirror = await mirrored(records)
        third = records.add(person(3))
        records.change(second, person(2, "Bo Lind"))
        records.settle()
        await mirrored(records, mirror)
        assert {key: row.lead.name for key, row in mirror.rows.items()} == {
            first: "Person 1",
            second: "Bo Lind",
            third: "Person 3",
        }
        assert mirror.passes == 1

    async def test_a_look_that_finds_nothing_changes_nothing_and_ends(self, records: Records) -> None:
        for number in range(3):
            records.add(person(number))
        records.settle()
        mirror = await mirrored(records)
        before = mirror.leads
        for _ in range(3):
            await mirrored(records, mirror)
            records.settle()
        assert (mirror.leads, mirror.passes) == (before, 1)

    async def test_each_batchs_cursor_resumes_right_after_it(self, records: Records) -> None:
        keys = [records.add(person(number)) for number in range(MANY)]
        for number in (3, 20):
            records.log(keys[number], "call", instant.now(), "ana@acme.test")
        records.settle()
        batches = await looked(records)
        everything = Mirror(batches)
        for number in range(len(batches)):
            mirror = await mirrored(records, Mirror(batches[: number + 1]))
            assert (mirror.leads, mirror.activities.keys()) == (everything.leads, everything.activities.keys())

    async def test_a_pass_that_was_broken_off_still_drops_what_was_purged_before_it(self, records: Records) -> None:
        keys = [records.add(person(number)) for number in range(MANY)]
        records.settle()
        mirror = await mirrored(records)
        records.delete(keys[7])
        records.let_a_day_pass()
        async with feeding(records) as feed, paging(feed, mirror.cursor) as pages:
            mirror.take([await anext(pages)])
        await mirrored(records, mirror)
        assert mirror.passes == 2
        assert mirror.leads.keys() == {*keys} - {keys[7]}

    async def test_a_changed_address_is_the_same_record(self, records: Records) -> None:
        key, other = records.add(person(1)), records.add(person(2))
        records.settle()
        mirror = await mirrored(records)
        records.change(key, Record("new@buyer1.test", "Person 1"))
        records.settle()
        await mirrored(records, mirror)
        assert mirror.leads == {key: "new@buyer1.test", other: person(2).email}

    async def test_addresses_are_given_in_lower_case(self, records: Records) -> None:
        key = records.add(Record("Bo.Lind@Buyer.TEST", "Bo Lind"))
        records.settle()
        assert (await mirrored(records)).leads == {key: "bo.lind@buyer.test"}

    async def test_a_record_without_an_address_is_no_lead_until_it_has_one_and_no_more_when_it_loses_it(
        self, records: Records
    ) -> None:
        without, loses = records.add(Record("", "Nobody")), records.add(person(2))
        records.settle()
        mirror = await mirrored(records)
        assert mirror.leads == {loses: person(2).email}
        records.change(without, person(1))
        records.change(loses, Record("", "Person 2"))
        records.settle()
        await mirrored(records, mirror)
        assert mirror.leads == {without: person(1).email}

    async def test_an_owner_is_named_by_address(self, records: Records) -> None:
        owned, free = records.add(Record("bo@buyer.test", owner="ana@acme.test")), records.add(person(2))
        records.settle()
        mirror = await mirrored(records)
        assert mirror.rows[owned].owner.lower() == "ana@acme.test"
        assert (mirror.rows[free].owner, mirror.rows[free].lead.owner) == ("", None)

    async def test_a_deleted_record_is_gone_by_the_next_whole_pass_at_the_latest(self, records: Records) -> None:
        keys = [records.add(person(number)) for number in range(4)]
        records.settle()
        mirror = await mirrored(records)
        records.delete(keys[1])
        records.let_a_day_pass()
        await mirrored(records, mirror)
        assert mirror.leads.keys() == {keys[0], keys[2], keys[3]}

    async def test_a_record_that_was_purged_is_gone_after_the_next_whole_pass(self, records: Records) -> None:
        if not isinstance(records, Purging):
            pytest.skip("this source forgets nothing")
        keys = [records.add(person(number)) for number in range(MANY)]
        records.settle()
        mirror = await mirrored(records)
        records.purge(keys[3])
        records.purge(keys[-1])
        records.let_a_day_pass()
        await mirrored(records, mirror)
        assert mirror.leads.keys() == {*keys[:3], *keys[4:-1]}
        assert mirror.passes == 2

    async def test_what_changes_between_two_batches_is_right_after_the_next_look(self, records: Records) -> None:
        keys = [records.add(person(number)) for number in range(MANY)]
        records.settle()
        mirror = Mirror()
        async with feeding(records) as feed, paging(feed, None) as pages:
            mirror.take([await anext(pages)])
            records.change(keys[0], person(0, "Changed early"))
            records.change(keys[-1], person(MANY - 1, "Changed late"))
            keys.append(records.add(person(MANY)))
            mirror.take([batch async for batch in pages])
        records.settle()
        await mirrored(records, mirror)
        assert mirror.leads.keys() == {*keys}
        assert mirror.rows[keys[0]].lead.name == "Changed early"
        assert mirror.rows[keys[-2]].lead.name == "Changed late"

    async def test_of_merged_records_one_goes_on_and_the_other_is_named(self, records: Records) -> None:
        if not isinstance(records, Merging):
            pytest.skip("this source merges nothing")
        first, second, other = (records.add(person(number)) for number in (1, 2, 3))
        records.settle()
        mirror = await mirrored(records)
        records.merge(first, into=second)
        records.settle()
        await mirrored(records, mirror)
        assert mirror.into == {first: second}
        assert mirror.leads.keys() == {second, other}

    async def test_a_logged_activity_is_told_with_its_id_time_and_author(self, records: Records) -> None:
        key = records.add(person(1))
        records.settle()
        mirror = await mirrored(records)
        at = instant.now().replace(microsecond=0) - timedelta(minutes=5)
        call = records.log(key, "call", at, "ana@acme.test")
        meeting = records.log(key, "meeting", at + timedelta(minutes=1), "max@acme.test")
        records.settle()
        await mirrored(records, mirror)
        told = {id_: (one.key, one.type, one.at, one.by) for id_, one in mirror.activities.items()}
        assert told == {
            call: (key, "call", at, "ana@acme.test"),
            meeting: (key, "meeting", at + timedelta(minutes=1), "max@acme.test"),
        }

    async def test_what_becomes_of_an_opportunity_is_told(self, records: Records) -> None:
        if not isinstance(records, Selling):
            pytest.skip("this source knows no opportunities")
        key = records.add(person(1))
        at = instant.now().replace(microsecond=0) - timedelta(days=2)
        deals = [records.open_opportunity(key, at) for _ in range(3)]
        records.settle()
        mirror = await mirrored(records)
        assert {one: what.what for (one, _), what in mirror.outcomes.items()} == dict.fromkeys(deals, "opportunity")
        assert {(what.key, what.at) for what in mirror.outcomes.values()} == {(key, at)}
        records.close_opportunity(deals[0], True, at + timedelta(days=1))
        records.close_opportunity(deals[1], False, at + timedelta(days=1))
        records.delete_opportunity(deals[2])
        records.let_a_day_pass()
        await mirrored(records, mirror)
        assert {one: what.what for (one, _), what in mirror.outcomes.items()} == {deals[0]: "won", deals[1]: "lost"}

    async def test_an_older_cursor_tells_again_what_came_after_it(self, records: Records) -> None:
        records.add(person(0))
        records.settle()
        mirror = await mirrored(records)
        old = mirror.cursor
        key = records.add(person(1))
        records.settle()
        for _ in range(2):
            assert key in Mirror(await looked(records, old)).rows

    async def test_a_cursor_that_means_nothing_begins_a_whole_pass(self, records: Records) -> None:
        key = records.add(person(1))
        records.settle()
        for cursor in ("", "{}", "not ours", '{"v":99}', "[1,2]", "null", '{"v":1,"at":{}}'):
            batches = await looked(records, Cursor(cursor))
            assert (batches[0].begins, batches[-1].whole) == (True, True), cursor
            assert Mirror(batches).leads == {key: person(1).email}, cursor

    async def test_a_source_that_is_gone_is_told_as_a_mailbox_error_and_nothing_is_lost(self, records: Records) -> None:
        keys = [records.add(person(number)) for number in range(MANY)]
        records.settle()
        mirror = Mirror()
        async with feeding(records) as feed:
            async with paging(feed, None) as pages:
                mirror.take([await anext(pages)])
                records.break_connection()
                with pytest.raises(MailboxError) as failed:
                    mirror.take([batch async for batch in pages])
            assert failed.value.reason in (Reason.UNAVAILABLE, Reason.TIMEOUT)
            assert not failed.value.permanent
            for call in (feed.probe(), anext(aiter(feed.changes(mirror.cursor)))):
                with pytest.raises(MailboxError) as failed:
                    await call
                assert str(failed.value)
            said = f"{failed.value} {failed.value.hint} {failed.value!r}"
            assert not [secret for secret in records.secrets if secret in said]
            records.mend_connection()
            mirror.take([batch async for batch in feed.changes(mirror.cursor)])
        assert mirror.leads.keys() == {*keys}

    async def test_a_look_that_is_cancelled_can_be_begun_again(self, records: Records) -> None:
        for number in range(9):
            records.add(person(number))
        records.settle()
        async with feeding(records) as feed:
            task = asyncio.create_task(_next(feed.changes(None)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(Mirror([batch async for batch in feed.changes(None)]).rows) == 9

    async def test_each_batch_may_be_asked_for_in_a_task_of_its_own(self, records: Records) -> None:
        for number in range(MANY):
            records.add(person(number))
        records.settle()
        mirror = Mirror()
        async with feeding(records) as feed, paging(feed, None) as pages:
            while (batch := await asyncio.create_task(_next(pages))) is not None:
                mirror.take([batch])
        assert len(mirror.rows) == MANY

    async def test_the_probe_tells_what_it_found(self, records: Records) -> None:
        records.add(person(1))
        records.settle()
        async with feeding(records) as feed:
            probe = await feed.probe()
        assert probe.facts
        shown = repr(probe)
        assert not [secret for secret in records.secrets if secret in shown]

    async def test_closing_twice_is_safe_and_so_is_closing_unused(self, records: Records) -> None:
        unused = records.feed()
        await unused.aclose()
        used = records.feed()
        assert used.every > timedelta(0)
        assert [batch async for batch in used.changes(None)]
        await used.aclose()
        await used.aclose()

    async def test_nothing_in_the_source_changes(self, records: Records) -> None:
        key = records.add(person(1))
        records.log(key, "call", instant.now(), "ana@acme.test")
        records.settle()
        before = records.snapshot()
        mirror = await mirrored(records)
        await mirrored(records, mirror)
        async with feeding(records) as feed:
            await feed.probe()
        assert records.snapshot() == before


async def _next(pages: AsyncIterator[LeadBatch]) -> LeadBatch | None:
    return await anext(pages, None)
