"""/metrics and the board with 1,000 mailboxes and 100,000 open clocks: one line a figure.

python tests/benchmarks/scrape.py [MAILBOXES] [OPEN] [CLOSED]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from aiohttp import web
from sqlalchemy import insert

from inboxwatch import config as configuration
from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import Metrics
from inboxwatch.store import Store, Transaction, tables
from inboxwatch.web import make_app
from tests.support.engine import Engine

P = ParamSpec("P")
R = TypeVar("R")

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TIERS = ("", "hot", "warm", "cold")


class Crowd:
    """The daemon of a large team, as the web sees it; its rows are written straight into the store."""

    def __init__(
        self, folder: Path, mailboxes: int, running: int, closed: int, days: float = 10, store: str | None = None
    ) -> None:
        """`days`: through which the closed ones are spread. `store`: the URL of an empty one."""
        self._days = days
        path = folder / "crowd.yaml"
        people = "\n".join(f"  p{n}: {{name: Person {n}, email: p{n}@acme.test}}" for n in range(mailboxes))
        boxes = "\n".join(
            f"  m{n}: {{connector: maildir, address: p{n}@acme.test, owner: p{n}, path: {folder}}}"
            for n in range(mailboxes)
        )
        path.write_text(
            f"people:\n{people}\nmailboxes:\n{boxes}\n"
            "routing: {fallback: p0}\n"
            "sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]\n"
            "escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}\n"
            "stop_conditions: [answered]\nchannels: {desk: {type: console}}\nnotify_by: [desk]\n"
            f'store: {{url: "{store or "sqlite:///crowd.db"}"}}\n'
        )
        self.config = configuration.load(path)
        self.store = Store(self.config.store_url.reveal())
        self.engine = Engine(self.store, self.config, {})
        self.metrics = Metrics(self)
        self._fill(mailboxes, running, closed)

    def _fill(self, mailboxes: int, running: int, closed: int) -> None:
        chance = random.Random(7)
        clocks, acts, told = [], [], []
        for number in range(running + closed):
            clock = self._clock(chance, number, mailboxes, number < running)
            clocks.append(clock)
            given = {"deed": "assigned", "until": None, "reason": "", "rule": "rule 1", "lead": clock["lead"]}
            given |= {"clock": clock["id"], "thread": clock["thread"]}
            acts.append(given | {"at": clock["started_at"], "by": "routing", "owner": clock["owner"]})
            if chance.random() < 0.1:
                later = clock["due_at"] + timedelta(minutes=30)
                acts.append(given | {"at": later, "by": "escalation", "owner": "p0"})
            if clock["breached_at"]:
                step = {"clock": clock["id"], "round": 1, "target": clock["owner"], "policy": "default"}
                told.append(step | {"step": 1, "at": clock["due_at"], "reason": "breach"})
                told.append(step | {"step": 2, "at": clock["due_at"] + timedelta(minutes=30), "reason": "escalated"})
        with self.store.transaction() as tx:
            for table, rows in ((tables.clock, clocks), (tables.act, acts), (tables.told, told)):
                for start in range(0, len(rows), 5000):
                    tx.connection.execute(insert(table), rows[start : start + 5000])

    def _clock(self, chance: random.Random, number: int, mailboxes: int, running: bool) -> dict[str, Any]:
        start = NOW - timedelta(seconds=chance.uniform(60, 900_000 if running else self._days * 86_400))
        due = start + timedelta(hours=4)
        stop = None if running else start + timedelta(seconds=chance.expovariate(1 / 7200))
        who = number % mailboxes
        wall = None if stop is None else (stop - start).total_seconds()
        return {
            "id": f"{number:016x}",
            "thread": f"t{number}",
            "lead": f"b{number % 20_000}@buyer.test",
            "metric": "first_response" if number % 2 else "next_response",
            "started_by": f"{number}@buyer.test",
            "started_at": start,
            "due_at": due,
            "state": "running" if running else "answered",
            "stopped_at": stop,
            "answered_by": None if running else f"p{who}",
            "nudges": 0,
            "aliases": [],
            "policy": "default",
            "policy_version": self.config.policies[0].version,
            "mailbox": f"m{who}",
            "tier": TIERS[number // mailboxes % 4],
            "owner": f"p{who}",
            "owned_since": start,
            "wall_seconds": wall,
            "business_seconds": wall,
            "warned_at": due if running and due < NOW else None,
            "breached_at": due if (stop or NOW) > due else None,
            "held": False,
            "first_sight": False,
            "next_step": {"step": 1, "round": 1, "at": due.isoformat(), "targets": [f"p{who}"]},
        }

    outage: str | None = None

    def now(self) -> datetime:
        return NOW

    def ready(self) -> bool:
        return True

    async def reload(self) -> list[str]:
        return []

    @property
    def rules(self) -> Rules:
        return self.engine.rules

    @property
    def key(self) -> bytes:
        return self.store.key

    @property
    def former_key(self) -> None:
        return None

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await asyncio.to_thread(self.engine.write, use_case, *args, **kwargs)

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(self.engine.read, query, *args, **kwargs)


async def measure(crowd: Crowd) -> None:
    runner = web.AppRunner(make_app(crowd), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def fetch(path: str) -> tuple[float, int]:
        """Milliseconds and bytes of one answer, as a program outside this process sees them."""
        line = ["--silent", "--fail", "--output", "/dev/null", "--header", "Accept: text/html"]
        shown = ["--write-out", "%{time_total} %{size_download}", base + path]
        client = await asyncio.create_subprocess_exec("curl", *line, *shown, stdout=asyncio.subprocess.PIPE)
        out, _ = await client.communicate()
        assert client.returncode == 0, path
        seconds, size = out.split()
        return float(seconds) * 1000, int(size)

    first, size = await fetch("/metrics")
    print(f"first scrape after a start: {first:.0f} ms, {size / 1e6:.1f} MB")
    await _many("scrape every second", fetch, "/metrics", 15, 1.0)
    for path in (
        "/",
        "/waits",
        "/waits?state=overdue&page=20",
        "/waits?owner=p5",
        "/api/v1/clocks?limit=100",
        "/mailboxes",
    ):
        await _many(path, fetch, path, 10, 0.0)
    await runner.cleanup()


async def _many(name: str, fetch: Callable[[str], Any], path: str, times: int, pause: float) -> None:
    taken = []
    for _ in range(times):
        taken.append((await fetch(path))[0])
        await asyncio.sleep(pause)
    print(f"{name}: median {statistics.median(taken):.0f} ms, most {max(taken):.0f} ms")


def main() -> None:
    mailboxes, running, closed = (int(text) for text in (*sys.argv[1:], "1000", "100000", "50000")[:3])
    with tempfile.TemporaryDirectory() as folder:
        crowd = Crowd(Path(folder), mailboxes, running, closed)
        with crowd.store.reading() as tx:
            begun = time.perf_counter()
            figures = tx.statistics.figures(NOW)
            read = time.perf_counter()
            crowd.metrics.exposition(figures, NOW)
            print(f"reading the figures: {(read - begun) * 1000:.0f} ms")
            print(f"rendering them the first time: {(time.perf_counter() - read) * 1000:.0f} ms")
            begun = time.perf_counter()
            crowd.metrics.exposition(figures, NOW)
            print(f"rendering them again: {(time.perf_counter() - begun) * 1000:.0f} ms")
        asyncio.run(measure(crowd))
        crowd.store.close()


if __name__ == "__main__":
    main()
