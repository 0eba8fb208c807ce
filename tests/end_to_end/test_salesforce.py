"""A CRM beside the mail: who is in it is known here, a call there ends a wait here, and a won deal closes the lead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from tests.doubles.https_server import ca_file
from tests.doubles.salesforce import CLIENT_ID, SECRET, SalesforceOrg
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, MAX, MaildirTeamMail
from tests.support.waiting import until

DIR = "dir@big.test"


@pytest.fixture
def org() -> Iterator[SalesforceOrg]:
    found = SalesforceOrg()
    yield found
    found.close()


def connected(installation: Installation, org: SalesforceOrg, **changed: Any) -> Installation:
    """The installation with the org as a source of leads beside its list."""
    login = {"client_id": CLIENT_ID, "client_secret": SECRET, "ca_file": str(ca_file())}
    crm = {"source": "salesforce", "url": org.url, **login, "every": "1s", "retry_for": "1s", **changed}
    (installation.folder / "conf.d").mkdir(exist_ok=True)
    (installation.folder / "conf.d/crm.yaml").write_text(json.dumps({"leads": {"crm": crm}}))
    return installation


def test_a_buyer_of_the_crm_waits_until_a_call_is_logged_there_and_is_closed_by_a_won_deal(
    org: SalesforceOrg, sink: WebhookSink, tmp_path: Path
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = connected(Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="1h"), org)
    max_ = org.user(MAX)
    account = org.put("Account", Name="Big Corp", Website="big.test", NumberOfEmployees=250)
    buyer = org.put("Contact", Email=DIR, Name="Dir Lind", AccountId=account, OwnerId=max_)
    with installation.daemon() as daemon:
        mail.deliver(ANA, message_bytes(DIR, ANA, id="q1@big.test", subject="A price, please"))
        (clock,) = daemon.wait(daemon.clocks, "the clock runs")
        assert (clock["lead"], clock["owner"]) == (DIR, "max"), "as the CRM says, though it is Ana's mailbox"

        until(datetime.fromisoformat(clock["started_at"]) + timedelta(seconds=1))
        org.put("Task", WhoId=buyer, OwnerId=max_, CompletedDateTime=org.now)
        daemon.wait(lambda: not daemon.clocks(), "the call ends the wait")
        (closed,) = daemon.clocks("closed")
        assert (closed["state"], closed["stop_reason"], closed["answered_by"]) == ("ended", "activity", None)
        explained = CliRunner().invoke(app, ["explain", "q1@big.test", "-c", str(installation.path)]).stdout
        assert "activity by max: call" in explained

        mail.deliver(ANA, message_bytes(DIR, ANA, id="q2@big.test", subject="And another"))
        daemon.wait(daemon.clocks, "the second clock runs")
        deal = org.open(buyer)
        org.change(deal, IsClosed=True, IsWon=True)
        daemon.wait(lambda: not daemon.clocks(), "the won deal closes the lead")
        last = max(daemon.clocks("closed"), key=lambda one: str(one["started_at"]))
        assert last["stop_reason"] == "lead_closed"
        assert "Traceback" not in daemon.log
        assert SECRET not in daemon.log
        daemon.stop()


@pytest.mark.parametrize(
    ("account", "verdict", "words"),
    [
        ("good", "ok", "signed in as inboxwatch@acme.test.crm"),
        ("over-privileged", "warning", "the user may change records: Lead (create, edit, delete)"),
        ("blind", "failed", "the user may not see Opportunity"),
        ("wrong secret", "failed", "invalid_client"),
    ],
)
def test_check_tells_a_good_account_from_one_that_could_write_and_one_that_is_broken(
    org: SalesforceOrg, tmp_path: Path, account: str, verdict: str, words: str
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    changed = {"client_secret": "another-secret"} if account == "wrong secret" else {}
    installation = connected(Installation(tmp_path, mail.mailboxes(), hook="https://hook.test"), org, **changed)
    org.writable = {"Lead"} if account == "over-privileged" else set()
    org.hidden = {"Opportunity"} if account == "blind" else set()
    done = CliRunner().invoke(app, ["check", "-c", str(installation.path), "--json"])
    findings = json.loads(done.stdout)["findings"]
    told = [(one["verdict"], one["text"]) for one in findings if one["subject"] == "leads crm"]
    assert [text for its, text in told if its == verdict and words in text], told
    assert ("failed" in dict(told)) == (verdict == "failed")
    assert not [text for _, text in told if SECRET in text]
