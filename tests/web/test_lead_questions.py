"""One search says of a lead who owns it, what the SLA is, what happens next, and who follows up when."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import BO, CY, HOUR, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_one_search_from_the_start_page_answers_all_questions_about_a_lead(page: Page, served: Served) -> None:
    """Whose whole name is typed is shown at once, though others begin so."""
    daemon = served.daemon
    daemon.lead("buyerson@other.test", owner="ben", name="Bo Buyerson")
    daemon.lead(BO, owner="ana", tier="hot", name="Bo Buyer", company="Buyer Ltd")
    daemon.lead(CY, owner="ben", name="Cy Chen", company="Other SA")
    asked = daemon.mail(CY, "sales@acme.test", mailbox="sales")
    daemon.mail("ben@acme.test", CY, mailbox="sales", parent=asked, after=HOUR)
    daemon.mail(BO, "ana@acme.test")
    answers = page.locator(".answers")
    for typed, said in (
        ("bo buyer", ("Ana Diaz", "2 h", "Ana Diaz is told at", "Nobody has to follow up.")),
        ("chen", ("Ben Ito", "2 h first, 4 h next", "Nobody waits", "Ben Ito follows up tomorrow, ")),
    ):
        await page.goto("/")
        await page.keyboard.press("/")
        await page.keyboard.type(typed)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/leads/*@*")
        for text in said:
            await expect(answers).to_contain_text(text)
    steps = page.locator(".ladder li")
    await expect(steps).to_have_text(
        [
            "The owner is told at 50% of the time",
            "The owner, the owner's manager are told at 100% of the time",
            "The owner's manager is told at 100% of the time + 30 min, it moves to Max Ode",
        ]
    )
