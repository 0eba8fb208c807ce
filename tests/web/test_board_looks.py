"""The board for everybody: contrast in both themes, a phone's width, and what axe has to say, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.support.chromium import Served
from tests.support.gallery import House, closed_house, full_house

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONCE = {
    "start", "waits", "wait", "follow-up", "follow-ups", "leads", "lead", "matches", "report", "review", "mailboxes",
    "link-why", "missing", "sign-in", "waits-of-a-time",
}  # fmt: skip
"""One page of each kind."""


async def opened(browser: Browser, served: Served, scheme: str, width: int = 1280) -> Page:
    context = await browser.new_context(
        base_url=served.url,
        bypass_csp=True,  # axe is not ours, and our pages run nothing else
        color_scheme=scheme,  # type: ignore[arg-type]  # one of playwright's literals
        viewport={"width": width, "height": 844},
    )
    return await context.new_page()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
async def test_text_has_enough_contrast_and_fits_a_phone(
    browser: Browser, tmp_path: Path, scheme: str, width: int
) -> None:
    """WCAG AA: 4.5 to 1 for text, 3 to 1 for large text, computed from what the browser paints; no sideways scroll,
    however long a name, a company and a subject are."""
    async with full_house(tmp_path) as (served, pages):
        page = await opened(browser, served, scheme, width)
        for one in pages:
            if width != 390 and one.name not in ONCE:
                continue
            await page.goto(one.path)
            assert await page.evaluate(_CONTRAST) == [], one
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), one
            unnamed = "[...document.querySelectorAll('button, select, input:not([type=hidden]), a')]"
            unnamed += ".filter(one => !(one.labels?.length || one.textContent.trim() || one.ariaLabel)).length"
            assert await page.evaluate(unnamed) == 0, one
        await page.context.close()


@pytest.mark.parametrize("house", [full_house, closed_house])
async def test_axe_finds_nothing_to_object_to(browser: Browser, tmp_path: Path, house: House) -> None:
    """Every kind of page, in one theme or the other."""
    axe = pytest.importorskip("axe_playwright_python", reason="it is in the development lock")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    async with house(tmp_path) as (served, pages):
        themes = [await opened(browser, served, scheme) for scheme in ("light", "dark")]
        for number, one in enumerate(one for one in pages if one.name in ONCE):
            page = themes[number % 2]
            await page.goto(one.path)
            await page.evaluate(script)
            found = await page.evaluate("axe.run()")
            told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
            assert told == [], one
            assert len(found["passes"]) > 15, one
        for page in themes:
            await page.context.close()


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
