"""Pictures of every page of the board, to be looked at: `python -m tests.support.gallery FOLDER`.

A house of hostile texts, and an empty one; each page in light and dark, wide and narrow, in every language. Besides it
prints what is wider than its screen, and what reads the same in another language as in English.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId, MessageId, PersonId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.notify.links import Grant, Links
from inboxwatch.store.records import AbsenceRecord
from tests.support.chromium import ARGUMENTS, BO, CY, HOUR, MINUTE, Served, serving
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.triage_daemon import INFO, TriageDaemon

DAY = timedelta(days=1)
LANGUAGES = ("en", "de", "es")
LOOKS = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
COMPANY = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
ARABIC = "طلب عرض أسعار لأربعين وحدة (RFQ-7731)"
TOKEN = "sesame-open-please"  # a test's own


@dataclass(frozen=True, slots=True)
class Shown:
    """A page by name and path."""

    name: str
    path: str


House = Callable[[Path], AbstractAsyncContextManager[tuple[Served, list[Shown]]]]
"""A house in a folder, served: where it is and what pages it has."""


@asynccontextmanager
async def full_house(folder: Path) -> AsyncIterator[tuple[Served, list[Shown]]]:
    """Something on every page: late, soon, stale, put off, taken; weak matches, a blind mailbox, hostile texts."""
    daemon = InProcessDaemon(folder, follow_up="16bh")
    daemon.lead("stale@old.test", owner="ben", name="Stale Stan", company="Old Ltd")
    daemon.lead(BO, owner="ana", tier="hot", name="Bo Buyer", company=COMPANY[:200])
    daemon.lead(CY, owner="ben", name="Cy Chen", company="Other SA")
    daemon.lead("nur@arabic.test", owner="ana", tier="warm", name="نور الهاشمي", company="شركة النور للتجارة")
    daemon.lead("di@third.test", owner="ana", name="D" * 120)
    daemon.lead("won@won.test", owner="max", name="Wona Win", company="Won GmbH")
    daemon.mail("stale@old.test", "sales@acme.test", mailbox="sales", subject="Is anybody there?")
    daemon.passes(9 * DAY)
    old = daemon.mail("won@won.test", "ana@acme.test", subject="An order")
    daemon.mail("max@acme.test", "won@won.test", mailbox="sales", parent=old, after=HOUR)
    daemon.passes(3 * DAY)
    offer = daemon.mail(CY, "ana@acme.test", subject="Terms of payment")
    daemon.mail("ana@acme.test", CY, parent=offer, after=5 * MINUTE, subject="Terms of payment")
    daemon.mail(BO, "ana@acme.test", subject="Quote " + "x" * 150)
    daemon.mail("nur@arabic.test", "ana@acme.test", subject=ARABIC, after=20 * MINUTE)
    daemon.mail(CY, "ana@acme.test", subject="Re: Terms of payment", after=30 * MINUTE)
    daemon.mail(CY, "sales@acme.test", mailbox="sales", after=40 * MINUTE, subject="Delivery in June?")
    daemon.mail("di@third.test", "ana@acme.test", subject="=?utf-8?q?Gr=C3=B6=C3=9Fe_und_Preis?=", after=5 * MINUTE)
    daemon.mail(BO, "ana@acme.test", subject="Our news of the spring", extra="List-Id: <news.buyer.test>")
    daemon.passes(25 * MINUTE)
    with daemon.store.transaction() as tx:
        until = daemon.at + 2 * DAY
        tx.absences.record(AbsenceRecord(PersonId("ben"), daemon.at - HOUR, until, MessageId("away@acme.test")))
    daemon.engine.acknowledge(daemon.only_wait("nur@arabic.test"), "ana", daemon.at, "on it")
    daemon.engine.snooze(daemon.only_wait("di@third.test"), "ana", daemon.at, until=daemon.at + HOUR)
    daemon.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO", permanent=True), daemon.at)
    daemon.engine.succeeded(MailboxId("ana"), daemon.at)
    wait, follow_up = daemon.only_wait(BO), daemon.only_follow_up("won@won.test").id
    with daemon.store.reading() as tx:
        (over,) = [row.id for row in tx.clocks.listed({"lead": "won@won.test"}, None, 9) if row.state == "answered"]
    links = Links(daemon.key, "")
    signed = {action: links.sign(Grant(wait, action, "ana", daemon.at + DAY)) for action in ("acknowledge", "dismiss")}
    ended = links.sign(Grant(over, "acknowledge", "ana", daemon.at + DAY))
    pages = [
        Shown("start", "/?view=all"), Shown("start-team", "/?view=team:emea"), Shown("start-mine", "/?view=person:ana"),
        Shown("waits", "/waits"), Shown("waits-overdue", "/waits?state=overdue"),
        Shown("waits-closed", "/waits?state=closed"),
        Shown("waits-none", "/waits?tier=gold"),
        Shown("waits-of-a-time", "/waits?since=2026-05-01T00:00:00Z&until=2026-06-01T00:00:00Z&tier=hot"),
        Shown("wait", f"/waits/{wait}"),
        Shown("wait-over", f"/waits/{over}"),
        Shown("wait-taken", f"/waits/{daemon.only_wait('nur@arabic.test')}"), Shown("follow-up", f"/waits/{follow_up}"),
        Shown("follow-ups", "/follow-ups"), Shown("leads", "/leads"), Shown("search", "/leads?q=buyer"),
        Shown("search-none", "/leads?q=zzz"), Shown("lead", f"/leads/{BO}"), Shown("lead-quiet", "/leads/won@won.test"),
        Shown("matches", "/matches"), Shown("report", "/report?period=this-week"),
        Shown("report-none", "/report?period=2026-W10"), Shown("review", "/review"), Shown("mailboxes", "/mailboxes"),
        Shown("link", f"/a/{signed['acknowledge']}"), Shown("link-why", f"/a/{signed['dismiss']}"),
        Shown("link-over", f"/a/{ended}"), Shown("link-bad", "/a/nonsense"), Shown("missing", "/nothing"),
        Shown("missing-wait", "/waits/0000000000000000"), Shown("missing-lead", "/leads/no@body.test"),
    ]  # fmt: skip
    async with serving(daemon) as served:
        yield served, pages


@asynccontextmanager
async def judging_house(folder: Path) -> AsyncIterator[tuple[Served, list[Shown]]]:
    """One that asks what inquiries are about: to be judged, judged, ended, filtered, and filtered wrongly."""
    daemon = TriageDaemon(folder)
    daemon.lead("dora@big.test", name="Dora <b>Big</b>", company=COMPANY[:200])
    daemon.letter("ended@old", sender="ed@old.test", subject="A thank you")
    daemon.letter("answer@acme", minutes=5, sender=INFO, to="ed@old.test", parent="ended@old")
    daemon.letter("b1@spam", minutes=5, sender="x@spam.test", subject="Backlinks for you")
    daemon.letter("b2@spam", minutes=5, sender="y@spam.test", subject=f"{ARABIC} backlinks <script>alert(1)</script>")
    daemon.letter("reply@acme", minutes=5, sender=INFO, to="y@spam.test", parent="b2@spam")
    daemon.letter("q1@buyer", minutes=5, subject="<img src=x onerror=alert(1)> pricing for 40 units")
    daemon.letter("q2@big", minutes=7, sender="dora@big.test", subject="Quote " + "x" * 150)
    daemon.letter("q3@else", minutes=5, sender=f"{'long' * 12}@else.test", subject=ARABIC)
    daemon.passes(5 * MINUTE)
    wait = {name: clock_id(MessageId(name), Metric.FIRST_RESPONSE) for name in ("q1@buyer", "b1@spam", "ended@old")}
    verdict = clock_id(MessageId("q1@buyer"), Metric.VERDICT)
    pages = [
        Shown("triage-start", "/?view=all"), Shown("triage-waits", "/waits"), Shown("triage", "/waits?state=judge"),
        Shown("filtered", "/waits?state=filtered"), Shown("triage-wait", f"/waits/{wait['q1@buyer']}"),
        Shown("triage-verdict", f"/waits/{verdict}"), Shown("filtered-wait", f"/waits/{wait['b1@spam']}"),
        Shown("judged-over", f"/waits/{wait['ended@old']}"),
    ]  # fmt: skip
    async with serving(daemon) as served:
        yield served, pages


@asynccontextmanager
async def empty_house(folder: Path) -> AsyncIterator[tuple[Served, list[Shown]]]:
    paths = ("/", "/waits", "/follow-ups", "/leads", "/matches", "/report", "/review", "/mailboxes")
    async with serving(InProcessDaemon(folder, follow_up="16bh")) as served:
        yield served, [Shown(f"empty-{path.strip('/') or 'start'}", path) for path in paths]


@asynccontextmanager
async def closed_house(folder: Path) -> AsyncIterator[tuple[Served, list[Shown]]]:
    """One that asks who is there."""
    daemon = InProcessDaemon(folder, token=TOKEN)
    async with serving(daemon) as served:
        yield served, [Shown("sign-in", "/login")]


HOUSES: tuple[House, ...] = (full_house, judging_house, empty_house, closed_house)


async def shoot(browser: Browser, url: str, pages: Sequence[Shown], folder: Path) -> list[str]:
    """Takes the pictures of a house's pages; returns what is to be looked at more closely."""
    found, words = list[str](), dict[tuple[str, str], set[str]]()
    for scheme, width in LOOKS:
        for language in LANGUAGES:
            context = await browser.new_context(
                base_url=url,
                color_scheme=scheme,  # type: ignore[arg-type]  # one of playwright's literals
                viewport={"width": width, "height": 900},
                locale=language,
                extra_http_headers={"Accept-Language": language},
            )
            page = await context.new_page()
            for one in pages:
                await page.goto(one.path)
                for wide in await page.evaluate(_TOO_WIDE):
                    found.append(f"{one.name} {language} {scheme} {width}: wider than its screen: {wide}")
                words[one.name, language] = set(await page.evaluate(_WORDS))
                await page.screenshot(path=_picture(folder, one.name, language, scheme, width), full_page=True)
            await context.close()
    for language in LANGUAGES[1:]:
        same = set().union(*(said & words[name, "en"] for (name, one), said in words.items() if one == language))
        found += [f"{language}: as in English: {text}" for text in sorted(same) if re.search(r"[a-z]{3}", text)]
    return found


def _picture(folder: Path, name: str, language: str, scheme: str, width: int) -> Path:
    return folder / f"{name}-{language}-{scheme}-{width}.png"


async def _main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for house in HOUSES:
            with tempfile.TemporaryDirectory() as place:
                async with house(Path(place)) as (served, pages):
                    for one in await shoot(browser, served.url, pages, folder):
                        sys.stdout.write(f"{one}\n")
        await browser.close()


_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest('.scroll')).slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""
_WORDS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim().replace(/\\s+/g, ' ');
    if (text && walker.currentNode.parentElement.checkVisibility()) found.push(text);
  }
  for (const one of document.querySelectorAll('[aria-label], [placeholder], [title]'))
    found.push(...['aria-label', 'placeholder', 'title'].map(name => one.getAttribute(name) || ''));
  return found;
}"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asyncio.run(_main(parser.parse_args().folder))
