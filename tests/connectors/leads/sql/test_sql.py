"""The lead source `sql` on SQLite, PostgreSQL and MariaDB: what it reads, what it refuses, and that it only reads."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.leads.sql import SqlFeed, SqlSettings
from inboxwatch.connector import Context, MailboxError, Reason
from inboxwatch.core.model import LeadId
from inboxwatch.testing import LeadFeedContract, Record, Records, feeding, looked, mirrored
from tests.support.lead_databases import QUERY, LeadTable


class TestChanges(LeadFeedContract):
    """With `changed`: between whole passes it is asked for changes."""

    @pytest.fixture
    def records(self, table: LeadTable) -> Records:
        return table

    async def test_a_logged_activity_is_told_with_its_id_time_and_author(self, records: Records) -> None:
        pytest.skip("a list of buyers holds no activities")

    async def test_a_source_that_is_gone_is_told_as_a_mailbox_error_and_nothing_is_lost(self, records: Records) -> None:
        """Not between the batches of a look, which are read in one go."""
        records.add(Record("bo@buyer.test"))
        mirror = await mirrored(records)
        records.break_connection()
        async with feeding(records) as feed:
            for call in (feed.probe(), anext(aiter(feed.changes(mirror.cursor)))):
                with pytest.raises(MailboxError) as failed:
                    await call
                assert failed.value.reason in (Reason.UNAVAILABLE, Reason.TIMEOUT)
                assert "reads-only" not in f"{failed.value} {failed.value.hint}"
        records.mend_connection()
        records.add(Record("cy@buyer.test"))
        assert len((await mirrored(records, mirror)).rows) == 2


async def test_a_whole_list_is_given_again_only_where_it_changed_and_what_it_lacks_is_gone(table: LeadTable) -> None:
    keys = [table.add(Record(f"p{number}@buyer.test", "Pat")) for number in range(25)]
    records = table.listed()
    mirror = await mirrored(records)
    assert await looked(records, mirror.cursor) == []
    table.change(keys[3], Record("new@buyer.test", "Pat"))
    table.delete(keys[7])
    again = await looked(records, mirror.cursor)
    assert sum(len(batch.rows) for batch in again) < 25, "parts of the list that are as they were are present only"
    mirror.take(again)
    assert mirror.leads == {
        key: "new@buyer.test" if key == keys[3] else f"p{number}@buyer.test"
        for number, key in enumerate(keys)
        if key != keys[7]
    }


async def test_a_list_that_was_taken_over_in_part_is_given_again_though_it_went_back(table: LeadTable) -> None:
    """What the cursor before it knew is not believed of the parts that were being given."""
    keys = [table.add(Record(f"p{number}@buyer.test", "Pat")) for number in range(25)]
    records = table.listed()
    mirror = await mirrored(records)
    for key in keys:
        table.change(key, Record("other@buyer.test", "Other"))
    async with feeding(records) as feed:
        mirror.take([await anext(aiter(feed.changes(mirror.cursor)))])
    for number, key in enumerate(keys):
        table.change(key, Record(f"p{number}@buyer.test", "Pat"))
    await mirrored(records, mirror)
    assert {row.lead.name for row in mirror.rows.values()} == {"Pat"}


async def test_another_query_begins_from_nothing(table: LeadTable) -> None:
    table.add(Record("bo@buyer.test"))
    mirror = await mirrored(table.listed())
    other = table.listed(query=f"{QUERY} WHERE 1 = 1")
    assert [batch.whole for batch in await looked(other, mirror.cursor)] == [True]


async def test_changes_are_asked_for_with_an_overlap_until_no_older_transaction_can_commit(table: LeadTable) -> None:
    key = table.add(Record("bo@buyer.test"))
    mirror = await mirrored(table)
    assert [row.key for batch in await looked(table, mirror.cursor) for row in batch.rows] == [key]
    for _ in range(2):
        table.ahead += timedelta(minutes=3)
        await mirrored(table, mirror)
    assert await looked(table, mirror.cursor) == []


async def test_every_kind_of_column_becomes_text_and_null_is_left_out(table: LeadTable) -> None:
    table.add(Record("Bo@Buyer.test", "Zoë :x %s", owner="ana"))
    query = (
        "SELECT 7 AS id, email, name, company, owner_email AS owner, 'b@b.test c@b.test' AS aliases, 'DE' AS country, "
        "1.50 AS score, 'hot' AS tier, 'won' AS STATUS, '12:30' AS best_time FROM buyers -- a comment"
    )
    async with feeding(table.listed(query=query)) as feed:
        (batch,) = [batch async for batch in feed.changes(None)]
    (row,) = batch.rows
    assert (row.key, row.owner, row.lead.owner) == ("7", "ana", None)
    assert (row.lead.id, row.lead.name, row.lead.company) == (LeadId("bo@buyer.test"), "Zoë :x %s", "")
    assert (row.lead.tier, row.lead.status, row.lead.country) == ("hot", "won", "DE")
    assert row.lead.aliases == ("b@b.test", "c@b.test")
    assert float(dict(row.lead.attributes)["score"]) == 1.5
    assert dict(row.lead.attributes)["best_time"] == "12:30"


async def test_rows_that_cannot_be_used_are_refused_and_the_others_load(table: LeadTable) -> None:
    for email in ("good@buyer.test", "", "no address", "last@buyer.test"):
        table.add(Record(email))
    (batch,) = await looked(table.listed(query=f"{QUERY} ORDER BY id"))
    assert [row.lead.id for row in batch.rows] == ["good@buyer.test", "last@buyer.test"]
    assert [place for place, _ in batch.refused] == ["crm: row 2", "crm: row 3"]
    assert batch.gone == ("2", "3")


async def test_without_a_key_the_address_is_the_key_and_counts_once(table: LeadTable) -> None:
    for name in ("First", "Second"):
        table.add(Record("bo@buyer.test", name))
    (batch,) = await looked(table.listed(query="SELECT email, name FROM buyers ORDER BY id"))
    assert [(row.key, row.lead.name) for row in batch.rows] == [("bo@buyer.test", "First")]
    assert [place for place, _ in batch.refused] == ["crm: row 2"]
    assert batch.gone == ()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT email FROM nowhere", "nowhere"),
        ("SELECT mail AS email FROM buyers", "mail"),
        ("SELECT name FROM buyers", "no column `email`"),
        ("SELECT email FROM buyers WHERE", ""),
    ],
    ids=["missing table", "wrong column", "no address", "no SQL"],
)
async def test_a_query_that_gives_no_leads_says_why_and_drops_nobody(table: LeadTable, query: str, words: str) -> None:
    with pytest.raises(MailboxError) as failed:
        await looked(table.listed(query=query))
    denied = "nowhere" in query and table.url.startswith("mariadb")  # it tells nobody which tables there are
    assert failed.value.reason is (Reason.AUTH if denied else Reason.CLIENT)
    assert words in str(failed.value)
    assert failed.value.hint


async def test_changes_need_a_column_to_go_by(table: LeadTable) -> None:
    with pytest.raises(MailboxError, match="no column `changed_at`"):
        await looked(table.listed(query="SELECT email FROM buyers", changed="1 > :since"))


async def test_what_the_login_may_not_read_is_named_as_a_right_that_is_missing(table: LeadTable) -> None:
    if "sqlite" in table.url:
        pytest.skip("a file has no logins")
    table.run("CREATE TABLE secrets (email VARCHAR(100))")
    with pytest.raises(MailboxError, match="secrets") as failed:
        await looked(table.listed(query="SELECT email FROM secrets"))
    assert failed.value.reason is Reason.AUTH
    assert "GRANT SELECT" in failed.value.hint
    table.url = table.url.replace("reads-only", "guessed-it")
    if "postgresql" not in table.url:  # the tests' server trusts whoever comes
        with pytest.raises(MailboxError) as failed:
            await looked(table)
        assert failed.value.reason is Reason.AUTH


BUSY = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = 'reader'"
SLOW = {
    "postgresql": "SELECT pg_sleep(60)::text AS email",
    "mariadb": "SELECT CONCAT(SLEEP(60), '') AS email",
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) AS email FROM n",
}


async def test_a_query_that_takes_too_long_is_ended_on_the_server(table: LeadTable) -> None:
    slow = next(query for name, query in SLOW.items() if table.url.startswith(name))
    with pytest.raises(MailboxError) as failed:
        await looked(table.listed(query=slow, time_limit="0.3s"))
    assert failed.value.reason is Reason.TIMEOUT
    if table.url.startswith("postgresql"):
        assert table.run(BUSY) == 0
    elif table.url.startswith("mariadb"):
        busy = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'reader' AND info LIKE '%SLEEP(60)%'"
        assert table.run(busy) == 0


async def test_a_look_that_is_given_up_ends_its_query_on_the_server(table: LeadTable) -> None:
    if not table.url.startswith("postgresql"):
        pytest.skip("no word to end a query from outside")
    task = asyncio.create_task(looked(table.listed(query=SLOW["postgresql"])))
    await reading(table, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await reading(table, 0)


async def reading(table: LeadTable, count: int) -> None:
    """Waits until so many queries of the reader run."""
    async with asyncio.timeout(30):
        while await asyncio.to_thread(table.run, BUSY) != count:  # noqa: ASYNC110  (the server tells nobody)
            await asyncio.sleep(0.01)


WRITES = {
    "postgresql": ["SELECT nextval('buyers_id_seq')::text AS email", "SELECT email FROM buyers FOR UPDATE"],
    "mariadb": ["SELECT email FROM buyers INTO OUTFILE '/tmp/leads'", "SELECT writes() AS email"],
    "sqlite": ["WITH x AS (DELETE FROM buyers RETURNING email) SELECT email FROM x"],
}


async def test_a_query_that_writes_is_refused_by_the_server_though_the_login_might(table: LeadTable) -> None:
    """The reader is given all rights first: what holds is the transaction."""
    table.add(Record("bo@buyer.test"))
    if table.url.startswith("postgresql"):
        table.run("GRANT ALL ON buyers, buyers_id_seq TO reader")
    elif table.url.startswith("mariadb"):
        table.run("CREATE FUNCTION writes() RETURNS TEXT BEGIN DELETE FROM buyers; RETURN 'a@b.test'; END")
        table.run("GRANT ALL ON *.* TO reader@localhost")
    before = table.every_row()
    for query in next(queries for name, queries in WRITES.items() if table.url.startswith(name)):
        with pytest.raises(MailboxError) as failed:
            await looked(table.listed(query=query))
        assert failed.value.reason is Reason.CLIENT, query
    assert table.every_row() == before
    assert table.run("SELECT MAX(id) FROM buyers") == 1
    if table.url.startswith("mariadb"):
        table.run("REVOKE ALL ON *.* FROM reader@localhost")
    elif table.url.startswith("postgresql"):
        table.run("REVOKE ALL ON buyers, buyers_id_seq FROM reader")


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM buyers", "SELECT 1; DELETE FROM buyers", "SELECT 1) x; DROP TABLE buyers -- (", "EXPLAIN SELECT 1",
     "x",      "/* SELECT */ UPDATE buyers SET email = 'x'", "SELECT 1) q, (SELECT 2"],
)  # fmt: skip
def test_a_query_that_is_not_one_select_is_refused_in_the_config(query: str) -> None:
    with pytest.raises(ValidationError, match="one SELECT"):
        SqlSettings.model_validate({"url": "sqlite://", "query": query})


@pytest.mark.parametrize(
    "query",
    ["select 1", "WITH a AS (SELECT 1) SELECT * FROM a;", "(SELECT 1) UNION (SELECT 2)", "SELECT ';' AS \"a;b\" -- ;"],
)
def test_what_stands_in_literals_names_and_comments_is_no_syntax(query: str) -> None:
    SqlSettings.model_validate({"url": "sqlite://", "query": query})


@pytest.mark.parametrize(
    "changed", ["changed_at > 5", "x = ':since'", "a > :since; DELETE FROM b", "a > :since) OR (1"]
)
def test_a_condition_has_since_and_is_one(changed: str) -> None:
    with pytest.raises(ValidationError):
        SqlSettings.model_validate({"url": "sqlite://", "query": "SELECT 1", "changed": changed})


async def test_the_probe_names_columns_and_count_and_warns_where_the_login_could_write(table: LeadTable) -> None:
    for number in range(3):
        table.add(Record(f"p{number}@buyer.test"))
    async with feeding(table) as feed:
        probe = await feed.probe()
    assert dict(probe.facts)["leads"] == "3"
    assert "owner" in dict(probe.facts)["columns"]
    if not table.url.startswith("sqlite"):
        assert probe.warnings == ()
        table.run("GRANT INSERT ON buyers TO reader" + ("@localhost" if table.url.startswith("mariadb") else ""))
        async with feeding(table) as feed:
            probe = await feed.probe()
    (warning,) = probe.warnings
    assert "could write" in warning
    assert ("GRANT SELECT" in warning) or ("chmod" in warning)


def test_a_driver_that_is_missing_and_a_url_that_is_none_are_told_with_what_to_do() -> None:
    for url in ("no url", "nosuchdb://host/x"):
        feed = SqlFeed(SqlSettings.model_validate({"url": url, "query": "SELECT 1"}), Context("crm", ""))
        with pytest.raises(MailboxError) as failed:
            feed._database._engine()
        assert failed.value.permanent
        assert failed.value.hint


async def test_a_missing_file_is_not_made(table: LeadTable) -> None:
    if not table.url.startswith("sqlite"):
        pytest.skip("a server has no such thing")
    table.url = table.url.replace("crm.db", "other.db")
    with pytest.raises(MailboxError):
        await looked(table)
    assert not os.path.exists(table.url.removeprefix("sqlite:///"))  # noqa: PTH110  (a path in a URL)


LONG = {
    "postgresql": "SELECT n || '@buyer.test' AS email, repeat('x', 2000) AS notes FROM generate_series(1, {rows}) AS n",
    "mariadb": "SELECT CONCAT(seq, '@buyer.test') AS email, REPEAT('x', 2000) AS notes FROM seq_1_to_{rows}",
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows}) "
    "SELECT x || '@buyer.test' AS email, printf('%2000d', x) AS notes FROM n",
}
READ = """
import asyncio, resource, sys
from connectors.leads.sql import SqlFeed, SqlSettings
from inboxwatch.connector import Context

async def read(query):
    feed = SqlFeed(SqlSettings.model_validate({"url": sys.argv[1], "query": query}), Context("crm", ""))
    rows = sum([len(batch.rows) async for batch in feed.changes(None)])
    return rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(*asyncio.run(read(sys.argv[2])), *asyncio.run(read(sys.argv[3])))
"""


def test_a_list_is_never_held_in_memory_whole(table: LeadTable) -> None:
    query = next(query for name, query in LONG.items() if table.url.startswith(name))
    if table.url.startswith("mariadb"):
        table.run(f"GRANT SELECT ON {table.run('SELECT DATABASE()')}.* TO reader@localhost")
    words = [sys.executable, "-c", READ, table.url, query.format(rows=1000), query.format(rows=20_000)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    few, before, many, after = map(int, done.stdout.split())
    assert (few, many) == (1000, 20_000)
    assert after - before < 25_000, "kB, of a list of 40 MB"
