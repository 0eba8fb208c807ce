"""The start page in a real Chromium: figures that lead to their lists, what can still be saved, deeds in one tap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.records import DeliveryState
from tests.support.chromium import BO, CY, HOUR, MINUTE, Served, names, serving, waiting
from tests.support.in_process_daemon import InProcessDaemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = 24 * HOUR
TIERS = (
    "sla_policies:\n  - {name: hot, when: {tier: hot}, first_response: 6h, next_response: 6h, escalation: standard}\n"
)
TEAMS = "teams:\n  apac: {members: [ben]}\n"


def changed(daemon: InProcessDaemon, *changes: tuple[str, str]) -> None:
    text = daemon.path.read_text(encoding="utf-8")
    for old, new in changes:
        text = text.replace(old, new)
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)


async def listed(page: Page, label: str) -> list[str]:
    return await page.get_by_role("table", name=label, exact=True).locator("a.row").all_inner_texts()


async def test_each_figure_leads_to_the_list_that_it_counts(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    daemon.lead("di@third.test", owner="ben", name="Di Dorn")
    first = daemon.mail("di@third.test", "sales@acme.test", mailbox="sales")
    daemon.mail("ben@acme.test", "di@third.test", parent=first)
    daemon.passes(50 * MINUTE)
    daemon.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO", permanent=True), daemon.at)
    await page.goto("/?view=all")
    for words, count, rows in (("overdue", 1, ["Bo Buyer"]), ("due within the hour", 1, ["Cy Chen"])):
        link = page.get_by_role("link", name=f"{count} {words}", exact=True)
        await link.click()
        await page.wait_for_url("**/waits?state=*")
        assert await names(page) == rows
        await page.go_back()
    await page.get_by_role("link", name="1 follow-up tomorrow").click()
    await expect(page.get_by_role("heading", name="Tomorrow: 1")).to_be_visible()
    await page.goto("/")
    await page.get_by_role("link", name="1 mailbox cannot be read").click()
    await page.wait_for_url("**/mailboxes")


async def test_what_reached_nobody_is_shown_where_there_is_some_and_leads_to_its_list(
    page: Page, served: Served
) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto("/?view=all")
    await expect(page.get_by_role("link", name=re.compile("overdue$"))).to_be_visible()
    await expect(page.get_by_role("link", name=re.compile("delivered|contact"))).to_have_count(0)
    with daemon.store.transaction() as tx:
        (row, *_) = tx.deliveries.claim("desk", daemon.at, HOUR)
        tx.deliveries.settle([row.id], DeliveryState.DEAD, daemon.at, error="no such channel")
    for who, owner, box in (("di", "ana", "ana"), ("eva", "ana", "ana"), ("finn", "max", "sales")):
        to = f"{who}@{who}.test"
        daemon.lead(to, owner=owner, name=who.capitalize())
        ours = daemon.mail(f"{owner}@acme.test", to, mailbox=box)
        report = f"Content-Type: multipart/report; report-type=delivery-status\r\nX-Failed-Recipients: {to}"
        daemon.mail("mailer-daemon@relay.test", f"{owner}@acme.test", parent=ours, extra=report, mailbox=box)
    await page.get_by_role("link", name="1 message could not be delivered", exact=True).click()
    await page.wait_for_url("**/mailboxes#dead")
    await expect(page.get_by_role("button", name="Send again")).to_have_count(1)
    for view, count, where in (("team:emea", 3, "team=emea"), ("person:ana", 2, "owner=ana")):
        await page.goto(f"/?view={view}")
        await page.get_by_role("link", name=f"{count} first contacts failed", exact=True).click()
        await page.wait_for_url(f"**/waits?{where}#failed")
        await expect(page.locator(".notice", has_text="First contact failed")).to_have_count(count)
    await page.goto("/?view=person:ana")
    await expect(page.locator(".figures").first).to_contain_text("2 first contacts failed")
    await expect(page.get_by_role("link", name=re.compile("delivered"))).to_have_count(0)


async def test_what_can_be_saved_stands_by_tier_then_time_with_its_next_step_in_names(
    page: Page, served: Served
) -> None:
    daemon = served.daemon
    changed(
        daemon, ("sla_policies:\n", TIERS), ("{at: 50%, notify: [owner]}", "{at: 50%, notify: [owner], reassign: ben}")
    )
    for who, tier in (("late", ""), ("cold", ""), ("second", "hot"), ("first", "hot")):
        daemon.lead(f"{who}@{who}.test", owner="ana", tier=tier, name=who.capitalize())
    daemon.mail("late@late.test", "ana@acme.test")
    daemon.passes(3 * HOUR)
    for who, after in (("first", 0 * MINUTE), ("second", 10 * MINUTE), ("cold", 1 * MINUTE)):
        daemon.mail(f"{who}@{who}.test", "ana@acme.test", after=after)
    await page.goto("/?view=all")
    assert await listed(page, "Save these now") == ["First", "Second", "Cold"]
    assert await listed(page, "Overdue") == ["Late"]
    cold = page.get_by_role("row").filter(has_text="Cold")
    for text in ("due in 1 h 59 min", "Ana Diaz", "Ana Diaz is told at", "13:11", "it moves to Ben Ito"):
        await expect(cold).to_contain_text(text)


async def test_a_deed_is_one_tap_and_leads_back_to_the_page(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto("/?view=team:emea")
    await page.get_by_label("You are").first.select_option("max")
    await page.get_by_role("button", name="I have it: Cy Chen").click()
    await expect(page.get_by_role("status")).to_have_text("Done: Cy Chen is Max Ode’s now.")
    assert "view=team" in page.url
    await page.get_by_label("Assign Cy Chen to").select_option("ben")
    await page.get_by_role("button", name="Assign Cy Chen", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text("Done: Cy Chen went to Ben Ito.")
    await page.get_by_role("button", name="Handled by phone: Bo Buyer").click()
    await expect(page.get_by_role("status")).to_have_text("Done: Bo Buyer was reached by phone, nobody waits any more.")
    with daemon.store.reading() as tx:
        assert [row.lead for row in tx.clocks.running() if row.metric != "follow_up"] == [CY]


async def test_a_choice_that_is_not_sent_yet_outlives_what_happens_meanwhile(page: Page, served: Served) -> None:
    daemon = served.daemon
    waiting(daemon)
    await page.goto("/?view=all")
    await expect(page.locator("#pulse")).to_have_text("live")
    await page.get_by_label("Assign Cy Chen to").select_option("max")
    await page.evaluate("document.activeElement.blur()")
    daemon.lead("di@third.test", owner="ana", name="Di Dorn")
    daemon.mail("di@third.test", "ana@acme.test")
    await expect(page.get_by_role("table", name="Save these now").locator("a.row")).to_have_text(["Cy Chen", "Di Dorn"])
    await expect(page.get_by_label("Assign Cy Chen to")).to_have_value("max")


async def test_who_carries_what_and_what_happened_are_told_of_the_owners_team_alone(page: Page, served: Served) -> None:
    daemon = served.daemon
    changed(
        daemon,
        ("teams:\n", TEAMS),
        ("max@acme.test}", "max@acme.test, leave: [{from: 2026-05-05, to: 2026-05-08}]}"),
    )
    waiting(daemon)
    answered = daemon.mail("cy2@other.test", "sales@acme.test", mailbox="sales")
    daemon.lead("cy2@other.test", owner="ben", name="Cy Two")
    daemon.mail("ben@acme.test", "cy2@other.test", parent=answered, after=5 * MINUTE)
    daemon.passes(DAY)
    await page.goto("/?view=all")
    people = page.get_by_role("region", name="Who carries what")
    await expect(
        people.get_by_role("row").filter(has_text="Max Ode").filter(has_text="away until Fri 8 May")
    ).to_be_visible()
    await page.get_by_label("Show").select_option("team:apac")
    await page.wait_for_url("**/?view=team*")
    await expect(people).to_contain_text("Ben Ito")
    await expect(people).not_to_contain_text("Ana Diaz")
    since = page.locator("section").filter(has=page.get_by_role("heading", name="Since yesterday"))
    for text in ("1 answered on time", "1 handed over", "1 new lead"):
        await expect(since.get_by_role("listitem").filter(has_text=text)).to_have_count(1)
    await expect(page.locator(".rate")).to_contain_text("100 %")
    await expect(page.get_by_role("img", name="On time by day")).to_be_visible()
    await page.goto("/")
    await expect(page.get_by_label("Show")).to_have_value("team:apac")


async def test_stale_waits_are_dealt_with_together_and_what_is_refused_is_named(page: Page, served: Served) -> None:
    """One rule everywhere: to close needs a reason, by whatever page."""
    daemon = served.daemon
    waiting(daemon)
    daemon.passes(8 * DAY)
    bo, cy = daemon.only_wait(BO), daemon.only_wait(CY)
    await page.goto("/?view=all")
    await page.get_by_text("Overdue for more than 7 days: 2").click()
    form = page.get_by_role("form", name="Deal with several at once")
    await form.get_by_label("You are").select_option("max")
    await form.get_by_label("All that are shown").check()
    await form.get_by_label("Reason").press("Enter")
    await form.get_by_role("button", name="No reply owed").click()
    await expect(page.get_by_role("alert").filter(has_text="reason")).to_be_visible()
    await form.get_by_label("You are").select_option("max")
    await form.get_by_label("All that are shown").check()
    await form.get_by_label("Reason").fill("cleared at the year's end")
    daemon.engine.dismiss(bo, "ana", daemon.at)
    await form.get_by_role("button", name="No reply owed").click()
    told = page.get_by_role("alert").filter(has_text="Not done for 1")
    await expect(told).to_contain_text("Bo Buyer: the wait is done (no reply is owed)")
    await expect(page.get_by_role("status")).to_have_text("Done: 1 wait was closed.")
    with daemon.store.reading() as tx:
        rows = [row for row in tx.audit.page(AuditFilter(), 20) if row.deed == "wait.dismiss"]
        assert {(row.object, row.by, row.outcome) for row in rows} == {
            ("", "max", "refused"),  # without a reason
            (bo, "max", "refused"),
            (cy, "max", "done"),
        }


async def test_old_addresses_of_the_list_lead_to_where_it_is_now(page: Page, served: Served) -> None:
    waiting(served.daemon)
    for old, rows in (
        ("/?owner=ben", ["Cy Chen"]),
        ("/?team=emea&state=overdue", ["Bo Buyer"]),
        ("/?tier=hot", ["Bo Buyer"]),
    ):
        await page.goto(old)
        assert page.url.endswith(f"/waits{old[1:]}")
        assert await names(page) == rows
    for view in ("team:nobody", "person:", "x"):
        answer = await page.goto(f"/?view={view}")
        assert answer is not None
        assert answer.status == 404


async def test_a_server_that_is_away_is_told_plainly_and_its_clocks_stand_still(
    browser: Browser, tmp_path: Path
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    async with serving(InProcessDaemon(tmp_path)) as other:
        waiting(other.daemon)
        await page.goto(f"{other.url}/waits")
        await expect(page.locator("#pulse")).to_have_text("live")
        await expect(page.get_by_role("alert")).to_be_hidden()
    await expect(page.get_by_role("alert")).to_contain_text("The server has not answered since")
    age = page.locator("[data-since]").first
    shown = await age.inner_text()
    await page.evaluate("Date.now = () => 9e12; tick()")
    assert await age.inner_text() == shown
    await context.close()
