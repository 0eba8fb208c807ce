"""The board for everybody: contrast in both themes, a phone's width, and what axe has to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from tests.support.chromium import BO, CY, HOUR, Served, waiting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_has_enough_contrast_and_fits_a_phone(browser: Browser, served: Served, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for text, 3 to 1 for large text, computed from what the browser paints; no sideways scroll."""
    daemon = served.daemon
    waiting(daemon)
    daemon.mail(BO, "ana@acme.test", subject="Our news of the spring", extra="List-Id: <news.buyer.test>")
    daemon.engine.snooze(daemon.only_wait(CY), "ben", daemon.at, until=daemon.at + HOUR)
    daemon.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO", permanent=True), daemon.at)
    paths = [
        "/",
        "/waits",
        "/follow-ups",
        "/leads",
        "/report?period=this-week",
        "/waits?since=2026-05-01T00:00:00Z&until=2026-06-01T00:00:00Z&tier=hot",
        "/review",
        "/mailboxes",
        "/matches",
        f"/waits/{daemon.only_wait(CY)}",
        f"/leads/{BO}",
        "/nothing",
    ]
    for width in (390, 1280):
        context = await browser.new_context(
            base_url=served.url,
            color_scheme=scheme,  # type: ignore[arg-type]  # one of playwright's literals
            viewport={"width": width, "height": 844},
        )
        page = await context.new_page()
        for path in paths:
            await page.goto(path)
            poor = await page.evaluate(_CONTRAST)
            assert poor == [], (path, width)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            unnamed = "[...document.querySelectorAll('button, select, input:not([type=hidden]), a')]"
            unnamed += ".filter(one => !(one.labels?.length || one.textContent.trim() || one.ariaLabel)).length"
            assert await page.evaluate(unnamed) == 0
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_to_object_to(browser: Browser, served: Served, scheme: str) -> None:
    reason = "axe-playwright-python is not in the development lock yet"
    axe = pytest.importorskip("axe_playwright_python", reason=reason)
    script = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    daemon = served.daemon
    waiting(daemon)
    daemon.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO", permanent=True), daemon.at)
    daemon.engine.succeeded(MailboxId("ana"), daemon.at)
    daemon.engine.failed(MailboxId("ana"), MailboxError(Reason.RATE_LIMITED, "429"), daemon.at, again=daemon.at + HOUR)
    context = await browser.new_context(
        base_url=served.url,
        bypass_csp=True,  # axe is not ours, and our pages run nothing else
        color_scheme=scheme,  # type: ignore[arg-type]  # one of playwright's literals
    )
    page = await context.new_page()
    for path in (
        "/",
        "/waits",
        "/follow-ups",
        "/leads?q=buyer",
        "/report?period=this-week",
        "/waits?since=2026-05-01T00:00:00Z&until=2026-06-01T00:00:00Z",
        "/review",
        "/mailboxes",
        f"/waits/{daemon.only_wait(CY)}",
        f"/leads/{BO}",
        "/nothing",
    ):
        await page.goto(path)
        await page.evaluate(script)
        found = await page.evaluate("axe.run()")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], path
        assert len(found["passes"]) > 20
    await context.close()


_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest('svg, noscript')) continue;
    const style = getComputedStyle(one);
    const a = light(rgba(style.color)), b = light(ground(one));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.7 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push([one.outerHTML, ratio]);
  }
  return poor;
}"""
