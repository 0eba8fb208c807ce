"""One command in Slack says of a lead who owns it, what the SLA is, what happens next, and who follows up when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inboxwatch import config as configuration
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, slack_double
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)


async def test_one_command_answers_all_questions_about_a_lead(tmp_path: Path) -> None:
    """Over Slack's own client library, of a daemon with a store."""
    daemon = InProcessDaemon(tmp_path, follow_up="16bh")
    text = daemon.path.read_text(encoding="utf-8").replace("ana@acme.test, m", "ana@acme.test, slack_id: U012AB3CD, m")
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.lead("buyerson@other.test", owner="ben", name="Bo Buyerson")
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer")
    daemon.lead("cy@other.test", owner="ben", name="Cy Chen")
    asked = daemon.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    daemon.mail("ben@acme.test", "cy@other.test", mailbox="sales", parent=asked, after=HOUR)
    daemon.mail("bo@buyer.test", "ana@acme.test")
    async with slack_double() as double:
        settings = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/", "timeout": "30s"}
        slack = Slack(SlackSettings.model_validate(settings), "slack")
        await slack.start(NoticeActions(daemon), None)
        await double.deliver(double.command("bo buyer"))
        await double.until(lambda: len(double.responses) == 1)
        await double.deliver(double.command("chen"))
        await double.until(lambda: len(double.responses) == 2)
        await slack.aclose()
    daemon.close()
    said = [
        [block["text"]["text"] for block in answer["blocks"] if block["type"] == "section"]
        for answer in double.responses
    ]
    assert said[0][:3] == [
        "Ana Diaz owns Bo Buyer right now (rule 1: lead.owner, first match).",
        "SLA default: first reply within 2 h, due Mon 4 May 12:00 UTC, due in 2 h.",
        "If nobody answers, Ana Diaz is told at Mon 4 May 11:00 UTC.",
    ]
    assert "Nobody has to follow up." in said[0]
    assert said[1][0] == "Ben Ito would own the next wait of Cy Chen, as routing stands."
    assert said[1][1] == "SLA default: first reply within 2 h, then 4 h."
    assert said[1][3] == "Ben Ito follows up tomorrow, Tue 5 May 16:00 UTC."
