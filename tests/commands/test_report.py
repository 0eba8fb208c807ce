"""The report: a month of mail against a recount minute by minute, from Maildirs to the page."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from statistics import median_low

import axe_playwright_python  # type: ignore[import-untyped]  # it has no type hints
import pytest
from playwright.sync_api import sync_playwright

from inboxwatch import config as configuration
from inboxwatch.commands.csv_cell import plain
from inboxwatch.engine.report.cases import Story, read
from inboxwatch.engine.report.figures import (
    Group,
    by_person,
    heat,
    slices,
)
from inboxwatch.engine.report.period import Period
from inboxwatch.store import Store
from tests.support import mail_history
from tests.support.installation import command

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HOSTILE = ['<script>document.title="owned"</script>', '"><img src=x onerror="document.title=1">', "{{ 7 * 7 }}", "=1+2"]
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
BROWSER += ["--disable-sync", "--no-first-run"]


@dataclass(frozen=True, slots=True)
class Reported:
    month: mail_history.MailHistory
    html: str
    rows: list[dict[str, str]]
    story: Story


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("month")
    last = datetime.now(UTC).replace(second=0, microsecond=0) - DAY
    played = mail_history.write_history(folder, last, days=21, busy=3, cleo=HOSTILE[1], company=HOSTILE[0])
    filled = command("backfill", "-c", str(played.config), "--since", "40d")
    assert filled.returncode == 0, filled.stderr
    page, table = folder / "report.html", folder / "waits.csv"
    since = f"{played.begun:%Y-%m-%d}"
    divide = f"{played.begun + 10 * DAY:%Y-%m-%d}"
    words = ("--since", since, "-o", str(page), "--csv", str(table), "--compare", divide)
    made = command("report", "-c", str(played.config), *words)
    assert made.returncode == 0, made.stderr
    config = configuration.load(played.config)
    store = Store(config.store_url.reveal())
    try:
        with store.reading() as tx:
            story = read(tx, config, Period.parse(since, "", divide, mail_history.ZONE, datetime.now(UTC)))
    finally:
        store.close()
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Reported(played, page.read_text(encoding="utf-8"), rows, story)


def due(asked: datetime) -> datetime:
    """Minute by minute."""
    at, left = asked, mail_history.TARGET
    while left > timedelta(0):
        left -= MINUTE if mail_history.working(at) else timedelta(0)
        at += MINUTE
    return at


def test_the_figures_are_those_of_a_recount_minute_by_minute(reported: Reported) -> None:
    exchanges = reported.month.exchanges
    now = reported.story.period.end
    in_time = sum(one.answered is not None and one.answered <= due(one.asked) for one in exchanges)
    late = sum(one.answered is not None and one.answered > due(one.asked) for one in exchanges)
    overdue = sum(one.answered is None and due(one.asked) <= now for one in exchanges)
    everything = Group("all", reported.story.cases)
    assert in_time > 20
    assert late > 3
    assert overdue > 0
    assert (len(everything), everything.in_time, everything.missed) == (len(exchanges), in_time, late + overdue)
    assert everything.attainment == in_time / (in_time + late + overdue)
    answered = [one for one in exchanges if one.answered is not None]
    wall = [(one.answered - one.asked).total_seconds() for one in answered if one.answered]
    business = [mail_history.business(one.asked, one.answered).total_seconds() for one in answered if one.answered]
    assert sorted(everything.wall.answered) == sorted(wall)
    assert sorted(everything.business.answered) == sorted(business)
    assert everything.wall.naive(0.5) == median_low(wall)
    for slot in slices(reported.story):
        begun = [one for one in exchanges if slot.start <= one.asked < slot.start + 7 * DAY]
        assert len(slot.group) == len(begun)


def test_the_honest_median_is_that_of_the_definition(reported: Reported) -> None:
    """At each answer, of those that still waited."""
    lengths = [case.business for case in reported.story.cases]
    left, found = Fraction(1), None  # exact: where half are over is a matter of one rounding
    for time in sorted({one.seconds for one in lengths if one.ended}):
        waiting = sum(one.seconds >= time for one in lengths)
        left *= 1 - Fraction(sum(one.ended and one.seconds == time for one in lengths), waiting)
        if left <= Fraction(1, 2):
            found = time
            break
    assert Group("all", reported.story.cases).business.honest(0.5) == found


def test_each_wait_counts_for_its_owner_and_under_its_local_hour(reported: Reported) -> None:
    people = {group.name: len(group) for group in by_person(reported.story)}
    assert people == {rep: sum(one.owner == rep for one in reported.month.exchanges) for rep in mail_history.REPS}
    week = heat(reported.story.cases)
    for day in range(7):
        for hour in range(24):
            local = [one.asked.astimezone(mail_history.ZONE) for one in reported.month.exchanges]
            assert week[day][hour].begun == sum((at.weekday(), at.hour) == (day, hour) for at in local)


class Parts(HTMLParser):
    """The tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]


def test_the_page_needs_nothing_but_itself_and_shows_hostile_names_as_text(reported: Reported) -> None:
    parts = Parts()
    parts.feed(reported.html)
    assert parts.addresses
    board = re.compile(r"http://127\.0\.0\.1:0/waits(?:/[\w%-]+|\?[\w%=&.:+-]+)")
    assert [one for one in parts.addresses if not board.fullmatch(one)] == [], "other links"
    assert not parts.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert "url(" not in reported.html
    assert "@import" not in reported.html
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        asked: list[str] = []
        said: list[str] = []
        for scheme in ("light", "dark"):
            page = browser.new_page(
                color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 390, "height": 800}
            )
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.set_content(reported.html)
            assert page.title().startswith("How long buyers wait")
            text = page.inner_text("body")
            assert HOSTILE[0] in text
            assert HOSTILE[1] in text
            assert page.locator("figure svg").count() == 4, "no curve of next replies, for there are none"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
            table = page.locator(".parts")
            assert table.evaluate("it => it.scrollWidth <= it.parentNode.clientWidth"), "next replies are out of sight"
        browser.close()
    assert not asked
    assert not said


def test_axe_finds_nothing_to_object_to_in_either_theme(reported: Reported) -> None:
    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        page = browser.new_page(color_scheme="light", bypass_csp=True)  # axe is not ours, and the page runs nothing
        page.set_content(reported.html)
        page.evaluate(script)
        found = page.evaluate("axe.run()")
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate("axe.run({runOnly: ['color-contrast']})")
        browser.close()
    objections = [*found["violations"], *dark["violations"]]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in objections] == []
    assert len(found["passes"]) > 20
    assert dark["passes"]


def test_the_table_bears_every_wait_and_no_formula(reported: Reported) -> None:
    assert len(reported.rows) == len(reported.story.cases) + len(reported.story.follow_ups)
    late = {row["clock"] for row in reported.rows if row["outcome"] in {"answered late", "open, overdue"}}
    assert late == {case.id for case in reported.story.cases if case.missed}


@pytest.mark.parametrize("text", ["=1+2", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_of_the_table_is_taken_for_a_formula(text: str) -> None:
    assert plain(text) == f"'{text}"


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert (plain(-3.0), plain("Ana - Diaz"), plain(None)) == ("-3", "Ana - Diaz", "")
