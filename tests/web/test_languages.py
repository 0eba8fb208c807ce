"""Pages in the reader's language: what the browser asks for, what was chosen; the script speaks the page's language."""

from __future__ import annotations

import html
import re

import pytest
from aiohttp import ClientSession, CookieJar
from playwright.async_api import Browser, expect

from inboxwatch.words import preferred
from tests.support.chromium import BO, Served, waiting
from tests.support.hostile_texts import HOSTILE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_browser_asks_for_a_language_and_a_choice_is_kept(served: Served) -> None:
    waiting(served.daemon)
    async with ClientSession(served.url, cookie_jar=CookieJar(unsafe=True)) as session:

        async def title(path: str, accepted: str) -> str:
            async with session.get(path, headers={"Accept-Language": accepted}) as answer:
                text = await answer.text()
            language, title = re.search('<html lang="(..)" dir="ltr">', text), re.search("<title>(.*) ·", text)
            assert language and title
            return f"{language[1]}: {title[1]}"

        assert await title("/waits", "fr, es;q=0.2, de-CH;q=0.9") == "de: 2 warten, 1 überfällig"
        assert await title("/waits", "fr") == "en: 2 waiting, 1 overdue"
        assert await title("/waits?lang=es", "de") == "es: 2 en espera, 1 vencida"
        assert await title("/waits", "de") == "es: 2 en espera, 1 vencida"
        assert await title("/waits?lang=xx", "de") == "es: 2 en espera, 1 vencida"


@pytest.mark.parametrize("language", ["de", "es"])
async def test_a_page_and_its_script_speak_one_language_and_fit_a_phone(
    browser: Browser, served: Served, language: str
) -> None:
    """Whatever buyers call themselves: their text stays text in every language."""
    daemon = served.daemon
    waiting(daemon)
    daemon.lead(BO, owner="ana", tier="hot", name=HOSTILE["html"], company=HOSTILE["template"])
    context = await browser.new_context(
        base_url=served.url, locale=language, timezone_id="UTC", viewport={"width": 390, "height": 844}
    )
    page = await context.new_page()
    for path in (
        "/",
        "/follow-ups",
        "/leads",
        "/review",
        "/matches",
        "/mailboxes",
        f"/waits/{daemon.only_wait(BO)}",
        f"/leads/{BO}",
    ):
        await page.goto(path)
        assert await page.locator("html").get_attribute("lang") == language
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await page.locator("main img, main script").count() == 0
    await page.goto("/waits")
    late = {"de": "überfällig seit 10 Min.", "es": "vencido hace 10 min"}[language]
    await expect(page.locator("[data-due]").first).to_have_text(late)
    await context.close()


async def test_what_is_refused_is_said_in_the_readers_language_and_the_api_keeps_its_words(served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    wait = daemon.only_wait(BO)
    async with ClientSession(served.url, headers={"Accept-Language": "de"}) as session:

        async def deed(**given: str) -> str:
            async with session.get(f"/waits/{wait}") as page:
                key = re.search('name="key" value="([^"]*)"', await page.text())
            assert key
            sent = {"by": "ana", "key": key[1], **given}
            async with session.post(f"/waits/{wait}/dismiss", data=sent) as answer:
                return html.unescape(await answer.text())

        assert "Grund: fehlt" in await deed()
        daemon.engine.dismiss(wait, "ana", daemon.at)
        assert "die Anfrage ist erledigt (keine Antwort nötig)" in await deed(reason="Spam")
        for path, said in (
            ("/waits/nothing", "keine Anfrage hat die Kennung nothing"),
            ("/waits?state=lost", "keine Anfrage ist je im Zustand 'lost'"),
            ("/report?team=apac", "es gibt kein Team 'apac': emea"),
            ("/leads/nobody@buyer.test", "kein Lead hat die Adresse nobody@buyer.test"),
        ):
            async with session.get(path, headers={"Accept": "text/html"}) as answer:
                assert said in html.unescape(await answer.text()), path
        body = {"by": "ana", "reason": "Spam"}
        async with session.post(f"/api/v1/clocks/{wait}/dismiss", json=body) as answer:
            assert (await answer.json())["detail"].startswith("the wait is over: dismissed at")


@pytest.mark.parametrize(
    ("accepted", "languages"),
    [
        ("de", ["de"]),
        ("en;q=0.5, de , es;q=0.7", ["de", "es", "en"]),
        ("de;q=0, es", ["es"]),
        ("de;q=x, , ;q=1, es", ["es"]),
        ("", []),
    ],
)
async def test_the_language_liked_best_comes_first(accepted: str, languages: list[str]) -> None:
    assert preferred(accepted) == languages
