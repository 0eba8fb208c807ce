"""The board in a real Chromium: pages, actions, live updates, keyboard, hostile text."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from inboxwatch.store.records import DeliveryState
from tests.support.chromium import BO, CY, HOUR, MINUTE, Served, names, serving, waiting
from tests.support.in_process_daemon import InProcessDaemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload=alert(1)>',
    "'; alert(1) //",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
]


async def test_open_waits_show_who_waits_whose_it_is_and_what_happens_next(page: Page, served: Served) -> None:
    waiting(served.daemon)
    await page.goto("/waits")
    assert await names(page) == ["Bo Buyer", "Cy Chen"]
    overdue = page.locator("tbody tr").first
    for text in (
        "overdue by 10 min",
        "Buyer Ltd",
        "hot",
        "Quote for 40 units",
        "Ana Diaz",
        "overdue",
        "Max Ode",
        "11:30",
    ):
        await expect(overdue).to_contain_text(text)
    next_up = page.locator("tbody tr").nth(1)
    for text in ("due in 1 h", "Other SA", "Ben Ito", "running", "sales"):
        await expect(next_up).to_contain_text(text)
    await expect(page).to_have_title(re.compile("2 waiting, 1 overdue"))


async def test_filters_live_in_the_address(page: Page, served: Served) -> None:
    waiting(served.daemon)
    await page.goto("/waits")
    await page.get_by_label("Owner").select_option("ben")
    await page.wait_for_url("**/waits?owner=ben")
    assert await names(page) == ["Cy Chen"]
    await page.get_by_role("link", name="overdue").click()
    await page.wait_for_url("**/waits?owner=ben&state=overdue")
    await expect(page.locator(".empty")).to_have_text("Nothing matches these filters.")
    await page.go_back()
    await expect(page.get_by_label("Owner")).to_have_value("ben")
    await page.goto("/waits?team=emea&owner=ana")
    assert await names(page) == ["Bo Buyer"]
    await page.goto("/waits?tier=hot&state=breached")
    assert await names(page) == ["Bo Buyer"]
    await page.get_by_role("link", name="Clear").click()
    assert await names(page) == ["Bo Buyer", "Cy Chen"]


async def test_the_board_follows_what_happens_without_a_reload(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto("/waits")
    await expect(page.locator("#pulse")).to_have_text("live")
    await page.evaluate("document.body.dataset.kept = 'yes'")
    daemon.lead("di@third.test", owner="ana", name="Di Dorn")
    daemon.mail("di@third.test", "ana@acme.test")
    await expect(page.locator("a.row")).to_have_text(["Bo Buyer", "Cy Chen", "Di Dorn"])
    daemon.engine.dismiss(daemon.only_wait(BO), "max", daemon.at, reason="a thank-you note")
    await expect(page.locator("a.row")).to_have_text(["Cy Chen", "Di Dorn"])
    assert await page.evaluate("document.body.dataset.kept") == "yes"


async def test_a_lead_is_found_from_every_page_by_the_key_and_a_few_letters(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    daemon.lead("zo@third.test", owner="ana", name="Zoë <b>Ünlü</b>", company="Buyer Twins")
    await page.goto("/mailboxes")
    await page.keyboard.press("/")
    await page.keyboard.type("buyer")
    await page.keyboard.press("Enter")
    await expect(page.locator("a.row")).to_have_text(["Bo Buyer", "Zoë <b>Ünlü</b>"])
    await expect(page.get_by_role("status")).to_have_text("2 leads match buyer; those who wait come first.")
    await expect(page.locator("tbody tr").first).to_contain_text("overdue by 10 min")
    await expect(page.locator("tbody tr").nth(1)).to_contain_text("nobody waits")
    await page.get_by_role("searchbox", name="Find a lead").fill("unlu zoe")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë <b>Ünlü</b>")
    await page.goto("/leads?q=nobody+at+all")
    await expect(page.locator(".empty")).to_contain_text("No lead matches.")


async def test_all_leads_are_listed_page_by_page(page: Page, served: Served) -> None:
    for number in range(51):
        served.daemon.lead(f"p{number:02}@buyer.test")
    await page.goto("/leads")
    await expect(page.locator("a.row")).to_have_count(50)
    await page.get_by_role("link", name="further").click()
    await expect(page.locator("a.row")).to_have_text(["p50@buyer.test"])
    await page.get_by_role("link", name="before").click()
    await expect(page.locator("a.row").first).to_have_text("p00@buyer.test")


async def test_the_focus_stays_on_its_wait_when_the_board_changes(page: Page, served: Served) -> None:
    waiting(served.daemon)
    await page.goto("/waits")
    await expect(page.locator("#pulse")).to_have_text("live")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.locator("a.row:focus")).to_have_text("Cy Chen")
    served.daemon.lead("di@third.test", owner="ana", name="Di Dorn")
    served.daemon.mail("di@third.test", "ana@acme.test")
    await expect(page.locator("a.row")).to_have_count(3)
    await expect(page.locator("a.row:focus")).to_have_text("Cy Chen")


async def test_the_keyboard_reaches_a_wait_and_acts_on_it(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto("/waits")
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text("Skip to content")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/waits/*")
    await page.get_by_label("You are").focus()
    await page.keyboard.press("B")
    await page.keyboard.press("Tab")
    await page.keyboard.type("calling them now")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice.good")).to_have_text("Done: acknowledged.")
    await expect(page.locator(".answers")).to_contain_text("Ben Ito")
    await expect(page.locator(".story")).to_contain_text("calling them now")
    with daemon.store.reading() as tx:
        row = tx.clocks.get(daemon.only_wait(BO))
    assert row is not None
    assert row.owner == "ben"


async def test_every_deed_is_done_with_its_reason_and_told_in_the_history(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto(f"/waits/{daemon.only_wait(CY)}")
    await page.get_by_label("You are").select_option("max")
    await page.get_by_label("Reason").fill("they are closed today")
    await page.get_by_label("Hold for").select_option("4h")
    await page.get_by_role("button", name="Snooze").click()
    await expect(page.locator(".title .state")).to_have_text("snoozed")
    await expect(page.get_by_label("You are")).to_have_value("max")
    await page.get_by_label("Reason").fill("knows the customer")
    await page.locator("select[name=owner]").select_option("ana")
    await page.get_by_role("button", name="Assign").click()
    await expect(page.locator(".answers")).to_contain_text("Ana Diaz")
    await page.get_by_label("Reason").fill("only said thanks")
    await page.get_by_role("button", name="No reply owed").click()
    await expect(page.locator(".title .state")).to_have_text("no reply owed")
    await expect(page.get_by_role("button", name="I have it")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".title .state")).to_have_text("snoozed")
    await expect(page.locator("#story")).to_contain_text("said that a reply is owed after all")
    story = page.locator(".story")
    for text in ("Max Ode snoozed it until", "they are closed today", "gave it to Ana Diaz", "only said thanks"):
        await expect(story).to_contain_text(text)


async def test_enter_in_the_reason_does_nothing_and_assigning_wants_somebody(page: Page, served: Served) -> None:
    """Whatever was meant: the first button takes the wait over. Nobody is preset, least of all the owner."""
    daemon = served.daemon
    waiting(daemon)
    wait = daemon.only_wait(CY)
    await page.goto(f"/waits/{wait}")
    await page.get_by_label("You are").select_option("ana")
    await page.get_by_label("Reason").fill("spoke with them")
    await page.get_by_label("Reason").press("Enter")
    await page.get_by_role("button", name="Assign").click()
    await expect(page.get_by_role("alert")).to_contain_text("owner: is required")
    await expect(page.locator(".title .state")).not_to_have_text("acknowledged")
    await page.get_by_role("button", name="Handled by phone").click()
    await expect(page.locator("#story")).to_contain_text("call: spoke with them")
    await expect(page.get_by_role("button", name="I have it")).to_have_count(0)


async def test_the_form_goes_once_the_answer_came(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    wait = daemon.only_wait(CY)
    await page.goto(f"/waits/{wait}")
    await expect(page.locator("#pulse")).to_have_text("live")
    await page.get_by_label("Reason").fill("half a sentence")
    daemon.engine.dismiss(wait, "max", daemon.at)
    await expect(page.get_by_role("button", name="I have it")).to_have_count(0)


async def test_a_deed_that_is_refused_says_why_and_keeps_what_was_typed(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto(f"/waits/{daemon.only_wait(CY)}")
    await page.get_by_label("You are").select_option("ana")
    await page.get_by_role("button", name="No reply owed").click()
    await expect(page.get_by_role("alert")).to_contain_text("reason: is required")
    await expect(page.get_by_label("You are")).to_have_value("ana")
    await page.get_by_label("Reason").fill("only said thanks")
    daemon.engine.dismiss(daemon.only_wait(CY), "max", daemon.at, reason="first")
    await page.get_by_role("button", name="No reply owed").click()
    await expect(page.get_by_role("alert")).to_contain_text("the wait is done")


async def test_what_is_typed_survives_a_live_update(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto(f"/waits/{daemon.only_wait(CY)}")
    await expect(page.locator("#pulse")).to_have_text("live")
    await page.get_by_label("Reason").fill("half a sentence")
    daemon.engine.assign(daemon.only_wait(CY), "max", daemon.at, owner="ana", reason="knows them")
    await expect(page.locator(".answers")).to_contain_text("Ana Diaz")
    await expect(page.locator(".story")).to_contain_text("knows them")
    await expect(page.get_by_label("Reason")).to_have_value("half a sentence")


async def test_text_of_strangers_is_shown_as_text(page: Page, served: Served) -> None:
    daemon = served.daemon
    for number, text in enumerate(HOSTILE):
        email = f"x{number}@hostile{number}.test"
        daemon.lead(email, owner="ana", name=text, company=text, tier=text)
        daemon.mail(email, "ana@acme.test", subject=text)
        daemon.engine.assign(daemon.only_wait(email), "max", daemon.at, owner="ben", reason=text)
    await page.goto("/waits")
    shown = await page.locator("main").inner_text()
    for text in HOSTILE:
        assert shown.count(text) >= 3, text
    for number, text in enumerate(HOSTILE):
        for path in (
            f"/waits/{daemon.only_wait(f'x{number}@hostile{number}.test')}",
            f"/leads/x{number}@hostile{number}.test",
        ):
            await page.goto(path)
            assert await page.title() == f"{text} · inboxwatch"
            assert await page.locator("main script, main img").count() == 0
    await page.goto(f"/waits?tier={HOSTILE[1]}&owner={HOSTILE[0]}")
    await expect(page.get_by_label("Owner")).to_have_value(HOSTILE[0])


async def test_a_lead_shows_the_three_answers_and_all_waits(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto(f"/leads/{BO}")
    answers = page.locator(".answers")
    for text in ("Ana Diaz", "2 h first, 4 h next", "Max Ode", "Nobody has to follow up"):
        await expect(answers).to_contain_text(text)
    await expect(page.locator(".ladder li")).to_have_count(3)
    await page.goto("/leads/nobody@buyer.test")
    await expect(page.get_by_role("heading", name="Not Found")).to_be_visible()


async def test_a_wait_that_is_over_says_how_it_ended(page: Page, served: Served) -> None:
    daemon = served.daemon
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    asked = daemon.mail(BO, "ana@acme.test")
    clock = daemon.only_wait(BO)
    daemon.mail("ben@acme.test", BO, mailbox="sales", parent=asked, after=3 * HOUR)
    await page.goto(f"/waits/{clock}")
    await expect(page.locator(".answers")).to_contain_text("answered by Ben Ito")
    await expect(page.locator(".answers")).to_contain_text("late")
    await page.goto("/waits?state=closed")
    await expect(page.locator("tbody tr")).to_contain_text("answered by Ben Ito")


async def test_a_wait_explains_every_decision(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto(f"/waits/{daemon.only_wait(BO)}")
    await page.get_by_text("Explain every decision").click()
    explained = page.locator(".explain pre")
    for text in ("rule 1: lead.owner", "first_response within 2h in calendar office", "The clock runs on"):
        await expect(explained).to_contain_text(text)


async def test_follow_ups_are_listed_by_day(page: Page, served: Served) -> None:
    daemon = served.daemon
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    daemon.mail("ana@acme.test", BO)
    await page.goto("/follow-ups")
    await expect(page.get_by_role("heading", name="Tomorrow: 1")).to_be_visible()
    await expect(page.get_by_role("table", name="Tomorrow")).to_contain_text("Bo Buyer")
    await page.get_by_role("link", name="Ana Diaz, tomorrow: 1").click()
    await page.wait_for_url("**/follow-ups?owner=ana&day=tomorrow")
    daemon.passes(72 * HOUR)
    await page.goto("/follow-ups")
    await expect(page.get_by_text("Bo Buyer")).to_be_hidden()
    await page.get_by_text("Overdue: 1").click()
    await expect(page.get_by_text("Bo Buyer")).to_be_visible()
    await page.goto("/waits")
    await expect(page.locator(".empty")).to_have_text("Nobody waits for an answer.")


async def test_a_follow_up_has_deeds_of_its_own(page: Page, served: Served) -> None:
    daemon = served.daemon
    for lead, name in ((BO, "Bo Buyer"), (CY, "Cy Chen")):
        daemon.lead(lead, owner="ana", name=name)
        daemon.mail("ana@acme.test", lead)
    await page.goto("/follow-ups")
    await page.get_by_role("link", name="Bo Buyer").click()
    await expect(page.get_by_role("button", name="No reply owed")).to_have_count(0)
    await page.get_by_label("You are").select_option("ana")
    await page.locator("select[name=for]").select_option("7d")
    await page.get_by_role("button", name="Follow up then").click()
    await expect(page.locator(".story")).to_contain_text("Ana Diaz follows up later: it is due Mon 11 May")
    await page.goto("/follow-ups")
    await expect(page.get_by_role("table", name="Later")).to_contain_text("Bo Buyer")
    await page.get_by_role("link", name="Bo Buyer").click()
    await page.get_by_label("Note").fill("has no budget")
    await page.get_by_role("button", name="Stop following up").click()
    await expect(page.locator(".notice.good")).to_have_text("Done: nobody follows up any more.")
    await expect(page.locator(".story")).to_contain_text("Ana Diaz stopped following up")
    await page.goto("/follow-ups")
    await page.get_by_role("link", name="Cy Chen").click()
    await page.get_by_role("button", name="Called").click()
    await expect(page.locator(".story")).to_contain_text("Ana Diaz logged a call or meeting")
    await page.goto("/follow-ups")
    await expect(page.locator("a.row")).to_have_count(0)


async def test_blind_mailboxes_and_dead_letters_are_told_on_top(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    daemon.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO <b>invalid</b>", permanent=True), daemon.at)
    with daemon.store.transaction() as tx:
        (row, *_) = tx.deliveries.claim("desk", daemon.at, HOUR)
        tx.deliveries.settle([row.id], DeliveryState.DEAD, daemon.at, error="no such channel")
    await page.goto("/waits")
    await expect(page.locator(".notice").first).to_contain_text("1 of the mailboxes cannot be read: sales")
    await page.get_by_role("link", name=re.compile("could not be delivered")).click()
    boxes = page.get_by_role("table", name="Mailboxes")
    await expect(boxes).to_contain_text("blind: auth")
    await expect(boxes).to_contain_text("NO <b>invalid</b>")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator("#dead")).to_contain_text("Everything owed was delivered or is on its way.")


async def test_a_mailbox_that_its_provider_holds_back_says_until_when_and_is_not_called_blind(
    page: Page, served: Served
) -> None:
    daemon = served.daemon
    daemon.engine.succeeded(MailboxId("sales"), daemon.at)
    again = daemon.at + 7 * MINUTE
    refusal = MailboxError(Reason.RATE_LIMITED, "429 <img src=x onerror=alert(1)>", retry_after=400.0)
    daemon.engine.failed(MailboxId("sales"), refusal, daemon.at, since=daemon.at, again=again)
    await page.goto("/mailboxes")
    sales = page.locator(".boxes tbody tr", has_text="sales@acme.test")
    await expect(sales).to_contain_text("held back by its provider")
    await expect(sales.locator(".c-state .at")).to_contain_text(f"{again:%H:%M}")
    await expect(sales).to_contain_text("429 <img src=x onerror=alert(1)>")
    for words in ("blind", "readable"):
        await expect(sales).not_to_contain_text(words)
    daemon.passes(8 * MINUTE)
    await page.goto("/mailboxes")
    await expect(sales).to_contain_text("held back by its provider")
    await expect(sales).not_to_contain_text("until")
    daemon.engine.succeeded(MailboxId("sales"), daemon.at)
    await page.goto("/mailboxes")
    await expect(sales.locator(".c-state")).to_have_text("readable")
    await page.goto("/waits")
    await expect(page.locator(".notice")).to_have_count(0)


async def test_many_waits_come_in_pages_and_overdue_ones_do_not_hide_the_rest(page: Page, served: Served) -> None:
    daemon = served.daemon
    for number in range(12):
        daemon.lead(f"b{number}@late{number}.test", owner="ana", name=f"Late {number}")
        daemon.mail(f"b{number}@late{number}.test", "ana@acme.test")
    daemon.passes(3 * HOUR)
    for number in range(105):
        daemon.lead(f"b{number}@next{number}.test", owner="ben", name=f"Next {number}")
        daemon.mail(f"b{number}@next{number}.test", "sales@acme.test", mailbox="sales", after=timedelta(seconds=1))
    await page.goto("/waits")
    assert len(await names(page)) == 10 + 100
    await expect(page.get_by_role("link", name="2 more overdue")).to_be_visible()
    await page.get_by_role("link", name="later due →").click()
    assert await names(page) == [f"Next {number}" for number in range(100, 105)]
    await page.get_by_role("link", name=re.compile("overdue")).click()
    assert len(await names(page)) == 12


async def test_entering_the_token_opens_the_board(browser: Browser, tmp_path: Path) -> None:
    async with serving(InProcessDaemon(tmp_path, token="a-token-of-this-test")) as served:
        page = await browser.new_page(base_url=served.url)
        await page.goto("/waits?state=closed")
        await page.get_by_label("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await page.get_by_label("Token").fill("a-token-of-this-test")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/waits?state=closed")
        await expect(page.locator("#pulse")).to_have_text("live")
        await page.close()
