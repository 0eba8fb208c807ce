"""What inquiries are, on the board: judged in the list and on the wait's page, taken back, and found if filtered."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.gallery import judging_house
from tests.support.waiting import PATIENCE

ONCE = {"triage-start", "triage-waits", "filtered", "triage-wait"}
"""One page of each kind."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe objects to."""
    axe = pytest.importorskip("axe_playwright_python", reason="it is in the development lock")
    await page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run()")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


async def chosen_by_keys(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_inquiries_are_judged_by_keyboard_without_script_and_every_word_is_taken_back(
    browser: Browser, tmp_path: Path
) -> None:
    """A list offers each class and tier; nothing that a buyer wrote becomes part of a page."""
    async with judging_house(tmp_path) as (served, pages):
        context = await browser.new_context(base_url=served.url, java_script_enabled=False)
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        await page.goto("/waits?state=judge")
        first = page.locator("tbody tr").first
        for text in ("<img src=x onerror=alert(1)> pricing", "Tia Dorn", "unknown", "nothing that is known fits it"):
            await expect(first).to_contain_text(text)
        await page.get_by_label("You are").select_option("tia")
        await first.get_by_role("combobox").focus()
        await chosen_by_keys(page, "s", "Tab", "Enter")
        done = page.get_by_role("status").filter(has_text="Done")
        await expect(done).to_have_text("Done: bo@buyer.test is sales. Undo")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await done.get_by_role("button", name="Undo").click()
        await expect(done).to_contain_text("Done: the verdict is taken back, bo@buyer.test is unknown again.")
        await context.close()
        with_script = await browser.new_context(base_url=served.url, bypass_csp=True)
        with_script.set_default_timeout(PATIENCE * 1000)
        page = await with_script.new_page()
        await page.goto("/waits")
        await page.get_by_role("link", name="Filtered today: 2 (vendor 2), contradicted 1").click()
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("by the rule link building")
        await expect(rows.first).to_contain_text("contradicted")
        await page.locator("select[name=class]").select_option("support")
        await page.wait_for_url("**class=support**")
        await expect(page.locator(".empty")).to_have_text("Nothing matches these filters.")
        await page.goto(next(one.path for one in pages if one.name == "filtered-wait"))
        await page.get_by_label("You are").select_option("max")
        await page.locator("#verdict").select_option(label="sales, hot")
        await page.get_by_label("Reason").fill("<b>a buyer</b> after all")
        await page.get_by_role("button", name="Judge").press("Enter")
        about = page.locator(".about")
        for text in ("sales", "says Max Ode", "Tier hot, says Max Ode.", "hot", "<b>a buyer</b> after all"):
            await expect(about).to_contain_text(text)
        await expect(page.locator(".title .state")).to_have_text("running")
        await page.get_by_role("button", name="Take the last verdict back").press("Enter")
        await expect(about).to_contain_text("by the rule link building")
        await page.get_by_role("button", name="Judge").click()
        await expect(page.locator("#problem")).to_have_text("class: is required")
        await expect(page.locator("#story")).to_contain_text("the rules said what it is: vendor")
        for one in pages:
            if one.name not in ONCE:
                continue
            await page.goto(one.path)
            assert await violations(page) == [], one
        await with_script.close()
