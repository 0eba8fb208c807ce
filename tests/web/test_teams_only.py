"""With `figures: teams` neither metrics nor pages nor reports name anybody of ours, and what they count is the same."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.core.model import PersonId
from inboxwatch.core.statistics.teams import FORMER, NO_TEAM
from inboxwatch.engine.departures import settle_departures
from inboxwatch.engine.qualify import GivenVerdict, judge
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.triage_daemon import BO, TriageDaemon

NAMES = ("Ana Diaz", "Ben Ito", "Max Ode", "ana@acme.test", "ben@acme.test", "max@acme.test")
IDS = ("ana", "ben", "max")


@pytest.fixture
def daemon(tmp_path: Path) -> Any:
    """Waits in a personal and in a shared mailbox: one answered by a colleague, one breached, one taken."""
    daemon = InProcessDaemon(tmp_path)
    for name, owner in (("bo@buyer.test", "ana"), ("di@third.test", "ben"), ("ed@fourth.test", "ana")):
        daemon.lead(name, owner=owner, name=f"The buyer {name[:2]}")
    question = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("di@third.test", "sales@acme.test", mailbox="sales")
    daemon.mail("ben@acme.test", "bo@buyer.test", mailbox="ana", parent=question, after=timedelta(minutes=5))
    daemon.mail("ed@fourth.test", "ana@acme.test")
    daemon.engine.acknowledge(daemon.only_wait("ed@fourth.test"), "ana", daemon.at, "Ana Diaz calls him")
    daemon.passes(timedelta(hours=3))
    daemon.metrics.mailbox_error("ana", "auth")
    daemon.metrics.paced("ana", 60)
    yield daemon
    daemon.close()


def shows_teams(daemon: InProcessDaemon, *, without: str = "") -> None:
    """`without`: a person who has left, with the mailbox of that name."""
    text = daemon.path.read_text().replace("leads: {}", "leads: {}\nfigures: teams")
    if without:
        text = re.sub(rf"^  {without}: .*\n", "", text, flags=re.MULTILINE).replace(f"[{without}, ", "[")
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)


def exposition(daemon: InProcessDaemon) -> str:
    with daemon.store.reading() as tx:
        stored = daemon.metrics.exposition(tx.statistics.figures(daemon.at), daemon.at)
    return (stored + daemon.metrics.process()).decode()


def sums(text: str) -> dict[str, float]:
    """Each series' sum over all its labels but buckets'; of what people and mailboxes are, nothing is counted."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not re.search("owner_info|mailbox_(errors|up|poll)|process_|oldest|python_", sample.name):
                key = f"{sample.name} {sample.labels.get('le', '')}"
                found[key] = round(found.get(key, 0) + sample.value, 6)
    return found


@pytest.mark.parametrize("left", ["", "ana"])
def test_metrics_show_teams_and_count_the_same(daemon: InProcessDaemon, left: str) -> None:
    """Also of who has left the company: nobody can say any more whose the mailbox was."""
    by_name = exposition(daemon)
    assert 'owner="ana"' in by_name
    shows_teams(daemon, without=left)
    by_team = exposition(daemon)
    values = {
        value
        for family in text_string_to_metric_families(by_team)
        for one in family.samples
        for value in one.labels.values()
    }
    assert values.isdisjoint({*NAMES, *IDS})
    assert ({FORMER, NO_TEAM} if left else {"members of emea", "member 1 of emea"}) | {"emea", "sales"} <= values
    assert [name for name in NAMES if name in by_team] == []
    before, after = sums(by_name), sums(by_team)
    for name in ("clocks_open", "messages_total", "sla_breaches_total", "replies_total", "ownership_seconds_sum"):
        assert before[f"inboxwatch_{name} "] == after[f"inboxwatch_{name} "] > 0, name


@pytest.fixture(params=["", "ana"], ids=["all are here", "ana has left"])
async def client(daemon: InProcessDaemon, request: pytest.FixtureRequest) -> AsyncIterator[TestClient[Any, Any]]:
    shows_teams(daemon, without=request.param)
    if request.param:
        daemon.engine.write(settle_departures, daemon.rules, daemon.at)
        daemon.passes(timedelta(minutes=1))
    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client


def visible(page: str) -> str:
    """What a reader of a page sees, but for the choices of its forms: whom one gives a wait to must have a name."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(select|script|style).*?</\1>", "", page, flags=re.DOTALL))


async def test_no_page_names_anybody(client: TestClient[Any, Any], daemon: InProcessDaemon) -> None:
    with daemon.store.reading() as tx:
        waits = [row.id for row in tx.clocks.listed({}, None, 100)]
    pages = [
        "/",
        "/waits",
        "/waits?state=closed",
        "/waits?state=overdue",
        "/follow-ups",
        "/mailboxes",
        "/review",
        "/report?period=this-week",
        "/leads/bo@buyer.test",
    ]
    # Of who has left the program knows the id: a name that somebody wrote into a reason is any word.
    names = [name for name in NAMES if daemon.config.people.get(PersonId("ana")) or name != "Ana Diaz"]
    for path in [*pages, "/leads/di@third.test", *(f"/waits/{one}" for one in waits)]:
        answer = await client.get(path)
        page = visible(await answer.text())
        assert answer.status == 200, path
        assert [name for name in names if name.casefold() in page.casefold()] == [], path
        ids = "|".join(IDS)
        assert re.findall(rf".*\b(?:{ids})\b.*", page) == [], path
    assert "team emea" in visible(await (await client.get("/waits")).text())


@pytest.mark.parametrize("left", ["", "ana"])
def test_a_report_names_nobody(daemon: InProcessDaemon, tmp_path: Path, left: str) -> None:
    shows_teams(daemon, without=left)
    page, waits = tmp_path / "r.html", tmp_path / "w.csv"
    words = ["report", "-c", str(daemon.path), "--since", "2026-05-01", "--until", "2026-05-05", "--csv", str(waits)]
    done = CliRunner().invoke(app, [*words, "-o", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert "The buyer ed" in text
    assert "emea" in text
    assert [name for name in NAMES if name in text or name in waits.read_text()] == []
    with waits.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["owner"] for row in rows} <= {"emea", NO_TEAM}
    assert {value for row in rows for value in row.values()}.isdisjoint(IDS)
    assert re.findall(rf"\b(?:{'|'.join(IDS)})\b", visible(text)) == []


def test_check_says_so_and_warns_of_a_team_that_hides_nobody(daemon: InProcessDaemon) -> None:
    shows_teams(daemon)
    said = CliRunner().invoke(app, ["check", "-c", str(daemon.path), "--offline", "--json"]).stdout
    assert "show teams only" in said
    assert "team emea has 2 members" in said


async def test_who_said_what_an_inquiry_is_is_a_team_and_the_rules_are_nobody(tmp_path: Path) -> None:
    daemon = TriageDaemon(tmp_path)
    daemon.letter("q@buyer")
    given = GivenVerdict("q@buyer", "tia", "support", reason="says Tia Dorn")
    daemon.engine.write(judge, daemon.rules, daemon.at, given)
    shows_teams(daemon)
    async with TestClient(TestServer(make_app(daemon))) as client:
        answer = await client.get(f"/waits/{daemon.only_wait(BO)}")
        page = re.sub(r"<select.*?</select>", "", await answer.text(), flags=re.DOTALL)
    daemon.close()
    assert [name for name in ("Tia", "tia@", ">tia<", "Cas Roy") if name in page] == []
    assert "says team triage" in page
    assert "<b>the rules</b> said what it is: unknown" in page
