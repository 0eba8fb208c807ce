"""The e-mail's HTML in a real browser: hostile text runs nothing, loads nothing, breaks no layout."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from inboxwatch.notify import ChannelSettings
from inboxwatch.notify.links import ActionLink
from inboxwatch.notify.render import Renderer
from tests.support.hostile_texts import HOSTILE
from tests.support.notices import ANA, clock, notice


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's package chromium is missing"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield await browser.new_page(viewport={"width": 390, "height": 800})
        await browser.close()


async def test_hostile_mail_runs_nothing_loads_nothing_and_fits_a_phone(page: Page) -> None:
    requests: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    clocks = [
        clock(id=name, lead_name=text, company=text, subject=text, lead=text, tier=text)
        for name, text in HOSTILE.items()
    ]
    links = {"html": (ActionLink("I have it", "https://watch.acme.test/a/x"),)}
    html = Renderer(ChannelSettings().zone).text("body.html", notice(*clocks), ANA, links)
    await page.set_content(html)
    assert requests == []
    assert dialogs == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("document.querySelectorAll('script, img, iframe, [onmouseover], [onerror]').length") == 0
    assert await page.locator("table").count() == len(HOSTILE)
    assert "<script>alert(1)</script>" in await page.inner_text("body")
    hrefs = await page.evaluate("[...document.links].map(link => link.href)")
    assert hrefs == ["https://watch.acme.test/a/x", "http://127.0.0.1:9842/clocks/c1"]
