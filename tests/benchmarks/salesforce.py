"""The feed of a Salesforce org against its double: a first sync, changes, a day's pass; one line a figure.

The double runs in a process of its own, so that memory and processor time are the feed's; first alone, then with a
store (SQLite) that takes its batches over.

python -m tests.benchmarks.salesforce [CONTACTS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from connectors.leads.salesforce import Salesforce, SalesforceSettings
from inboxwatch import now as instant
from inboxwatch.connector import Context, Cursor
from inboxwatch.engine.lead_feeds import take_batch
from tests.benchmarks.mail_apis import resident
from tests.doubles.https_server import ca_file
from tests.doubles.salesforce import CLIENT_ID, SECRET, SalesforceOrg
from tests.support.engine import Engine
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.lead_feeds import Feeds

CONTACTS, CHANGES = 100_000, 1_000


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else CONTACTS
    with tempfile.TemporaryDirectory() as folder:
        for engine in (None, Feeds(InProcessDaemon(Path(folder)).engine, "crm").engine):
            run(many, engine)


def run(many: int, engine: Engine | None) -> None:
    process = get_context("spawn")
    ours, theirs = process.Pipe()
    child = process.Process(target=serve, args=(many, theirs), daemon=True)
    child.start()
    url, authority = ours.recv()
    given = {"url": url, "client_id": CLIENT_ID, "client_secret": SECRET, "ca_file": authority}
    asyncio.run(measure(Salesforce(SalesforceSettings.model_validate(given), Context("crm", "")), ours, engine))
    ours.send("end")
    child.join(10)


async def measure(crm: Salesforce, org: Connection, engine: Engine | None) -> None:
    await crm.probe()  # imports, TLS, the token
    where = "salesforce, with a store" if engine else "salesforce"
    cursor = await look(crm, f"{where}: first sync", None, engine)
    for told in ("an hour later", "a quiet look", "changed", "a day later"):
        org.send(told)
        org.recv()
        cursor = await look(crm, f"{where}: {f'{CHANGES} changes' if told == 'changed' else told}", cursor, engine)
    await crm.aclose()


async def look(crm: Salesforce, name: str, cursor: Cursor | None, engine: Engine | None) -> Cursor:
    before, asked, began, cpu = resident(), crm.requests, time.perf_counter(), time.process_time()
    rows, present, batches, peak = 0, 0, 0, 0
    async for batch in crm.changes(cursor):
        rows += len(batch.rows)
        present += len(batch.present)
        batches += 1
        if engine is not None:
            assert engine.write(take_batch, engine.rules, "crm", batch, cursor, instant.now()) is not None
        cursor = batch.cursor
        peak = max(peak, resident())
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = f"{rows} records and {present} Ids in {batches} batches, {crm.requests - asked} requests, {seconds:.1f} s"
    assert cursor is not None
    print(
        f"{name}: {told} ({cpu:.2f} s CPU), +{(peak - before) / 1024:.0f} MB; cursor {len(cursor)} bytes",
        flush=True,
    )
    return cursor


def serve(many: int, pipe: Connection) -> None:
    """The other process."""
    org = SalesforceOrg()
    ana = org.user("ana@acme.test")
    accounts = [org.put("Account", Name=f"Company {number}", Website=f"c{number}.test") for number in range(many // 10)]
    then = org.now - timedelta(days=30)
    contacts = [
        org.put(
            "Contact", Email=f"person{number}@c{number // 10}.test", Name=f"Person {number}", OwnerId=ana,
            Title="Head of Purchasing", MailingCountry="Germany", AccountId=accounts[number // 10 % len(accounts)],
            SystemModstamp=then + timedelta(seconds=number // 200),
        )
        for number in range(many)
    ]  # fmt: skip
    pipe.send((org.url, str(ca_file())))
    while (told := pipe.recv()) != "end":
        org.ahead += timedelta(days=1) if told == "a day later" else timedelta(hours=1)
        if told == "changed":
            for name in contacts[: CHANGES * 7 : 7]:
                org.change(name, Title="Director")
        pipe.send("done")
    org.close()


if __name__ == "__main__":
    main()
