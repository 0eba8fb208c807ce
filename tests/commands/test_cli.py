"""The commands as people and scripts use them: what they print, what they return, and that help costs nothing."""

from __future__ import annotations

import json
import mailbox
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import LADDER, Installation
from tests.support.message_bytes import message_bytes
from tests.support.ports import free_port
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail

BAD = """\
organization: {domains: [acme.test]}
people:
  ana: {name: Ana, email: not-an-address}
  max: {name: Max, email: max@acme.test, manager: nobody}
teams: {emea: {members: [zoe]}}
mailboxes:
  ana: {connector: pigeon, address: ana@acme.test, owner: ana}
  sales: {connector: maildir, address: sales@acme.test, path: mail, poll_every: often}
colour: blue
routing: {rules: [{assign: lead.owner}], fallback: group@acme.test}
sla_policies: [{name: default, first_response: 1, next_response: 2h, escalation: missing}]
escalation_policies: {standard: {steps: [{at: later, notify: [owner]}]}}
stop_conditions: [answered, bored]
channels: {desk: {type: webhook, url: "http://127.0.0.1:1/"}}
notify_by: [desk]
"""


@dataclass
class Done:
    """What a command printed and returned."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: str) -> Done:
    """Runs `inboxwatch WORDS` inside this process: that saves the second which each start of Python costs."""
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def of(installation: Installation, *words: str) -> Done:
    """Runs `inboxwatch WORDS -c FILE`."""
    return command(*words, "-c", str(installation.path))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A config that is fine, with two Maildirs and a hook that answers."""
    with WebhookSink() as sink:
        yield Installation(
            tmp_path, MaildirTeamMail(tmp_path / "mail", [ANA, MAX]).mailboxes(), hook=sink.url, target="1h"
        )


