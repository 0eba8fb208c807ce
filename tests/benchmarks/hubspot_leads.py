"""The feed of a HubSpot account against its double: a first sync, changes, a day's pass; one line a figure.

The double runs in a process of its own, so that memory and processor time are the feed's. Turns are not waited for:
what the pace adds is computed from the requests.

python -m tests.benchmarks.hubspot_leads [CONTACTS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection

from connectors.leads.hubspot import HubSpot, HubSpotSettings
from inboxwatch.connector import Context, Cursor
from tests.benchmarks.mail_apis import resident
from tests.doubles.https_server import ca_file
from tests.doubles.hubspot import TOKEN, HubSpotServer
from tests.support.hubspot_records import QuickHubSpot

CONTACTS, CHANGES = 100_000, 1_000


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else CONTACTS
    process = get_context("spawn")
    ours, theirs = process.Pipe()
    child = process.Process(target=serve, args=(many, theirs), daemon=True)
    child.start()
    url, authority = ours.recv()
    given = {"url": url, "token": TOKEN, "ca_file": authority}
    asyncio.run(measure(QuickHubSpot(HubSpotSettings.model_validate(given), Context("crm", "")), ours))
    ours.send("end")
    child.join(10)


async def measure(crm: HubSpot, account: Connection) -> None:
    await crm.probe()  # imports, TLS
    cursor = await look(crm, "first sync", None, account)
    for told in ("an hour later", "a quiet look", "changed", "a day later"):
        said(account, told)
        cursor = await look(crm, f"{CHANGES} changes" if told == "changed" else told, cursor, account)
    await crm.aclose()


async def look(crm: HubSpot, name: str, cursor: Cursor | None, account: Connection) -> Cursor:
    said(account, "count")
    before, asked, began, cpu = resident(), crm.requests, time.perf_counter(), time.process_time()
    rows, batches, peak = 0, 0, 0
    async for batch in crm.changes(cursor):
        rows += len(batch.rows)
        batches += 1
        cursor = batch.cursor
        peak = max(peak, resident())
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    searches = int(said(account, "count"))
    asked = crm.requests - asked
    paced = searches / HubSpot.rates[0] + (asked - searches) / HubSpot.rates[1]
    assert cursor is not None
    print(
        f"hubspot: {name}: {rows} records in {batches} batches, {asked} requests ({searches} searches), "
        f"{seconds:.1f} s without turns ({cpu:.2f} s CPU), about {paced:.0f} s of turns; "
        f"+{(peak - before) / 1024:.0f} MB; cursor {len(cursor)} bytes",
        flush=True,
    )
    return cursor


def said(account: Connection, what: str) -> str:
    account.send(what)
    return str(account.recv())


def serve(many: int, pipe: Connection) -> None:
    """The other process."""
    account = HubSpotServer()
    ana = account.owner("ana@acme.test")
    contacts = [
        account.add(
            "contacts",
            {
                "email": f"person{number}@c{number // 10}.test",
                "firstname": "Person",
                "lastname": str(number),
                "company": f"Company {number // 10}",
                "country": "Germany",
                "hubspot_owner_id": ana,
            },
        )
        for number in range(many)
    ]
    account.ahead += timedelta(hours=1)
    pipe.send((account.server.url, str(ca_file())))
    counted = 0
    while (told := pipe.recv()) != "end":
        if told == "count":
            counted, before = account.server.requests["POST search"], counted
            pipe.send(str(counted - before))
            continue
        account.ahead += timedelta(days=1) if told == "a day later" else timedelta(hours=1)
        if told == "changed":
            at = account.clock
            for key in contacts[: CHANGES * 7 : 7]:
                account.change("contacts", key, {"company": "Another"}, at)
            account.ahead += timedelta(minutes=5)
        pipe.send("done")
    account.close()


if __name__ == "__main__":
    main()
