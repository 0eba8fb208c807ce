"""The report: a month of mail against a recount minute by minute; what counts, and for whom, in small daemons."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from inboxwatch.commands.report import run_report
from inboxwatch.commands.report.cases import Outcome, ReportedWait, Story, read
from inboxwatch.commands.report.figures import (
    AWAY,
    Group,
    by_person,
    by_team,
    causes,
    comparison,
    heat,
    parts,
    slices,
    slowest,
)
from inboxwatch.commands.report.page import in_words, render
from inboxwatch.commands.report.period import Period
from inboxwatch.commands.report.summary import summary
from inboxwatch.core.model import Lead, LeadId, MessageId, PersonId
from inboxwatch.store import Store
from inboxwatch.store.records import AbsenceRecord
from tests.support import mail_history
from tests.support.in_process_daemon import MONDAY, InProcessDaemon
from tests.support.installation import command

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
BO, CY = "bo@buyer.test", "cy@other.test"
HOSTILE = ['<script>document.title="owned"</script>', '"><img src=x onerror="document.title=1">', "{{ 7 * 7 }}", "=1+2"]
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
BROWSER += ["--disable-sync", "--no-first-run"]


# A month of mail, from Maildirs by `backfill` to the page by `report`.


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
    assert all(re.fullmatch(r"http://127\.0\.0\.1:0/waits/[\w%-]+", one) for one in parts.addresses), "other links"
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


# Small daemons: what counts, and for whom.


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.knows(
        Lead(LeadId(BO), "Bo Lind", owner=PersonId("ana"), tier="hot", source="known"),
        Lead(LeadId(CY), "Cy Obi", owner=PersonId("ben"), tier="warm", source="known"),
    )
    yield daemon
    daemon.close()


def told(
    daemon: InProcessDaemon,
    end: datetime | None = None,
    start: datetime = MONDAY - HOUR,
    compare: datetime | None = None,
) -> Story:
    period = Period(start, end or daemon.at, mail_history.ZONE, compare)
    with daemon.store.reading() as tx:
        return read(tx, daemon.config, period)


def only(cases: tuple[ReportedWait, ...]) -> ReportedWait:
    (case,) = cases
    return case


def test_an_open_wait_is_missed_once_it_is_overdue_and_undecided_before(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(HOUR)
    assert only(told(daemon).cases).outcome is Outcome.OPEN
    assert Group("all", told(daemon).cases).attainment is None
    daemon.passes(2 * HOUR)
    case = only(told(daemon).cases)
    assert (case.outcome, case.cause, case.wall.seconds, case.wall.ended) == (
        Outcome.OVERDUE,
        "open, overdue",
        10800,
        False,
    )
    assert Group("all", told(daemon).cases).attainment == 0


def test_a_late_answer_stays_missed_and_an_answer_by_a_colleague_counts_for_the_owner(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.passes(2 * HOUR + MINUTE)
    daemon.mail("ben@acme.test", BO, mailbox="sales", parent=question)
    case = only(told(daemon).cases)
    assert (case.outcome, case.owner, case.answered_by) == (Outcome.LATE, "ana", "ben")
    assert case.by_colleague
    (group,) = by_person(told(daemon))
    assert (group.name, group.missed, group.by_colleague) == ("ana", 1, 1)


def test_a_missed_wait_counts_for_whom_it_belonged_to_when_it_fell_due(daemon: InProcessDaemon) -> None:
    """The ladder gives it to the fallback half an hour later."""
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(2 * HOUR)
    daemon.passes(HOUR)
    with daemon.store.reading() as tx:
        (row,) = tx.clocks.running()
    assert row.owner == "max"
    case = only(told(daemon).cases)
    assert case.owner == "ana"
    assert "moved on once" in case.reasons


def test_what_happened_while_its_owner_was_away_is_nobodys_figure(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    with daemon.store.transaction() as tx:
        tx.absences.record(
            AbsenceRecord(PersonId("ana"), daemon.at + HOUR, daemon.at + 2 * DAY, MessageId("vacation@acme.test"))
        )
    daemon.mail(CY, "ben@acme.test", mailbox="sales")
    daemon.passes(3 * HOUR)
    groups = {group.name: group.missed for group in by_person(told(daemon))}
    assert groups == {"ben": 1, AWAY: 1}
    (team,) = by_team(told(daemon))
    assert (team.name, team.missed) == ("emea", 2)


def test_leave_counts_as_absence_from_its_first_to_its_last_day(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    ana = daemon.config.people[PersonId("ana")]
    today = MONDAY.date()
    for leave, away in (
        ((today, today), True),
        ((today - DAY, today - DAY), False),
        ((today + DAY, today + DAY), False),
    ):
        config = replace(daemon.config, people={**daemon.config.people, ana.id: replace(ana, leave=(leave,))})
        period = Period(MONDAY - HOUR, daemon.at, mail_history.ZONE)
        with daemon.store.reading() as tx:
            assert only(read(tx, config, period).cases).away is away, leave


def test_a_wait_in_an_unread_mailbox_is_neither_answered_nor_missed(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.at += 3 * HOUR
    daemon.engine.tick(daemon.at, looked=daemon.at)
    case = only(told(daemon).cases)
    assert case.outcome is Outcome.UNVERIFIED
    assert case.wall.seconds == 0, "nothing is known of it since the mailbox was read"
    assert Group("all", told(daemon).cases).attainment is None


def test_a_report_of_a_past_period_tells_it_as_it_was_at_its_end(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.passes(5 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=question)
    assert only(told(daemon).cases).outcome is Outcome.LATE
    then = only(told(daemon, MONDAY + HOUR).cases)
    assert (then.outcome, then.wall.seconds) == (Outcome.OPEN, 3600)


def test_waits_without_an_answer_are_told_by_cause(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.engine.dismiss(daemon.only_wait(BO), "ana", daemon.at + MINUTE, reason="spam")
    daemon.mail(CY, "ben@acme.test", mailbox="sales", after=HOUR)
    daemon.engine.log_activity(CY, "ben", daemon.at + MINUTE, "called him", daemon.at + MINUTE)
    daemon.mail(BO, "ana@acme.test", subject="Another matter", after=HOUR)
    daemon.passes(MINUTE)
    found = {cause.name: cause.count for cause in causes(told(daemon).cases)}
    assert found == {"dismissed": 1, "activity": 1, "open, not yet due": 1}
    assert Group("all", told(daemon).cases).decided == 0


def test_a_wait_from_before_the_period_that_is_still_open_stays_in_sight(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * DAY)
    story = told(daemon, start=daemon.at - DAY)
    assert not story.cases
    assert only(story.left_over).outcome is Outcome.OVERDUE


def test_slow_waits_say_what_made_them_slow(tmp_path: Path) -> None:
    """Friday 17:00 to Monday 9:30: two and a half hours of work in two and a half days."""
    daemon = InProcessDaemon(tmp_path)
    daemon.lead(BO, owner="ana", tier="hot")
    daemon.at = MONDAY + 4 * DAY + 8 * HOUR
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail(BO, "ana@acme.test", parent=question, after=HOUR)
    daemon.passes(DAY)
    with daemon.store.transaction() as tx:
        tx.health.failing("ana", daemon.at, "auth", "no")
    daemon.at += DAY
    with daemon.store.transaction() as tx:
        tx.health.recovered("ana", daemon.at)
    daemon.passes(15 * HOUR + 30 * MINUTE)
    (case,) = slowest(told(daemon).cases)
    assert case.business.seconds == 2.5 * 3600
    assert case.reasons[0] == "96% of it outside business hours"
    assert case.reasons[1].startswith("its mailbox was unread for 3")
    assert "the buyer wrote again once" in case.reasons
    daemon.close()


def test_follow_ups_stand_apart(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path, follow_up="2d")
    daemon.lead(BO, owner="ana", tier="hot")
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail("ana@acme.test", BO, parent=question, after=HOUR)
    story = told(daemon, daemon.at + MINUTE)
    assert [case.metric for case in story.cases] == ["first_response"]
    assert only(story.follow_ups).outcome is Outcome.OPEN
    daemon.close()


def test_before_and_after_divide_at_the_date(daemon: InProcessDaemon) -> None:
    slow = daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=slow)
    divide = daemon.at + MINUTE
    quick = daemon.mail(BO, "ana@acme.test", subject="Another matter", after=HOUR)
    daemon.mail("ana@acme.test", BO, parent=quick, after=MINUTE)
    compared = comparison(told(daemon, compare=divide, end=daemon.at + MINUTE))
    assert compared is not None
    assert (compared.before.attainment, compared.after.attainment) == (0, 1)
    low, high = compared.difference
    assert low < 0 < high <= 1, "one wait each proves nothing"


def test_the_share_of_verified_time_is_told(daemon: InProcessDaemon) -> None:
    with daemon.store.transaction() as tx:
        tx.mailboxes.ensure(["ana", "sales"])
        tx.health.failing("ana", MONDAY, "auth", "no")
    daemon.at = MONDAY + HOUR
    with daemon.store.transaction() as tx:
        tx.health.recovered("ana", daemon.at)
    story = told(daemon, MONDAY + 3 * HOUR)
    assert story.verified == {"ana": pytest.approx(0.75), "sales": 1}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"since": "yesterday"}, "--since"),
        ({"since": "30bh"}, "--since"),
        ({"since": "2999-01-01"}, "--since"),
        ({"since": "30d", "until": "tomorrow"}, "--until"),
        ({"since": "30d", "compare": "2001-01-01"}, "--compare"),
    ],
)
def test_an_option_that_makes_no_period_is_refused_by_name(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: dict[str, str], problem: str
) -> None:
    since = words.pop("since")
    assert run_report(daemon.config, since, tmp_path / "report.html", **words) == 2  # type: ignore[arg-type]  # strings
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_a_store_without_waits_gives_a_page_that_says_what_to_do(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_report(daemon.config, "30d", tmp_path / "report.html") == 0
    assert "backfill" in capsys.readouterr().err
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"No wait began in this period", text)


def test_a_file_that_cannot_be_written_is_named(
    daemon: InProcessDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_report(daemon.config, "30d", tmp_path / "nowhere" / "report.html") == 1
    assert "nowhere" in capsys.readouterr().err


def test_first_and_next_replies_slow_and_unanswered_ones_are_told_apart(daemon: InProcessDaemon) -> None:
    first = daemon.mail(BO, "ana@acme.test")
    answer = daemon.mail("ana@acme.test", BO, parent=first, after=10 * MINUTE)
    second = daemon.mail(BO, "ana@acme.test", parent=answer, after=MINUTE)
    daemon.passes(5 * HOUR)
    daemon.mail("ana@acme.test", BO, parent=second)
    daemon.mail(CY, "ben@acme.test", mailbox="sales")
    daemon.passes(DAY)
    found = parts(told(daemon))
    now = {metric: (part.now.in_time, part.now.late, part.now.never) for metric, part in found.items()}
    assert now == {"first_response": (1, 0, 1), "next_response": (0, 1, 0)}
    words = in_words(told(daemon))
    assert "50% on time (1 of 2)" in words
    assert "0% on time (0 of 1)" in words


def test_a_report_tells_the_change_against_the_period_before_as_it_stood_then(daemon: InProcessDaemon) -> None:
    slow = daemon.mail(BO, "ana@acme.test")
    daemon.passes(3 * HOUR)
    divide = daemon.at
    daemon.mail("ana@acme.test", BO, parent=slow, after=MINUTE)
    quick = daemon.mail(BO, "ana@acme.test", subject="Another matter", after=MINUTE)
    daemon.mail("ana@acme.test", BO, parent=quick, after=MINUTE)
    story = told(daemon, start=divide, end=divide + 4 * HOUR)
    part = parts(story)["first_response"]
    assert (part.now.attainment, part.before.attainment, part.change) == (1, 0, 1)
    assert (part.before.late, part.before.never) == (0, 1), "it was answered after that period's end"
    assert parts(told(daemon))["first_response"].change is None, "nothing is known of an earlier period"


def test_hand_overs_escalations_and_the_time_to_i_have_it_are_counted(daemon: InProcessDaemon) -> None:
    daemon.mail(BO, "ana@acme.test")
    daemon.engine.acknowledge(daemon.only_wait(BO), "ana", daemon.at + 5 * MINUTE)
    daemon.passes(2 * HOUR)
    daemon.passes(2 * HOUR)
    case = only(told(daemon).cases)
    assert case.acknowledged_after == 300
    assert (case.handovers, case.escalations) == (1, 2)
    figures = json.loads(summary(told(daemon)))["metrics"]["first_response"]
    assert (figures["handovers"], figures["escalations"], figures["acknowledged_seconds"]) == (1, 2, 300)
    assert only(told(daemon, MONDAY + MINUTE).cases).acknowledged_after is None, "nobody had said so by then"


def test_the_goal_of_the_config_is_a_line_on_the_page(daemon: InProcessDaemon) -> None:
    question = daemon.mail(BO, "ana@acme.test")
    daemon.mail("ana@acme.test", BO, parent=question, after=MINUTE)
    without = render(told(daemon), daemon.at)
    assert 'class="goal"' not in without
    story = replace(told(daemon), goal=0.95)
    assert 'class="goal" x="95.0"' in render(story, daemon.at)
    assert "goal 95%" in in_words(story)
    assert json.loads(summary(story))["goal"] == 0.95
