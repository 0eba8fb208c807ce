"""The board behind a real server, and a real Chromium that looks at it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page, Response, async_playwright

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


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(House(tmp_path, follow_up="16bh")) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    """A page whose console must stay silent, but for the browser's own note that a page was refused."""
    context = await browser.new_context(base_url=served.url, timezone_id="UTC", locale="en-GB")
    page = await context.new_page()
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if not re.match(r"Failed to load resource.*status of 4(04|09|22)", message.text):
            said.append(message.text)

    def answered(answer: Response) -> None:
        if answer.status >= 400 and answer.request.resource_type != "document":
            said.append(answer.url)

    page.on("console", heard)
    page.on("response", answered)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    yield page
    await context.close()
    assert said == []


def waiting(house: House) -> None:
    """Bo waits for Ana and is overdue, Cy waits for Ben."""
    house.lead(BO, owner="ana", tier="hot", name="Bo Buyer", company="Buyer Ltd")
    house.lead(CY, owner="ben", name="Cy Chen", company="Other SA")
    house.mail(BO, "ana@acme.test", subject="Quote for 40 units")
    house.mail(CY, "sales@acme.test", mailbox="sales", after=110 * MINUTE, subject="Delivery in June?")
    house.passes(20 * MINUTE)


async def names(page: Page) -> list[str]:
    return await page.locator("a.row").all_inner_texts()
