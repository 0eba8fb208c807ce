"""What it costs to push a hundred thousand leads in bulk, to push them again, and to change a thousand of them.

python -m tests.benchmarks.lead_push [LEADS]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.web import make_app
from inboxwatch.web.bodies import MOST_PUSHED
from tests.support.in_process_daemon import InProcessDaemon


def lead(number: int, tier: str) -> dict[str, str]:
    """As a CRM has them: three of each company."""
    company = number // 3
    return {
        "email": f"person{number}@company{company}.test",
        "name": f"Person {number}",
        "company": f"Company {company}",
        "domain": f"company{company}.test",
        "owner": ("ana@acme.test", "ben@acme.test", "max@acme.test")[number % 3],
        "tier": tier,
        "employees": str(number % 5000),
        "score": str(number % 100),
    }


async def pushed(client: TestClient[Any, Any], count: int, tier: str) -> str:
    """Pushes leads a thousand at a time; what it took."""
    begun, used, requests, slowest = time.perf_counter(), time.process_time(), 0, 0.0
    for start in range(0, count, MOST_PUSHED):
        body = {"put": [lead(number, tier) for number in range(start, min(start + MOST_PUSHED, count))]}
        sent = time.perf_counter()
        async with client.post("/api/v1/leads", json=body) as answer:
            told = await answer.json()
        assert (told["put"], told["refused"], told["unowned"]) == (len(body["put"]), [], [])
        requests, slowest = requests + 1, max(slowest, time.perf_counter() - sent)
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    return f"{requests} requests, {took:.1f} s ({cpu:.1f} s of a processor, client included), slowest {slowest:.2f} s"


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        daemon = InProcessDaemon(Path(name))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        async with TestClient(TestServer(make_app(daemon))) as client:
            print(f"{count:,} leads pushed: {await pushed(client, count, 'warm')}")
            print(f"pushed again unchanged: {await pushed(client, count, 'warm')}")
            print(f"1,000 of them changed: {await pushed(client, min(count, 1000), 'hot')}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = sum(file.stat().st_size for file in Path(name).glob("inboxwatch.db*")) / 1024**2
        print(f"memory: {before:.0f} MB before, {peak:.0f} MB at most (client included); store: {size:.0f} MB")
        daemon.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
