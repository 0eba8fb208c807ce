"""The board behind a real server, and a page of it in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Response, async_playwright, expect

from tests.support.chromium import ARGUMENTS, Served, serving
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.waiting import PATIENCE


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(InProcessDaemon(tmp_path, follow_up="16bh")) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE * 1000)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    """A page whose console must stay silent, but for the browser's own note that a page was refused."""
    context = await browser.new_context(base_url=served.url, timezone_id="UTC", locale="en-GB")
    context.set_default_timeout(PATIENCE * 1000)
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