def test_help_answers_without_importing_any_sdk() -> None:
    """For every command; what is imported is read from the process that printed the help."""
    heavy = {"aiohttp", "sqlalchemy", "imapclient", "slack_sdk", "alembic", "holidays", "mailparser", "jinja2"}
    for words in (
        [],
        ["run"],
        ["check"],
        ["replay"],
        ["backfill"],
        ["clocks"],
        ["clocks", "snooze"],
        ["config"],
        ["store"],
    ):
        script = (
            "import sys\nfrom inboxwatch.cli import app\n"
            f"try:\n    app({[*words, '--help']!r})\nexcept SystemExit as end:\n    assert not end.code\n"
            "print('MODULES', *sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert "Usage" in done.stdout
        assert not heavy & set(done.stdout.rpartition("MODULES")[2].split()), words


def test_a_config_with_many_mistakes_is_refused_with_a_message_and_a_path_for_each(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    for words in (
        ["check"],
        ["check", "--offline"],
        ["run"],
        ["backfill"],
        ["clocks", "list"],
        ["replay", str(tmp_path)],
    ):
        done = command(*words, "-c", str(path))
        assert done.returncode == 2, words
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("inboxwatch:")]
        assert len(lines) >= 10, done.stderr
        assert all(":" in line for line in lines)
    report = json.loads(command("check", "--json", "-c", str(path)).stdout)
    assert (report["ok"], len(report["problems"])) == (False, len(lines))
    for place in ("people.ana.email", "people.max.manager", "teams.emea", "mailboxes.ana", "mailboxes.sales", "colour"):
        assert any(problem.startswith(place) for problem in report["problems"]), place
    assert command("check", "-c", str(tmp_path / "missing.yaml")).returncode == 2


def test_check_says_what_it_found_and_fails_where_something_is_out_of_reach(
    installation: Installation, tmp_path: Path
) -> None:
    fine = of(installation, "check")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "mailbox ana" in fine.stdout
    report = json.loads(of(installation, "check", "--json").stdout)
    assert [finding["text"] for finding in report["findings"] if finding["verdict"] != "ok"] == [
        "ben can own a wait, but no mailbox of ben is watched: answers sent from it cannot be seen"
    ]
    assert {"mailbox ana", "channel desk", "ownership"} <= {finding["subject"] for finding in report["findings"]}
    dead = {
        "connector": "imap",
        "host": "127.0.0.1",
        "port": free_port(),
        "security": "none",
        "password_env": "NOWHERE",
    }
    boxes = MaildirTeamMail(tmp_path / "more", [ANA, MAX]).mailboxes()
    installation.write(mailboxes=boxes | {"ben": dead | {"address": "ben@acme.test", "owner": "ben"}})
    assert of(installation, "check", "--offline").returncode == 0, "no secrets are needed offline"
    assert of(installation, "check").returncode == 2, "but to log in they are"
    dead["password"] = str(dead.pop("password_env"))
    installation.write(mailboxes=boxes | {"ben": dead | {"address": "ben@acme.test", "owner": "ben"}})
    failed = json.loads((done := of(installation, "check", "--json")).stdout)
    assert (done.returncode, failed["ok"]) == (1, False)
    (finding,) = (finding for finding in failed["findings"] if finding["verdict"] == "failed")
    assert finding["subject"] == "mailbox ben"


def test_a_route_that_ends_at_nobody_who_can_be_reached_fails_the_check(installation: Installation) -> None:
    ops = {"type": "apprise", "url": "json://127.0.0.1:1"}
    installation.write(channels={"ops": ops}, notify_by=["ops"], it_alerts=["ops"])
    done = of(installation, "check", "--offline")
    assert done.returncode == 1
    assert "no channel reaches" in " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One conversation and a bad message: as mbox, as Maildir, as a folder of .eml."""
    folder = tmp_path_factory.mktemp("archive")
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    told = [(BO, ANA, "q1@buyer.test", ""), (ANA, BO, "a1@acme.test", "q1@buyer.test"), (BO, ANA, "q2@buyer.test", "")]
    raws = []
    for number, (sender, to, name, answers) in enumerate(told):
        at = noon + timedelta(hours=number)
        received = f"Received: from relay.test by mx.acme.test; {format_datetime(at)}"
        chain = "a1@acme.test" if number == 2 else answers
        raws.append(message_bytes(sender, to, id=name, answers=chain, at=at, extra=received))
    box = mailbox.mbox(folder / "mail.mbox")
    maildir = mailbox.Maildir(folder / "maildir")
    (folder / "eml").mkdir()
    for number, raw in enumerate(raws):
        box.add(raw)
        maildir.add(raw)
        (folder / "eml" / f"{number}.eml").write_bytes(raw)
    box.close()
    (folder / "eml" / "bad.eml").write_bytes(b"\x00\xff" * 10)
    return folder


@pytest.mark.parametrize("source", ["mail.mbox", "maildir", "eml"])
def test_replay_prints_the_same_clocks_whatever_the_archive(archive: Path, source: str) -> None:
    done = command("replay", "--us", "acme.test", str(archive / source))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    messages = {line["message_id"]: line for line in lines if line["type"] == "message" and "@b" in line["message_id"]}
    assert messages["q2@buyer.test"]["parent"] == "a1@acme.test"
    clocks = [line for line in lines if line["type"] == "clock" and line["metric"] != "follow_up"]
    assert [(clock["metric"], clock["state"], clock["wall_seconds"]) for clock in clocks] == [
        ("first_response", "answered", 3600.0),
        ("next_response", "running", 0.0),
    ]


def test_replay_refuses_what_it_cannot_open_and_who_we_are_not(archive: Path, tmp_path: Path) -> None:
    missing = command("replay", "--us", "acme.test", str(archive / "mail.mbox"), str(archive / "missing.mbox"))
    assert missing.returncode == 1
    assert "missing.mbox" in missing.stderr
    assert command("replay", str(archive / "mail.mbox")).returncode == 2
    assert command("replay", "--us", "acme.test", "--as-of", "noon", str(archive / "mail.mbox")).returncode == 2
    as_of = command("replay", "--us", "acme.test", "--as-of", "2026-05-04T12:30:00Z", str(archive / "mail.mbox"))
    assert [json.loads(line)["type"] for line in as_of.stdout.splitlines()].count("message") == 1


def test_replay_reads_no_text_when_told_so(tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_text(
        "From: Bea Buyer <bea@buyer.test>\nTo: ana@acme.test\nSubject: Prices\nMessage-ID: <q1@buyer.test>\n"
        "Date: Mon, 04 May 2026 09:00:00 +0000\n\nThis is an automatic reply. I am out of the office until Monday.\n"
    )
    for words, kind in (((), "auto_reply"), (("--headers-only",), "human")):
        done = command("replay", "--us", "acme.test", *words, str(letter))
        assert [one["kind"] for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "message"] == [kind]


def test_replay_needs_no_secrets_and_no_store(installation: Installation, archive: Path) -> None:
    installation.write(
        channels={"desk": {"type": "webhook", "url_env": "NOWHERE"}}, store="postgresql+psycopg://nobody@127.0.0.1:1/x"
    )
    done = of(installation, "replay", str(archive / "mail.mbox"))
    assert done.returncode == 0, done.stderr
    escalations = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "escalation"]
    assert [(one["step"], one["targets"]) for one in escalations[:1]] == [(1, ["ana"])]


def test_clocks_are_listed_and_acted_on_through_the_running_daemon(installation: Installation, tmp_path: Path) -> None:
    offline = of(installation, "clocks", "list")
    assert offline.returncode == 1
    assert "inboxwatch run" in offline.stderr
    team_mail = MaildirTeamMail(tmp_path / "other", [ANA, MAX])
    installation.write(mailboxes=team_mail.mailboxes(), steps=LADDER)
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        daemon.wait(daemon.clocks)
        listed = of(installation, "clocks", "list", "--json")
        (clock,) = map(json.loads, listed.stdout.splitlines())
        id_ = clock["id"]
        assert id_ in of(installation, "clocks", "list", "--owner", "ana").stdout
        assert id_ not in of(installation, "clocks", "list", "--owner", "max").stdout
        for words, code in (
            (["acknowledge", id_, "--by", "ben", "--reason", "mine"], 0),
            (["snooze", id_, "--by", "ben", "--for", "2h"], 0),
            (["snooze", id_, "--by", "ben"], 1),
            (["assign", id_, "--by", "ben", "--owner", "max"], 0),
            (["assign", id_, "--by", "ben", "--owner", "nobody"], 1),
            (["dismiss", "unknown", "--by", "ben", "--reason", "x"], 1),
            (["dismiss", id_, "--by", "ben", "--reason", "by phone"], 0),
            (["dismiss", id_, "--by", "ben", "--reason", "by phone"], 1),
        ):
            done = of(installation, "clocks", *words)
            assert done.returncode == code, (words, done.stderr)
            assert "refused" in done.stderr if code else id_ in done.stdout
        assert id_ in of(installation, "clocks", "list", "--state", "closed").stdout
        assert BO in of(installation, "leads", "list").stdout
        found = of(installation, "leads", "search", BO[:5])
        assert (found.returncode, BO in found.stdout, "nobody waits" in found.stdout) == (0, True, True)
        followed = of(installation, "follow-ups", "tomorrow")
        assert (followed.returncode, followed.stdout) == (0, "Tomorrow: nobody has to follow up.\n")
        told = of(installation, "explain", BO)
        assert (told.returncode, "ana" in told.stdout) == (0, True)
        assert of(installation, "explain", "nobody@nowhere.test").returncode == 1
        daemon.stop()


def test_backfill_reads_history_for_reports_and_pages_nobody(installation: Installation, tmp_path: Path) -> None:
    team_mail = MaildirTeamMail(tmp_path / "other", [ANA, MAX])
    for number in range(5):
        team_mail.deliver(ANA, message_bytes(BO, ANA, id=f"q{number}@buyer.test", subject=f"Matter {number}"))
    installation.write(mailboxes=team_mail.mailboxes(), target="0.1s")
    done = of(installation, "backfill", "--since", "90d")
    assert done.returncode == 0, done.stderr
    assert "ana: 5 messages" in done.stderr
    assert of(installation, "backfill", "nobody").returncode == 2
    for unusable in ("long", "0d", "10bh"):
        refused = of(installation, "backfill", "--since", unusable)
        assert refused.returncode == 2
        assert "--since: " in refused.stderr
    with installation.daemon() as daemon:
        assert len(daemon.clocks()) == 5
        assert daemon.metric("inboxwatch_escalations_total") == 0
        daemon.stop()
    installation.write(
        mailboxes={"ana": {"connector": "maildir", "address": ANA, "owner": "ana", "path": "/nowhere/at/all"}}
    )
    assert of(installation, "backfill").returncode == 1


def test_the_example_of_the_program_passes_its_own_check_and_the_schema_is_json(tmp_path: Path) -> None:
    path = tmp_path / "inboxwatch.yaml"
    path.write_text(command("config", "example").stdout)
    done = command("check", "--offline", "-c", str(path))
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(command("config", "schema").stdout)["type"] == "object"
