"""Known leads in PostgreSQL, MariaDB and SQLite: a first read, a look right after (within the overlap), changes.

Each is measured in a process of its own, beside the server's.

python -m tests.benchmarks.sql_leads [LEADS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from connectors.leads.sql import SqlFeed, SqlSettings
from inboxwatch.connector import Context, Cursor
from tests.benchmarks.mail_apis import resident
from tests.doubles.mariadb import MariaDb
from tests.doubles.postgres import Postgres
from tests.support.lead_databases import CHANGED, QUERY, LeadTable

LEADS, CHANGES = 100_000, 1_000
_ROW = "'ana@acme.test', '2026-01-01 10:00:00'"
_CONCATENATED = "'person' || x || '@c' || (x / 10) || '.test', 'Person ' || x, 'Company ' || (x / 10), "
_FILL = {
    "sqlite": f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {{many}}) "
    f"SELECT {_CONCATENATED} {_ROW} FROM n",
    "postgresql": f"SELECT {_CONCATENATED} 'ana@acme.test', TIMESTAMPTZ '2026-01-01 10:00:00+00' "
    "FROM generate_series(1, {many}) AS x",
    "mariadb": "SELECT CONCAT('person', seq, '@c', seq DIV 10, '.test'), CONCAT('Person ', seq), "
    f"CONCAT('Company ', seq DIV 10), {_ROW} FROM seq_1_to_{{many}}",
}


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else LEADS
    with ExitStack() as stack:
        tables = {
            "postgresql": LeadTable.postgresql(stack.enter_context(Postgres.start())),
            "mariadb": LeadTable.mariadb(stack.enter_context(MariaDb.start())),
            "sqlite": LeadTable.sqlite(Path(stack.enter_context(TemporaryDirectory()))),
        }
        for kind, table in tables.items():
            columns = "email, name, company, owner_email, changed_at"
            table.run(f"INSERT INTO buyers ({columns}) {_FILL[kind].format(many=many)}")
            for changed in ("", CHANGED):
                ours, theirs = get_context("spawn").Pipe()
                child = get_context("spawn").Process(target=measured, args=(kind, table.url, changed, theirs))
                child.start()
                while ours.recv() == "change":
                    change(table)
                    ours.send("done")
                child.join()
            table.close()


def change(table: LeadTable) -> None:
    """Some leads change, now."""
    with table._admin.begin() as connection:
        connection.execute(
            text(f"UPDATE buyers SET company = 'Another', changed_at = CURRENT_TIMESTAMP WHERE id <= {CHANGES}")
        )


def measured(kind: str, url: str, changed: str, parent: object) -> None:
    """The other process."""
    asyncio.run(measure(f"sql {kind}, {'changes' if changed else 'whole list'}", url, changed, parent))


async def measure(name: str, url: str, changed: str, parent: object) -> None:
    given = {"url": url, "query": QUERY, "changed": changed}
    feed = SqlFeed(SqlSettings.model_validate(given), Context("crm", ""))
    await feed.probe()  # imports, drivers
    cursor = await look(feed, f"{name}: first read", None)
    cursor = await look(feed, f"{name}: right after", cursor)
    parent.send("change")  # type: ignore[attr-defined]  # the other end of a pipe
    parent.recv()  # type: ignore[attr-defined]
    await look(feed, f"{name}: {CHANGES} changes", cursor)
    parent.send("end")  # type: ignore[attr-defined]


async def look(feed: SqlFeed, name: str, cursor: Cursor | None) -> Cursor | None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
    before, began, cpu = resident(), time.perf_counter(), time.process_time()
    rows, batches = 0, 0
    async for batch in feed.changes(cursor):
        rows += len(batch.rows)
        batches += 1
        cursor = batch.cursor
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = f"{rows} records in {batches} batches, {seconds:.1f} s ({cpu:.2f} s CPU)"
    print(f"{name}: {told}, +{(peak() - before) / 1024:.0f} MB; cursor {len(cursor or '')} bytes", flush=True)
    return cursor


def peak() -> int:
    """KiB that this process had at most since the peak was forgotten."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
