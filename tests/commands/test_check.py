"""`check` beside the config itself: the store, the port, many people and leads, and what it says above its findings."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.commands.terminal import LONG, table
from inboxwatch.metrics.own_process import OwnProcess
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.ports import free_port

CONFIG = """
people:
  ana: {name: Ana Diaz, email: ana@acme.test}
PEOPLE
organization: {domains: [acme.test]}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana}
leads: {known: {source: csv, path: leads.csv}}
routing: {rules: [{assign: lead.owner}], fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered, dismissed]
store: {url: "sqlite:///STORE"}
web: {listen: "127.0.0.1:PORT"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ana/new").mkdir(parents=True)
    (tmp_path / "ana/cur").mkdir()
    (tmp_path / "leads.csv").write_text("email,owner\nbo@buyer.test,ana\n")
    return tmp_path


def check(folder: Path, *options: str, people: int = 0, store: str = "store.db", port: int = 0) -> dict[str, Any]:
    """What `check --json` finds, by subject: (verdict, text)."""
    more = "\n".join(f"  p{one}: {{name: P {one}, email: p{one}@acme.test}}" for one in range(people))
    text = CONFIG.replace("PEOPLE", more).replace("STORE", store).replace("PORT", str(port or free_port()))
    (folder / "inboxwatch.yaml").write_text(text)
    done = CliRunner().invoke(app, ["check", "-c", str(folder / "inboxwatch.yaml"), "--json", *options])
    found: dict[str, Any] = {}
    for one in json.loads(done.stdout)["findings"]:
        found.setdefault(one["subject"], []).append((one["verdict"], one["text"]))
    return found


@pytest.mark.parametrize(
    ("channel", "verdict"),
    [
        ("slack, bot_token_env: NOWHERE", "ok"),
        ('slack, bot_token: "xoxb-1-two"', "ok"),
        ('apprise, url: "json://localhost"', "failed"),
    ],
)
def test_a_channel_whose_secret_is_elsewhere_is_taken_for_a_way_offline(
    folder: Path, channel: str, verdict: str
) -> None:
    text = CONFIG.replace("PEOPLE", "").replace("STORE", "store.db").replace("PORT", "0")
    (path := folder / "inboxwatch.yaml").write_text(f"{text}channels: {{desk: {{type: {channel}}}}}\n")
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json", "--offline"])
    assert verdict in {one["verdict"] for one in json.loads(done.stdout)["findings"] if one["subject"] == "ownership"}


@pytest.mark.parametrize(
    ("channels", "verdicts"),
    [
        ("{desk: {type: slack, bot_token_env: NOWHERE}}", {"ok", "failed"}),
        (
            "{post: {type: email, host: mx.acme.test, sender: iw@acme.test, username: iw, password_env: NOWHERE}}",
            {"ok"},
        ),
    ],
)
def test_a_report_by_mail_is_said_offline_too_and_a_mail_channel_with_its_secret_elsewhere_may_reach_all(
    folder: Path, channels: str, verdicts: set[str]
) -> None:
    text = CONFIG.replace("PEOPLE", "").replace("STORE", "store.db").replace("PORT", "0")
    (path := folder / "inboxwatch.yaml").write_text(
        f"{text}channels: {channels}\nreports: {{mail: {{weekly: {{to: [ana]}}}}}}\n"
    )
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json", "--offline"])
    found = {one["verdict"] for one in json.loads(done.stdout)["findings"] if one["subject"] == "report weekly"}
    assert found == verdicts


@pytest.mark.parametrize(
    ("country", "told"),
    [
        ("BE", "BE: closed on public holidays; open on bank, school: see `categories`"),
        ("BE, categories: [public, bank]", "BE: closed on public, bank holidays; open on school: see `categories`"),
        ("DE, subdivision: BY", "DE-BY: closed on public holidays; open on catholic, school: see `categories`"),
    ],
)
def test_the_holidays_on_which_a_calendar_closes_are_shown(folder: Path, country: str, told: str) -> None:
    text = CONFIG.replace("PEOPLE", "").replace("STORE", "store.db").replace("PORT", "0")
    calendar = f'office: {{timezone: UTC, hours: {{mon-fri: ["08:00-18:00"]}}, holidays: {{country: {country}}}}}'
    (path := folder / "inboxwatch.yaml").write_text(f"{text}calendars: {{{calendar}}}\n")
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json", "--offline"])
    found = {one["subject"]: (one["verdict"], one["text"]) for one in json.loads(done.stdout)["findings"]}
    assert found["calendar office"] == ("ok", told)


def test_a_store_that_is_not_there_yet_is_well_and_is_not_made(folder: Path) -> None:
    ((verdict, text),) = check(folder, "--offline")["store"]
    assert (verdict, text.endswith("does not exist yet: the first start creates it")) == ("ok", True)
    assert not (folder / "store.db").exists()


def test_the_folder_of_the_store_is_looked_at(folder: Path) -> None:
    ((verdict, text),) = check(folder, "--offline", store="nowhere/store.db")["store"]
    assert (verdict, "does not exist: create it" in text) == ("failed", True)


def test_a_store_that_is_there_is_opened_as_it_is(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    done = CliRunner().invoke(app, ["check", "-c", str(daemon.path), "--json", "--offline"])
    found = {one["subject"]: one["verdict"] for one in json.loads(done.stdout)["findings"]}
    assert (found["store"], "open waits" in found) == ("ok", False)
    daemon.close()


def test_a_port_that_another_program_holds_fails_and_a_free_one_is_well(folder: Path) -> None:
    assert check(folder)["web"][0][0] == "ok"
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)
        ((verdict, text),) = check(folder, port=other.getsockname()[1])["web"]
    assert (verdict, text.startswith("another program listens on")) == ("failed", True)


def test_nothing_is_called_fine_above_a_finding_that_failed(folder: Path) -> None:
    check(folder, store="nowhere/store.db")
    told = CliRunner().invoke(app, ["check", "-c", str(folder / "inboxwatch.yaml"), "--offline"])
    assert (told.exit_code, "The config is fine" in told.stdout) == (1, False)
    assert "FAILED" in told.stdout.splitlines()[0]
    check(folder)
    assert "The config is fine." in CliRunner().invoke(app, ["check", "-c", str(folder / "inboxwatch.yaml")]).stdout


def test_fifty_people_without_a_mailbox_are_one_line(folder: Path) -> None:
    (line,) = [text for _, text in check(folder, "--offline", people=50)["ownership"] if "watched" in text]
    assert line.startswith("50 people can own a wait, but no mailbox of theirs is watched: ")
    assert line.endswith("(p0, p1, p10, p11, p12, and 45 others)")
    few = [text for _, text in check(folder, "--offline", people=3)["ownership"] if "watched" in text]
    assert len(few) == 3, "a few are told one by one"


def test_leads_with_our_own_address_are_refused_and_unknown_owners_are_one_line(folder: Path) -> None:
    rows = [f"b{number}@buyer.test,gone{number % 9}" for number in range(400)]
    (folder / "leads.csv").write_text("\n".join(["email,owner", "ana@acme.test,ana", "bo@buyer.test,ana", *rows]))
    found = check(folder)["leads known"]
    assert found[0] == ("ok", "401 leads")
    assert "ana@acme.test is one of our own addresses, and no buyer's" in found[1][1]
    assert found[2][1].startswith("400 leads have owners who are no people of the config: gone0, gone1, gone2")
    assert len(found) == 3


def test_a_log_level_that_is_none_is_a_sentence(folder: Path) -> None:
    check(folder)
    told = CliRunner().invoke(app, ["run", "-c", str(folder / "inboxwatch.yaml"), "--log-level", "verbose"])
    assert (told.exit_code, told.stderr) == (
        2,
        "inboxwatch: --log-level: 'verbose' is no log level; known are debug, info, warning, error\n",
    )


def test_a_table_of_many_rows_is_written_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    """The time of a row does not depend on how many there are; what a buyer wrote cannot steer the terminal."""
    rows = [{"email": f"b{number}@buyer.test", "name": "\x1b[2J" if number else None} for number in range(LONG + 1)]
    table(rows, ("email", "name"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["email", "name"]
    assert (lines[1], "\x1b" in lines[2]) == ("b0@buyer.test", False)
    assert lines[-1] == f"{LONG + 1} in all"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_process_is_measured_where_a_sandbox_hides_the_machines_figures(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(f"/proc/{os.getpid()}")
    names = {family.name for family in OwnProcess(proc=str(tmp_path), registry=None).collect()}
    assert {"process_resident_memory_bytes", "process_cpu_seconds", "process_start_time_seconds"} <= names


def test_what_is_read_and_how_long_it_is_kept_is_said(folder: Path) -> None:
    found = check(folder, "--offline")
    assert "no text that a person wrote is read" in found["privacy"][0][1]
    assert found["history"][0][1].endswith("kept until a person is forgotten")
    text = (folder / "inboxwatch.yaml").read_text()
    (folder / "inboxwatch.yaml").write_text(f"{text}history: {{keep: 400d}}\nprivacy: text\n")
    done = CliRunner().invoke(app, ["check", "-c", str(folder / "inboxwatch.yaml"), "--json", "--offline"])
    found = {one["subject"]: one["text"] for one in json.loads(done.stdout)["findings"]}
    assert "older than 400 days is erased" in found["history"]
    assert "never stored" in found["privacy"]


def test_json_tells_each_finding_by_kind_and_name_with_the_seconds_it_took(folder: Path) -> None:
    (folder / "leads.csv").write_text("email,owner\n" + "".join(f"nobody{number},ana\n" for number in range(40)))
    check(folder)
    done = CliRunner().invoke(app, ["check", "-c", str(folder / "inboxwatch.yaml"), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["problems"]) == (0, True, [])
    assert {tuple(one) for one in told["findings"]} == {
        ("kind", "name", "subject", "verdict", "text", "hint", "seconds")
    }
    asked = {(one["kind"], one["name"]) for one in told["findings"] if one["seconds"] is not None}
    assert asked == {("mailbox", "ana"), ("channel", "console"), ("leads", "known"), ("store", ""), ("web", "")}
    refused = [one for one in told["findings"] if one["kind"] == "leads" and one["verdict"] == "warning"]
    assert len(refused) == 40, "each row, where the table shows the first few"


@pytest.mark.parametrize(
    ("change", "code"), [(("path: ana", "path: nowhere"), 1), (("fallback: ana", "fallback: x"), 2)]
)
def test_json_tells_by_its_exit_code_what_is_wrong(folder: Path, change: tuple[str, str], code: int) -> None:
    check(folder)
    path = folder / "inboxwatch.yaml"
    path.write_text(path.read_text().replace(*change))
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json"])
    told = json.loads(done.stdout)
    failed = [one["kind"] for one in told["findings"] if one["verdict"] == "failed"]
    assert (done.exit_code, told["ok"]) == (code, False)
    assert (failed, bool(told["problems"])) == ((["mailbox"], False) if code == 1 else ([], True))


def test_what_a_server_quotes_of_a_secret_is_in_no_finding(folder: Path) -> None:
    """A webhook's address is a secret: its refusal names the path."""
    check(folder)
    path, secret = folder / "inboxwatch.yaml", "s3cretPathOfTheHook77"
    path.write_text(path.read_text() + f'channels: {{desk: {{type: webhook, url: "http://127.0.0.1:1/{secret}"}}}}\n')
    for options in ([], ["--json"]):
        done = CliRunner().invoke(app, ["check", "-c", str(path), *options])
        assert (done.exit_code, secret in done.stdout) == (1, False)
