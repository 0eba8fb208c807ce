"""From a CRM to the board: a lead that is made there, the mail, the clock, a call that is logged there, the report."""

from __future__ import annotations

import html
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def org() -> Iterator[SalesforceOrg]:
    org = SalesforceOrg()
    yield org
    org.close()


def test_a_lead_of_the_crm_is_timed_called_and_stands_in_the_report_with_what_became_of_it(
    org: SalesforceOrg, sink: WebhookSink, tmp_path: Path
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="1h")
    login = {"client_id": CLIENT_ID, "client_secret": SECRET, "ca_file": str(ca_file())}
    crm = {"source": "salesforce", "url": org.url, "every": "1s", "retry_for": "1s", **login}
    (installation.folder / "conf.d").mkdir(exist_ok=True)
    (installation.folder / "conf.d/crm.yaml").write_text(json.dumps({"leads": {"crm": crm}}))

    def explained(ref: str) -> str:
        return CliRunner().invoke(app, ["explain", ref, "-c", str(installation.path)]).stdout

    ana = org.user(ANA)
    buyer = org.put("Contact", Email=DIR, Name="Dir Lind", OwnerId=ana)
    asked = datetime.now(UTC) - 3 * DAY
    replied = asked + 3 * MINUTE
    mail.deliver(ANA, message_bytes(DIR, ANA, id="q1@big.test", at=asked), at=asked)
    mail.deliver(ANA, message_bytes(ANA, DIR, answers="q1@big.test", id="a1@acme.test", at=replied), "Sent", replied)
    with installation.daemon() as daemon:
        daemon.wait(lambda: daemon.status(f"/api/v1/leads/{DIR}") == 200, "the lead is known")
        assert "from crm\n  Owner now: ana" in explained(DIR)
        daemon.wait(lambda: [one["state"] for one in daemon.clocks("closed")] == ["answered"], "three days ago")
        assert "answered" in explained("q1@big.test")

        mail.deliver(ANA, message_bytes(DIR, ANA, id="q2@big.test", subject="Another matter"))
        (clock,) = daemon.wait(daemon.clocks, "the clock runs")
        assert (clock["lead"], clock["owner"]) == (DIR, "ana")
        until(datetime.fromisoformat(clock["started_at"]) + timedelta(seconds=1))
        org.put("Task", WhoId=buyer, OwnerId=ana, CompletedDateTime=org.now)
        daemon.wait(lambda: not daemon.clocks(), "the call ends the wait")
        assert "activity by ana: call" in explained("q2@big.test")

        org.open(buyer, org.now - 2 * DAY)

        def bought() -> bool:
            told = daemon.get("/api/v1/outcomes?within=2d")
            return (told["buckets"]["5m"]["x"], told["buckets"]["5m"]["n"]) == (1, 1)

        daemon.wait(bought, "the deal is known as what became of the lead")
        with urllib.request.urlopen(f"{daemon.url}/report?period=this-month&lang=en") as answer:
            page = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.read().decode())).split())
        assert "What became of leads, by how soon they were answered" in page
        assert "this table does not show what speed does" in page
        assert "Traceback" not in daemon.log
        daemon.stop()
