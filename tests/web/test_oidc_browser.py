"""A sign-in at the provider, in a real Chromium: cookies, redirects and the page's policy as a browser takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, expect

from tests.support.oidc_house import oidc_house
from tests.support.waiting import PATIENCE


@pytest.mark.asyncio(loop_scope="module")
async def test_a_person_signs_in_at_the_provider_acts_and_signs_out(browser: Browser, tmp_path: Path) -> None:
    async with oidc_house(tmp_path) as house:
        house.provider.asks = True
        house.provider.person["email"] = "max@acme.test"
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        said: list[str] = []

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error" and message.location["url"].startswith(house.url):
                said.append(message.text)

        page.on("console", heard)
        await page.goto(f"{house.url}/waits/{house.wait}")
        await page.get_by_role("link", name="Sign in with your account").click()
        await page.get_by_role("link", name="Continue as Ana").click()
        await expect(page.get_by_text("You are Max Ode")).to_be_visible()
        await page.get_by_role("button", name="I have it").click()
        await expect(page.get_by_role("status")).to_contain_text("acknowledged")
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("link", name="Sign out there too").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.goto(house.url)
        await expect(page.get_by_label("Token")).to_be_visible()
        await context.close()
        assert said == []
