"""The e-mail's HTML in a real browser: hostile text runs nothing, loads nothing, breaks no layout."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, async_playwright

from inboxwatch.config.config import ReportMailConfig
from inboxwatch.core.calendar_period import CalendarPeriod, Every
from inboxwatch.core.model import PersonId
from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.engine.report.mailed import pages_of, story_of
from inboxwatch.engine.report.schedule import ReportOrder
from inboxwatch.notify import ChannelSettings
from inboxwatch.notify.links import ActionLink
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from inboxwatch.notify.offered_links import Offered
from inboxwatch.notify.render import Renderer
from inboxwatch.words import LANGUAGES, words
from tests.support.hostile_texts import HOSTILE
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.notices import ANA, clock, notice


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's package chromium is missing"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield await browser.new_page(viewport={"width": 390, "height": 800})
        await browser.close()


def inquiry(text: str) -> NoticeInquiry:
    """One of which everything is said by a stranger."""
    return NoticeInquiry(text, text, text, score=1.0, lines=(ScoreLine(1.0, text, text),), last_owner=text)


async def test_hostile_mail_runs_nothing_loads_nothing_and_fits_a_phone(page: Page) -> None:
    requests: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    clocks = [
        clock(id=name, lead_name=text, company=text, subject=text, lead=text, tier=text, inquiry=inquiry(text))
        for name, text in HOSTILE.items()
    ]
    said = (ActionLink(HOSTILE["html"], "https://watch.acme.test/a/y"),)
    links = {"html": Offered((ActionLink("I have it", "https://watch.acme.test/a/x"),), [("Needs a seller", said)])}
    html = Renderer(ChannelSettings().zone).text("body.html", notice(*clocks), ANA, links)
    await page.set_content(html)
    assert requests == []
    assert dialogs == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("document.querySelectorAll('script, img, iframe, [onmouseover], [onerror]').length") == 0
    assert await page.locator("table").count() == len(HOSTILE)
    assert "<script>alert(1)</script>" in await page.inner_text("body")
    hrefs = await page.evaluate("[...document.links].map(link => link.href)")
    assert hrefs == ["https://watch.acme.test/a/x", "https://watch.acme.test/a/y", "http://127.0.0.1:9842/clocks/c1"]


async def test_a_mailed_report_fits_a_phone_and_cuts_no_word_of_a_head(page: Page, tmp_path: Path) -> None:
    """In every language."""
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind", company="Buyer" * 40)
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(timedelta(hours=3))
    week = CalendarPeriod.parse("this-week", daemon.at.date())
    mail = ReportMailConfig("weekly", Every.WEEK, 0, 480, ZoneInfo("UTC"), "", (PersonId("max"),))
    order = ReportOrder(mail, week, daemon.at, missed=False)
    with daemon.store.reading() as tx:
        story = story_of(tx, daemon.config, order, daemon.at)
    daemon.close()
    for language in LANGUAGES:
        await page.set_content(pages_of(story, order, "", daemon.at, words(language)).html)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), language
        for head in await page.locator("th[scope=col]").all():
            lines = await head.evaluate(
                "one => { const all = document.createRange(); all.selectNodeContents(one);"
                " return new Set([...all.getClientRects()].map(box => box.top)).size }"
            )
            assert lines <= len((await head.inner_text()).split()), (language, await head.inner_text())
