"""The pages of the board with 5,000 open waits and half a year of history, as a real Chromium shows them.

For each page one line: from its address to its first paint, and from a change to the same page brought up to date,
without the second at most in which the daemon looks whether there is one.

python -m tests.benchmarks.board [PEOPLE] [OPEN] [CLOSED] [sqlite|postgresql]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from inboxwatch.web import make_app
from tests.benchmarks.scrape import Crowd
from tests.doubles.postgres import Postgres
from tests.support.chromium import ARGUMENTS

PAGES = ("/?view=all", "/?view=person:p5", "/waits", "/waits?state=overdue&page=20", "/follow-ups")
TIMES = 9
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
UPDATED = """async () => {
  while (asking || again) await new Promise((done) => setTimeout(done, 20));
  const begun = performance.now();
  await refresh();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begun;
}"""


async def measure(crowd: Crowd) -> None:
    runner = web.AppRunner(make_app(crowd), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for path in PAGES:
            await _one(browser, base, path)
        await browser.close()
    await runner.cleanup()


async def _one(browser: Browser, base: str, path: str) -> None:
    context = await browser.new_context(base_url=base, viewport={"width": 1440, "height": 900})
    page, paints, updates = await context.new_page(), [], []
    for _ in range(TIMES):
        await page.goto(path)
        paints.append(await _painted(page))
    for _ in range(TIMES):
        updates.append(float(await page.evaluate(UPDATED)))
    print(f"{path}: first paint {_told(paints)}, update {_told(updates)}")
    await context.close()


async def _painted(page: Page) -> float:
    await page.wait_for_function(f"() => {PAINTED.removesuffix('.startTime')}")
    return float(await page.evaluate(PAINTED))


def _told(taken: list[float]) -> str:
    return f"median {statistics.median(taken):.0f} ms, most {max(taken):.0f} ms"


@contextmanager
def _store(kind: str) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None
        return
    with Postgres.start() as server:
        yield server.common


def main() -> None:
    people, running, closed = (int(text) for text in (*sys.argv[1:4], *("40", "5000", "14000")[len(sys.argv[1:4]) :]))
    with tempfile.TemporaryDirectory() as folder, _store((*sys.argv[4:], "sqlite")[0]) as url:
        crowd = Crowd(Path(folder), people, running, closed, days=182, store=url)
        asyncio.run(measure(crowd))
        crowd.store.close()


if __name__ == "__main__":
    main()
