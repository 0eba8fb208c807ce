"""The board behind a real server, and a real Chromium that looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web
from playwright.async_api import Page

from inboxwatch.web import make_app
from tests.support.in_process import House

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
    """A house behind a real server."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.url = url


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[Served]:
    """Serves a house, and closes it afterwards."""
    runner = web.AppRunner(make_app(house), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Served(house, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()
    house.close()


def waiting(house: House) -> None:
    """Bo waits for Ana and is overdue, Cy waits for Ben."""
    house.lead(BO, owner="ana", tier="hot", name="Bo Buyer", company="Buyer Ltd")
    house.lead(CY, owner="ben", name="Cy Chen", company="Other SA")
    house.mail(BO, "ana@acme.test", subject="Quote for 40 units")
    house.mail(CY, "sales@acme.test", mailbox="sales", after=110 * MINUTE, subject="Delivery in June?")
    house.passes(20 * MINUTE)


async def names(page: Page) -> list[str]:
    return await page.locator("a.row").all_inner_texts()
