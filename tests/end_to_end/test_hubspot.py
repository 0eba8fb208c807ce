"""HubSpot and a database beside the mail: who is in them is known here, what happens there ends waits here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch import now as instant
from inboxwatch.cli import app
from inboxwatch.testing import Record
from tests.doubles.https_server import ca_file
from tests.doubles.hubspot import GRANT, TOKEN, HubSpotServer
from tests.doubles.webhook_sink import WebhookSink
from tests.support.hubspot_records import HubSpotRecords
from tests.support.installation import Installation
from tests.support.lead_databases import QUERY, LeadTable
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, MAX, MaildirTeamMail
from tests.support.waiting import until

DIR = "dir@big.test"


@pytest.fixture
def hubspot() -> Iterator[HubSpotServer]:
    found = HubSpotServer()
    yield found
    found.close()


def beside(installation: Installation, source: dict[str, Any]) -> Installation:
    """The installation with one more source of leads."""
    (installation.folder / "conf.d").mkdir(exist_ok=True)
    (installation.folder / "conf.d/hub.yaml").write_text(json.dumps({"leads": {"hub": source}}))
    return installation


def account(hubspot: HubSpotServer, **changed: Any) -> dict[str, Any]:
    login = {"token": TOKEN, "url": hubspot.server.url, "ca_file": str(ca_file())}
    return {"source": "hubspot", **login, "every": "1s", "retry_for": "1s", **changed}


def findings(installation: Installation) -> list[tuple[str, str]]:
    """(verdict, text) of what `check` says of the source."""
    done = CliRunner().invoke(app, ["check", "-c", str(installation.path), "--json"])
    told = json.loads(done.stdout)["findings"]
    return [(one["verdict"], one["text"]) for one in told if one["subject"] == "leads hub"]


def test_a_contact_that_is_made_and_renamed_is_one_lead_whose_wait_ends_by_a_call(
    hubspot: HubSpotServer, sink: WebhookSink, tmp_path: Path
) -> None:
    people = HubSpotRecords(hubspot)
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = beside(Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="1h"), account(hubspot))
    with installation.daemon() as daemon:
        buyer = people.add(Record(DIR, "Dir Lind", "Big Corp", MAX))
        people.settle()  # the index shows it
        daemon.wait(lambda: daemon.get("/api/v1/leads?search=Dir+Lind")["items"], "the contact is read")
        mail.deliver(ANA, message_bytes(DIR, ANA, id="q1@big.test", subject="A price, please"))
        (clock,) = daemon.wait(daemon.clocks, "the clock runs")
        assert (clock["lead"], clock["owner"]) == (DIR, "max"), "as HubSpot says, though it is Ana's mailbox"

        people.change(buyer, Record("lind@big.test", "Dir Lind", "Big Corp", MAX))
        until(datetime.fromisoformat(clock["started_at"]) + timedelta(seconds=1))
        people.log(buyer, "call", instant.now(), MAX)
        people.settle()
        daemon.wait(lambda: not daemon.clocks(), "the call ends the wait of the lead under its old address")
        (closed,) = daemon.clocks("closed")
        assert (closed["state"], closed["stop_reason"]) == ("ended", "activity")
        explained = CliRunner().invoke(app, ["explain", "q1@big.test", "-c", str(installation.path)]).stdout
        assert "activity by max: call" in explained

        mail.deliver(ANA, message_bytes("lind@big.test", ANA, id="q2@big.test", subject="And another"))
        daemon.wait(daemon.clocks, "the second clock runs")
        people.close_opportunity(people.open_opportunity(buyer, instant.now()), False, instant.now())
        people.settle()
        daemon.wait(lambda: not daemon.clocks(), "the lost deal closes the lead")
        assert "Traceback" not in daemon.log
        assert TOKEN not in daemon.log
        daemon.stop()


@pytest.mark.parametrize(
    ("kind", "verdict", "words"),
    [
        ("good", "ok", "crm.objects.deals.read"),
        ("over-privileged", "warning", "could write (crm.objects.contacts.write)"),
        ("poor", "warning", "the token lacks crm.objects.deals.read"),
        ("blind", "failed", "crm.objects.owners.read"),
        ("broken", "failed", "HTTP 401"),
    ],
)
def test_check_tells_a_good_key_from_one_that_could_write_and_one_that_is_broken(
    hubspot: HubSpotServer, tmp_path: Path, kind: str, verdict: str, words: str
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    changed = {"token": "pat-eu1-of-another-account"} if kind == "broken" else {}
    installation = Installation(tmp_path, mail.mailboxes(), hook="https://hook.test")
    hubspot.scopes = {
        "over-privileged": GRANT | {"crm.objects.contacts.write"},
        "poor": GRANT - {"crm.objects.deals.read"},
        "blind": GRANT - {"crm.objects.owners.read"},
    }.get(kind, GRANT)
    told = findings(beside(installation, account(hubspot, **changed)))
    assert [text for its, text in told if its == verdict and words in text], told
    assert ("failed" in dict(told)) == (verdict == "failed")
    assert not [text for _, text in told if TOKEN in text]


def test_a_row_of_a_database_is_a_lead_of_whom_it_names_until_it_is_gone(sink: WebhookSink, tmp_path: Path) -> None:
    table = LeadTable.sqlite(tmp_path)
    key = table.add(Record(DIR, "Dir Lind", "Big Corp", MAX))
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    source = {"source": "sql", "url": table.url, "query": QUERY, "every": "1s"}
    installation = beside(Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="1h"), source)
    with installation.daemon() as daemon:
        mail.deliver(ANA, message_bytes(DIR, ANA, id="q1@big.test", subject="A price, please"))
        (clock,) = daemon.wait(daemon.clocks, "the clock runs")
        assert (clock["lead"], clock["owner"]) == (DIR, "max")
        listed = "/api/v1/leads?search=Dir+Lind"
        assert daemon.get(listed)["items"]
        table.delete(key)
        daemon.wait(lambda: not daemon.get(listed)["items"], "it is gone from the list")
        assert "Traceback" not in daemon.log
        daemon.stop()
    table.close()


@pytest.mark.parametrize(
    ("query", "mode", "verdict", "words"),
    [(QUERY, 0o444, "ok", "email"), (QUERY, 0o644, "warning", "could write"), ("SELECT x", 0o444, "failed", "no such")],
    ids=["good", "over-privileged", "broken"],
)
def test_check_tells_a_good_database_from_one_it_could_write_and_one_that_is_broken(
    tmp_path: Path, query: str, mode: int, verdict: str, words: str
) -> None:
    table = LeadTable.sqlite(tmp_path)
    table.add(Record(DIR, "Dir Lind"))
    table.close()
    (tmp_path / "crm.db").chmod(mode)
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, mail.mailboxes(), hook="https://hook.test")
    told = findings(beside(installation, {"source": "sql", "url": table.url, "query": query}))
    assert [text for its, text in told if its == verdict and words in text], told
