"""`check` and `leads list` on sources that others wrote: what they answer now, and what the daemon has read of them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.daemon.lead_sync import LeadSync
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Store
from inboxwatch.testing import Record
from tests.connectors.leads.card_index import CardFeed, CardRecords
from tests.support.inline_writer import InlineWriter

CONFIG = """
people:
  ana: {name: Ana Diaz, email: ana@acme.test, aliases: [a.diaz@acme.test]}
organization: {domains: [acme.test]}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana}
leads:
  crm: {source: cards, index: INDEX}
  known: {source: csv, path: leads.csv}
routing: {rules: [{assign: lead.owner}], fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered, dismissed]
store: {url: "sqlite:///store.db"}
"""


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CardRecords:
    """A card index that the config of a folder names, by a plug-in that is installed."""
    installed = tmp_path / "cards-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cards\nVersion: 1.0\n")
    point = f"cards = {CardFeed.__module__}:{CardFeed.__name__}"
    (installed / "entry_points.txt").write_text(f"[inboxwatch.leads]\n{point}\n")
    monkeypatch.syspath_prepend(tmp_path)
    records = CardRecords()
    (tmp_path / "ana/new").mkdir(parents=True)
    (tmp_path / "leads.csv").write_text("email,name,tier\nbo@buyer.test,Bob,hot\n")
    (tmp_path / "inboxwatch.yaml").write_text(CONFIG.replace("INDEX", records.name))
    return records


def synced(folder: Path) -> None:
    """What the daemon does of it."""
    config = configuration.load(folder / "inboxwatch.yaml")
    store = Store(config.store_url.reveal())
    sources = {name: one.connect() for name, one in config.leads.items()}
    rules = Rules.connect(config)
    asyncio.run(LeadSync(sources, LoopContext(rules, InlineWriter(store), lambda: datetime.now(UTC))).first())
    store.close()


def said(folder: Path, *command: str) -> Any:
    told = CliRunner().invoke(app, [*command, "-c", str(folder / "inboxwatch.yaml"), "--json"])
    return [json.loads(line) for line in told.stdout.splitlines()]


def findings(folder: Path) -> list[tuple[str, str]]:
    found = said(folder, "check")[-1]["findings"]
    return [(one["verdict"], one["text"]) for one in found if one["subject"] == "leads crm"]


def test_check_asks_a_feed_now_and_tells_what_the_daemon_has_read_of_it(tmp_path: Path, cards: CardRecords) -> None:
    cards.add(Record("bo@buyer.test", owner="a.diaz@acme.test"))
    cards.add(Record("cy@buyer.test", owner="Queue EMEA"))
    cards.add(Record("ana@acme.test"))
    assert findings(tmp_path) == [("ok", "answers; cards 3")]
    synced(tmp_path)
    answers, read, refused, unowned = findings(tmp_path)
    assert answers == ("ok", "answers; cards 3")
    assert read[1].startswith("2 leads, read to the end at ")
    assert (refused[0], refused[1].endswith("is one of our own addresses, and no buyer's")) == ("warning", True)
    assert unowned == ("warning", "1 leads have owners who are no people of the config: Queue EMEA")
    cards.break_connection()
    assert findings(tmp_path) == [("failed", "unavailable: the index is locked away")]


def test_leads_of_a_feed_are_listed_as_the_daemon_read_them_with_what_lists_add(
    tmp_path: Path, cards: CardRecords
) -> None:
    cards.add(Record("bo@buyer.test", "Bo Lind", owner="ana@acme.test"))
    synced(tmp_path)
    (tmp_path / "leads.csv").write_text("email,name,tier\nbo@buyer.test,Bob,cold\ndi@buyer.test,Di,\n")
    columns = ("email", "name", "owner", "tier", "source")
    leads = [tuple(one[name] for name in columns) for one in said(tmp_path, "leads", "list")]
    assert leads == [
        ("bo@buyer.test", "Bo Lind", "ana", "cold", "crm"),
        ("di@buyer.test", "Di", None, "", "known"),
    ]
    told = CliRunner().invoke(app, ["leads", "list", "-c", str(tmp_path / "inboxwatch.yaml")]).stdout
    assert "last_success" in told


def test_a_list_that_names_a_forgotten_person_yet_shows_no_lead_of_them(tmp_path: Path, cards: CardRecords) -> None:
    cards.add(Record("di@buyer.test", "Di"))
    synced(tmp_path)
    program, config = CliRunner(), str(tmp_path / "inboxwatch.yaml")
    assert program.invoke(app, ["forget", "bo@buyer.test", "-c", config, "--by", "ana"]).exit_code == 0
    assert "bo@buyer.test" in (tmp_path / "leads.csv").read_text()
    assert [one["email"] for one in said(tmp_path, "leads", "list")] == ["di@buyer.test"]
