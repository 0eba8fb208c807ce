"""The board behind a real server, and a real Chromium that looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web
from playwright.async_api import Page

from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BO, CY = "bo@buyer.test", "cy@other.test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Served:
    """A daemon behind a real server."""

    def __init__(self, daemon: InProcessDaemon, url: str) -> None:
        self.daemon = daemon
        self.url = url


@asynccontextmanager
async def serving(daemon: InProcessDaemon) -> AsyncIterator[Served]:
    """Serves a daemon, and closes it afterwards."""
    runner = web.AppRunner(make_app(daemon), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Served(daemon, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()
    daemon.close()


def waiting(daemon: InProcessDaemon) -> None:
    """Bo waits for Ana and is overdue, Cy waits for Ben."""
    daemon.lead(BO, owner="ana", tier="hot", name="Bo Buyer", company="Buyer Ltd")
    daemon.lead(CY, owner="ben", name="Cy Chen", company="Other SA")
    daemon.mail(BO, "ana@acme.test", subject="Quote for 40 units")
    daemon.mail(CY, "sales@acme.test", mailbox="sales", after=110 * MINUTE, subject="Delivery in June?")
    daemon.passes(20 * MINUTE)


async def names(page: Page) -> list[str]:
    return await page.locator("a.row").all_inner_texts()
